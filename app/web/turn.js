/**
 * Follows a turn to its end: every event is drawn at the next frame, and the `end` is given back.
 *
 * @typedef {import("./wire.js").TurnEvent} TurnEvent
 * @typedef {import("./wire.js").AnswerEvent} AnswerEvent
 * @typedef {import("./wire.js").End} End
 *
 * @param {AsyncIterable<TurnEvent>} events
 * @param {(event: AnswerEvent) => void} draw
 * @param {(job: () => void) => void} paint
 * @param {() => void} onBegin called once, when the first words of the answer are there
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
