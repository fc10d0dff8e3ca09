/**
 * The element that a selector finds, of the kind that the caller needs.
 * Raises TypeError where there is none: page and script do not fit together.
 *
 * @template {Element} E
 * @param {ParentNode | Node} root
 * @param {string} selector
 * @param {new () => E} kind
 * @returns {E}
 */
export function element(root, selector, kind) {
  const found = /** @type {ParentNode} */ (root).querySelector(selector);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${selector}`);
  return found;
}
