/**
 * An incremental decoder of server-sent events (WHATWG HTML, section 9.2.6, "Interpreting an event stream").
 *
 * The input is text, cut anywhere, even between CR and LF. `onEvent` is called for each event
 * at its empty line. Comments, `retry`, unknown fields, events without data and an unfinished
 * event at the end are ignored. It never throws: every text is an event stream.
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
  let line = ""; // the unfinished line
  let atStart = true; // of the stream, which may begin with a byte order mark
  let afterCR = false; // the last piece ended with CR, so a first LF belongs to it

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
