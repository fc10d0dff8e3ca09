/** Stops a turn on the server, and so its cost. */

const ATTEMPTS = 3;
const PAUSE = 700; // milliseconds

/**
 * Retries if the server does not know the turn yet: the request that began it may still be
 * under way. Never raises: the page has already shown the stop.
 *
 * @param {string} turnId
 * @param {typeof globalThis.fetch} [fetch]
 */
export async function stopTurn(turnId, fetch = globalThis.fetch) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const response = await fetch(`api/turns/${turnId}/stop`, { method: "POST", keepalive: true }).catch(() => null);
    if (response !== null && response.status !== 404) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
