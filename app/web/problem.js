/**
 * Why a request was not answered: from a response that is no success to a problem (RFC 9457) with a `detail`.
 *
 * The app answers with application/problem+json. What stands before it (a gateway, the Lambda service, a proxy) may
 * answer in any other form; then the status has to tell. Never raises.
 *
 * @typedef {import("./wire.js").Problem} Problem
 */

const DETAILS = new Map([
  [403, "This server does not let you in."],
  [404, "There is no chat at this address."],
  [413, "The message is too long for this server."],
  [429, "The server has too much to do at the moment."],
  [502, "The server failed. Its log says why."],
  [503, "The server is not available at the moment."],
  [504, "The server took too long to answer."],
]);

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function readProblem(response) {
  const body = await response.json().catch(() => null);
  const detail = typeof body?.detail === "string" ? body.detail : null;
  return {
    detail: detail ?? DETAILS.get(response.status) ?? `The server answered with status ${response.status}.`,
    retry_after: seconds(body?.retry_after) ?? seconds(response.headers.get("retry-after")),
    request_id: typeof body?.request_id === "string" ? body.request_id : null,
  };
}

/**
 * A wait in whole seconds, or null where none is given (Retry-After may also be a date, which is left alone).
 *
 * @param {unknown} value
 */
function seconds(value) {
  return /^\d+$/.test(String(value)) ? Number(value) : null;
}
