/** The page's composition root: the configuration, the form, and one turn after the other. */

import { streamTurn } from "./chat.js";
import { createComposer } from "./composer.js";
import { loadConfig } from "./config.js";
import { element } from "./dom.js";
import { createExchange } from "./exchange.js";
import { describe } from "./outcome.js";
import { newTurnId } from "./id.js";
import { createPainter } from "./paint.js";
import { followTurn } from "./turn.js";

const thread = element(document, "#thread", HTMLElement);
const template = element(document, "#exchange", HTMLTemplateElement);
const choice = element(document, "#choice", HTMLElement);
const model = element(document, "#model", HTMLSelectElement);
const status = element(document, "#status", HTMLElement);
const painter = createPainter(thread);
let turn = new AbortController();

const composer = createComposer(
  {
    form: element(document, "#composer", HTMLFormElement),
    input: element(document, "#message", HTMLTextAreaElement),
    send: element(document, "#send", HTMLButtonElement),
    stop: element(document, "#stop", HTMLButtonElement),
  },
  { onSend: ask, onStop: () => turn.abort(), onFault: (sentence) => say(sentence, "bad") },
);

/**
 * @param {string} sentence
 * @param {string} [tone]
 */
function say(sentence, tone = "") {
  status.textContent = sentence;
  status.dataset.tone = tone;
}

/** @param {string} message */
async function ask(message) {
  const exchange = createExchange(template, message);
  turn = new AbortController();
  thread.append(exchange.article);
  composer.lock();
  say("Waiting for the answer.");
  painter.toEnd();
  try {
    const question = { turn_id: newTurnId(), message };
    const request = choice.hidden ? question : { ...question, model: model.value };
    const end = await followTurn(streamTurn(request, turn.signal), exchange.draw, painter.paint, begin);
    if (end.status === "completed") composer.release();
    painter.paint(() => conclude(exchange, describe(end)));
    painter.flush();
  } finally {
    composer.unlock(); // also after a bug of this page
  }
}

function begin() {
  composer.release();
  say("Answering.");
}

/**
 * @param {ReturnType<typeof createExchange>} exchange
 * @param {import("./outcome.js").Outcome} outcome
 */
function conclude(exchange, outcome) {
  exchange.settle(outcome);
  say(outcome.sentence, outcome.tone);
}

loadConfig().then((config) => {
  if (config === null) return;
  element(document, "#demo", HTMLElement).hidden = !config.demo;
  composer.limitTo(config.max_message_chars);
  model.append(...config.models.map((name) => new Option(name)));
  model.value = config.default_model;
  choice.hidden = config.models.length < 2;
});
