/**
 * What the page says when a turn has ended: from its `end` to a sentence and its tone. Pure.
 *
 * @typedef {import("./wire.js").End} End
 * @typedef {import("./wire.js").Usage} Usage
 * @typedef {"good" | "note" | "bad"} Tone
 * @typedef {{sentence: string, tone: Tone}} Outcome
 */

/** @type {Map<string, {tone: Tone, says: string, reasons?: Map<string, string>}>} */
const STATES = new Map([
  [
    "completed",
    {
      tone: "good",
      says: "The answer is complete.",
      reasons: new Map([["empty", "The answer is complete, but it has no text."]]),
    },
  ],
  [
    "incomplete",
    {
      tone: "note",
      says: "The answer is incomplete.",
      reasons: new Map([
        ["max_output_tokens", "The answer is incomplete: it reached the greatest length allowed."],
        ["content_filter", "The answer is incomplete: a content filter ended it."],
        ["deadline", "The answer is incomplete: the server ran out of time."],
      ]),
    },
  ],
  ["refused", { tone: "note", says: "The model refused to answer." }],
  [
    "stopped",
    {
      tone: "note",
      says: "The answer was stopped.",
      reasons: new Map([["page", "You stopped the answer."]]),
    },
  ],
  ["failed", { tone: "bad", says: "The answer failed." }],
  ["interrupted", { tone: "bad", says: "The answer was interrupted on the server." }],
  ["rejected", { tone: "bad", says: "The message was not answered." }],
  ["unreachable", { tone: "bad", says: "The server did not answer. Check the connection and send it again." }],
  ["cut", { tone: "bad", says: "The connection broke before the answer was complete." }],
  ["garbled", { tone: "bad", says: "The server sent something that is not an answer." }],
]);

/**
 * @param {End} end
 * @returns {Outcome}
 */
export function describe({ status, reason, usage, error }) {
  const { tone, says, reasons } = STATES.get(status) ?? { tone: "bad", says: `The answer ended: ${status}.` };
  const because = reason ? (reasons?.get(reason) ?? `${says} Reason: ${reason}.`) : says;
  const parts = [error?.detail ?? because, waitOf(error?.retry_after), usageOf(usage), referenceOf(error?.request_id)];
  return { tone, sentence: parts.filter(Boolean).join(" ") };
}

/** @param {number | null | undefined} seconds */
function waitOf(seconds) {
  return seconds ? `You can send it again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.` : "";
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
