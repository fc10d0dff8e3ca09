/**
 * The events of a turn on the wire: one SSE event as one typed event.
 *
 * An unknown type gives null: a newer server may send more. Data that is not a JSON object,
 * or has missing fields, gives the end `garbled`. Never throws.
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

/** The fields that each type of event must have, all of them texts. */
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
 * @returns {any} an object, empty if the data is not one
 */
function parseObject(data) {
  try {
    return JSON.parse(data) ?? {};
  } catch {
    return {};
  }
}
