/**
 * The events of a turn, as they go over the wire: one SSE event in, one typed event out.
 *
 * An event of a kind that this page does not know gives null: a newer server may send more. Data that is no JSON
 * object, or lacks what its kind must have, gives the end `garbled`. Nothing raises.
 *
 * @typedef {{type: "start", model: string}} Start
 * @typedef {{type: "text" | "reasoning" | "refusal", delta: string}} Delta
 * @typedef {{type: "tool", name: string, status: string}} Tool
 * @typedef {{type: "source", url: string, title: string}} Source
 * @typedef {{input_tokens?: number | null, output_tokens?: number | null}} Usage
 * @typedef {{detail: string, retry_after?: number | null, request_id?: string | null}} Problem
 * @typedef {{type: "end", status: string, reason?: string | null, usage?: Usage | null, error?: Problem | null}} End
 * @typedef {Start | Delta | Tool | Source} AnswerEvent
 * @typedef {AnswerEvent | End} TurnEvent
 */

/** What each kind of event must have; all of it is text. */
const REQUIRED = new Map([
  ["start", ["model"]],
  ["text", ["delta"]],
  ["reasoning", ["delta"]],
  ["refusal", ["delta"]],
  ["tool", ["name", "status"]],
  ["source", ["url", "title"]],
  ["end", ["status"]],
]);

/**
 * @param {{event: string, data: string}} event
 * @returns {TurnEvent | null}
 */
export function decodeEvent({ event, data }) {
  const required = REQUIRED.get(event);
  if (required === undefined) return null;
  const fields = parseObject(data);
  const whole = required.every((name) => typeof fields[name] === "string");
  return whole ? { ...fields, type: event } : { type: "end", status: "garbled" };
}

/**
 * @param {string} data
 * @returns {any} an object, without fields where the data is none
 */
function parseObject(data) {
  try {
    return JSON.parse(data) ?? {};
  } catch {
    return {};
  }
}
