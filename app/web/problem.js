/**
 * An unsuccessful response as a problem (RFC 9457) with a `detail`. Never raises.
 *
 * The application responds with application/problem+json. A gateway, a proxy or the Lambda
 * service may respond in another form: then the status decides.
 *
 * @typedef {import("./wire.js").Problem} Problem
 */

const DETAILS = new Map([
  [403, "This server does not allow access."],
  [404, "There is no chat at this address."],
  [413, "The message is too long. Shorten it."],
  [429, "The server is busy at the moment."],
  [502, "The server failed. Its log has the cause."],
  [503, "The server is unavailable at the moment."],
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
 * A wait in whole seconds, or null if there is none. A Retry-After with a date is ignored.
 *
 * @param {unknown} value
 */
function seconds(value) {
  return /^\d+$/.test(String(value)) ? Number(value) : null;
}
