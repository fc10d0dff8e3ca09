/**
 * The server's configuration for the page, or null if it cannot be loaded. Without it the
 * page has no choice of model, and only the server checks a message.
 *
 * @typedef {{models: string[], default_model: string, max_message_chars: number, demo: boolean}} Config
 *
 * @returns {Promise<Config | null>}
 */
export async function loadConfig() {
  try {
    const response = await fetch("api/config", { cache: "no-store" });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
