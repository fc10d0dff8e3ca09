/**
 * The element of a selector and a class. Throws TypeError if there is none.
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
