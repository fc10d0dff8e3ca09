/**
 * Server-sent events, decoded piece by piece (WHATWG HTML, section 9.2.6, "Interpreting an event stream").
 *
 * In: text, cut anywhere, also between the CR and the LF of one line end. Out: `onEvent` for each event, as soon
 * as its empty line is there. Comments, `retry`, unknown fields, events without data and an event that the stream
 * leaves unfinished produce nothing. Nothing fails: every text is an event stream.
 *
 * @typedef {{event: string, data: string, id: string}} ServerSentEvent
 */

const LINE_END = /\r\n|\r|\n/;

/**
 * @param {{onEvent: (event: ServerSentEvent) => void}} sink
 * @returns {{feed: (piece: string) => void}}
 */
export function createParser({ onEvent }) {
  const fields = createFields(onEvent);
  let line = ""; // what has come of the line that has no end yet
  let atStart = true; // of the stream, where a byte order mark may stand
  let afterCR = false; // a LF to come belongs to the CR that ended the last piece

  /** @param {string} piece */
  function feed(piece) {
    if (piece === "") return;
    if (atStart && piece.startsWith("\uFEFF")) piece = piece.slice(1);
    if (afterCR && piece.startsWith("\n")) piece = piece.slice(1);
    atStart = false;
    afterCR = piece.endsWith("\r");
    const lines = (line + piece).split(LINE_END);
    line = lines.pop() ?? "";
    lines.forEach(fields.take);
  }

  return { feed };
}

/** @param {(event: ServerSentEvent) => void} onEvent */
function createFields(onEvent) {
  let event = "";
  let id = "";
  /** @type {string[]} */
  let data = [];

  /** @type {Map<string, (value: string) => void>} */
  const setters = new Map([
    ["event", (value) => void (event = value)],
    ["data", (value) => void data.push(value)],
    ["id", (value) => void (value.includes("\0") || (id = value))],
  ]);

  function dispatch() {
    if (data.length > 0) onEvent({ event: event || "message", data: data.join("\n"), id });
    event = "";
    data = [];
  }

  /** @param {string} line */
  function take(line) {
    if (line === "") return dispatch();
    const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    setters.get(name)?.(value); // a comment is a field without a name
  }

  return { take };
}
