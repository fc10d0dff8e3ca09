/**
 * One question and its answer on the page. All text from the wire becomes text nodes, never markup.
 *
 * @typedef {import("./wire.js").AnswerEvent} AnswerEvent
 * @typedef {import("./outcome.js").Outcome} Outcome
 * @typedef {(name: string) => HTMLElement} Part
 */

import { element } from "./dom.js";

/** @type {Record<AnswerEvent["type"], (part: Part, event: any) => void>} */
const DRAW = {
  start: (part, { model }) => part("model").replaceChildren(model),
  text: (part, { delta }) => part("text").append(delta),
  refusal: (part, { delta }) => part("refusal").append(delta),
  reasoning: (part, { delta }) => shown(part("reasoning")).lastElementChild?.append(delta),
  tool: (part, { name, status }) => shown(part("tool")).replaceChildren(`${name}: ${status}`),
  source: (part, source) => shown(part("sources")).append(listed(source)),
};

/**
 * @param {HTMLTemplateElement} template an article whose parts have names in data-part
 * @param {string} question
 */
export function createExchange(template, question) {
  const article = element(template.content.cloneNode(true), "article", HTMLElement);
  /** @type {Part} */
  const part = (name) => element(article, `[data-part=${name}]`, HTMLElement);
  part("question").append(question);

  return {
    article,
    /** @param {AnswerEvent} event */
    draw: (event) => DRAW[event.type](part, event),
    /** @param {Outcome} outcome */
    settle({ sentence, tone }) {
      part("outcome").append(sentence);
      article.dataset.tone = tone;
      part("answer").setAttribute("aria-busy", "false");
    },
  };
}

/** @param {HTMLElement} part */
function shown(part) {
  part.hidden = false;
  return part;
}

/** @param {{url: string, title: string}} source */
function listed({ url, title }) {
  const item = document.createElement("li");
  item.append(/^https?:\/\//i.test(url) ? linked(url, title) : title || url); // other schemes are not linked
  return item;
}

/**
 * @param {string} url
 * @param {string} title
 */
function linked(url, title) {
  const link = document.createElement("a");
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.append(title || url);
  return link;
}
