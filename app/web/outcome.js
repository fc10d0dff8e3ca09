/**
 * The sentence and tone with which the page shows the end of a turn. Pure.
 *
 * @typedef {import("./wire.js").End} End
 * @typedef {import("./wire.js").Usage} Usage
 * @typedef {"good" | "note" | "bad"} Tone
 * @typedef {{sentence: string, tone: Tone}} Outcome
 */

/** @type {Map<string, {tone: Tone, text: string, reasons?: Map<string, string>}>} */
const STATES = new Map([
  [
    "completed",
    {
      tone: "good",
      text: "The answer is complete.",
      reasons: new Map([["empty", "The answer is complete, but it has no text."]]),
    },
  ],
  [
    "incomplete",
    {
      tone: "note",
      text: "The answer is incomplete.",
      reasons: new Map([
        ["max_output_tokens", "The answer is incomplete: it reached the maximum length."],
        ["content_filter", "The answer is incomplete: a content filter stopped it."],
        ["deadline", "The answer is incomplete: the server ran out of time."],
      ]),
    },
  ],
  ["refused", { tone: "note", text: "The model refused to answer." }],
  [
    "stopped",
    {
      tone: "note",
      text: "The answer was stopped.",
      reasons: new Map([["page", "You stopped the answer."]]),
    },
  ],
  ["failed", { tone: "bad", text: "The answer failed." }],
  ["interrupted", { tone: "bad", text: "The answer was interrupted on the server." }],
  ["rejected", { tone: "bad", text: "The server rejected the message." }],
  ["unreachable", { tone: "bad", text: "The server cannot be reached. Check the connection and send the message again." }],
  ["cut", { tone: "bad", text: "The connection was lost before the answer was complete. Send the message again." }],
  ["garbled", { tone: "bad", text: "The server sent an invalid answer. Reload the page and try again." }],
]);

/**
 * @param {End} end
 * @returns {Outcome}
 */
export function describe({ status, reason, usage, error }) {
  const { tone, text, reasons } = STATES.get(status) ?? { tone: "bad", text: `The answer ended: ${status}.` };
  const because = reason ? (reasons?.get(reason) ?? `${text} Reason: ${reason}.`) : text;
  const parts = [error?.detail ?? because, waitOf(error?.retry_after), usageOf(usage), referenceOf(error?.request_id)];
  return { tone, sentence: parts.filter(Boolean).join(" ") };
}

/** @param {number | null | undefined} seconds */
function waitOf(seconds) {
  return seconds ? `Try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.` : "";
}

/** @param {Usage | null | undefined} usage */
function usageOf(usage) {
  const sent = usage?.input_tokens;
  const made = usage?.output_tokens;
  const parts = [known(sent) && `${sent} in`, known(made) && `${made} out`].filter(Boolean);
  return parts.length > 0 ? `Tokens: ${parts.join(", ")}.` : "";
}

/** @param {string | null | undefined} id */
function referenceOf(id) {
  return id ? `Reference: ${id}.` : "";
}

/** @param {unknown} number */
function known(number) {
  return typeof number === "number";
}
