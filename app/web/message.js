/**
 * The fault of a message before it is sent: a sentence, or null if there is none. Pure.
 *
 * Lengths are in code points, as the server counts them.
 *
 * @param {string} text
 * @param {number} limit
 * @returns {string | null}
 */
export function faultOf(text, limit) {
  return text.trim() === "" ? "Write a message first." : overlong(text, limit);
}

/**
 * The fault that the page shows while the message is still being written.
 *
 * @param {string} text
 * @param {number} limit
 * @returns {string | null}
 */
export function overlong(text, limit) {
  const length = text.length > limit ? [...text].length : text.length; // there are never more code points than units
  return length > limit ? `The message has ${length} characters; at most ${limit} are allowed.` : null;
}
