/**
 * The form: passes a message on once, and is locked until `unlock`.
 *
 * The message stays in the input, read-only, until the answer begins (`release`). If no
 * answer begins, it can be sent again. After `release` the next message can be written.
 *
 * @typedef {{form: HTMLFormElement, input: HTMLTextAreaElement, send: HTMLButtonElement, stop: HTMLButtonElement}} Parts
 * @typedef {{onSend: (message: string) => void, onStop: () => void, onFault: (sentence: string) => void}} Handlers
 */

import { faultOf, overlong } from "./message.js";

/**
 * @param {Parts} parts
 * @param {Handlers} handlers
 */
export function createComposer({ form, input, send, stop }, { onSend, onStop, onFault }) {
  let busy = false;
  let limit = Infinity;

  /** @param {string | null} sentence */
  function showFault(sentence) {
    const before = input.getAttribute("aria-invalid") === "true";
    input.setAttribute("aria-invalid", String(sentence !== null));
    if (sentence !== null || before) onFault(sentence ?? "");
  }

  function check() {
    if (!busy) showFault(overlong(input.value, limit));
  }

  /** @param {boolean} now */
  function lock(now) {
    busy = now;
    send.disabled = now;
    stop.hidden = !now;
    input.readOnly = now;
    input.focus({ preventScroll: true });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (busy) return;
    const fault = faultOf(input.value, limit);
    showFault(fault);
    if (fault === null) onSend(input.value);
    else input.focus();
  });
  input.addEventListener("keydown", (event) => {
    if (!meansSend(event)) return;
    event.preventDefault();
    if (!event.repeat) form.requestSubmit();
  });
  input.addEventListener("input", check);
  stop.addEventListener("click", onStop);
  send.disabled = false;

  return {
    lock: () => lock(true),
    unlock: () => lock(false),
    release() {
      if (!input.readOnly) return; // released already: the input has the next message
      input.value = "";
      input.readOnly = false;
    },
    /** @param {number} chars */
    limitTo(chars) {
      limit = chars;
      check();
    },
  };
}

/**
 * Whether the key sends: Enter without Shift. The Enter that ends an IME composition does
 * not; Safari fires it after the composition, with the key code 229.
 *
 * @param {KeyboardEvent} event
 */
function meansSend({ key, shiftKey, isComposing, keyCode }) {
  return key === "Enter" && !shiftKey && !isComposing && keyCode !== 229;
}
