/** Has the server end a turn, and with it the spending. */

const ATTEMPTS = 3;
const PAUSE = 700; // milliseconds

/**
 * Asks again where the server does not know the turn yet: the request that began it may still be on its way. Nothing
 * raises: who stops has left already, and there is nobody to tell.
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
