/**
 * The bytes of an event stream, cut anywhere, as the events of a turn, with exactly one `end`.
 *
 * @typedef {import("./wire.js").TurnEvent} TurnEvent
 * @typedef {import("./wire.js").End} End
 * @typedef {import("./sse.js").ServerSentEvent} ServerSentEvent
 */

import { createParser } from "./sse.js";
import { decodeEvent } from "./wire.js";

/**
 * The end of a connection that stopped before the answer: by the user, or by a fault.
 *
 * @param {AbortSignal} signal
 * @param {string} status used if it was not the user
 * @returns {End}
 */
export function endOf(signal, status) {
  return signal.aborted ? { type: "end", status: "stopped", reason: "page" } : { type: "end", status };
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<TurnEvent, void>}
 */
export async function* readEvents(body, signal) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  /** @type {ServerSentEvent[]} */
  const arrived = [];
  const parser = createParser({ onEvent: (event) => arrived.push(event) });
  try {
    for (;;) {
      const piece = await reader.read().catch(() => null);
      if (piece === null || piece.done) return yield endOf(signal, "cut");
      parser.feed(decoder.decode(piece.value, { stream: true }));
      for (const event of arrived.splice(0).map(decodeEvent)) {
        if (event !== null) yield event;
        if (event?.type === "end") return;
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // a stream that failed needs no cancellation
  }
}
