/**
 * What the server tells the page before the first question, or null where it cannot be had: then the page works
 * without a choice of model, and the server alone judges a message.
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
