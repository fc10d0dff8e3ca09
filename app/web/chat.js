/**
 * Sends one message and yields the events of its answer. The last event, and only that, is an `end`.
 *
 * Beside the server's states of a turn there are those of the page: `rejected` (an HTTP
 * error), `unreachable` (no response), `cut` (the stream ended without an end), `garbled`
 * (invalid data) and `stopped` with the reason `page` (the signal was aborted). Nothing is
 * sent twice. An abort also stops the turn on the server, which would otherwise continue.
 *
 * @typedef {import("./wire.js").TurnEvent} TurnEvent
 * @typedef {{turn_id: string, message: string, model?: string}} ChatRequest
 */

import { stopTurn } from "./halt.js";
import { readProblem } from "./problem.js";
import { endOf, readEvents } from "./stream.js";

/**
 * @param {ChatRequest} request
 * @param {AbortSignal} signal
 * @param {typeof globalThis.fetch} [fetch]
 * @returns {AsyncGenerator<TurnEvent, void>}
 */
export async function* streamTurn(request, signal, fetch = globalThis.fetch) {
  signal.addEventListener("abort", () => stopTurn(request.turn_id, fetch), { once: true });
  const response = await post(request, signal, fetch).catch(() => null);
  if (response === null) yield endOf(signal, "unreachable");
  else if (!response.ok) yield { type: "end", status: "rejected", error: await readProblem(response) };
  else if (response.body === null || !isEventStream(response)) yield { type: "end", status: "garbled" };
  else yield* readEvents(response.body, signal);
}

/**
 * @param {ChatRequest} request
 * @param {AbortSignal} signal
 * @param {typeof globalThis.fetch} fetch
 */
async function post(request, signal, fetch) {
  return fetch("api/chat/stream", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify(request),
    cache: "no-store",
    signal,
  });
}

/** @param {Response} response */
function isEventStream({ headers }) {
  return /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");
}
