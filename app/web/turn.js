/**
 * Follows a turn to its end. Each event is drawn at the next frame; the `end` is returned.
 *
 * @typedef {import("./wire.js").TurnEvent} TurnEvent
 * @typedef {import("./wire.js").AnswerEvent} AnswerEvent
 * @typedef {import("./wire.js").End} End
 *
 * @param {AsyncIterable<TurnEvent>} events
 * @param {(event: AnswerEvent) => void} draw
 * @param {(job: () => void) => void} paint
 * @param {() => void} onBegin called once, at the first text of the answer
 * @returns {Promise<End>}
 */
export async function followTurn(events, draw, paint, onBegin) {
  let begun = false;
  for await (const event of events) {
    if (event.type === "end") return event;
    if (!begun && ANSWERS.has(event.type)) {
      begun = true;
      onBegin();
    }
    paint(() => draw(event));
  }
  throw new TypeError("the events of a turn came without an end");
}

const ANSWERS = new Set(["text", "refusal"]);
