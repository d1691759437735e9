// The conversation on the page. Each message is shown once, however often and in whatever order the page load, the
// answer to a post and the event stream speak of it.

import { showReply } from "./message_text.js";
import { showTime } from "./clock.js";

export class Thread {
  #byId = new Map();
  #byClientId = new Map();
  lastId = 0;

  /** @param {HTMLElement} log @param {(name: string) => HTMLTemplateElement} template */
  constructor(log, template) {
    this.log = log;
    this.template = template;
    this.newTabWords = template("new-tab").content.textContent;
    for (const element of log.querySelectorAll("[data-message]")) {
      this.#adopt(element);
    }
  }

  get empty() {
    return !this.log.querySelector("[data-message]");
  }

  /** Shows what the person has just written, before the server has it. */
  showOwn(clientId, text) {
    const element = this.#build("you", text, new Date().toISOString());
    this.#byClientId.set(clientId, element);
    element.dataset.client = clientId;
    this.removeOptions();
    this.log.append(element);
    return element;
  }

  /** Notes that the server has a message of ours. `id` is its number there, when it is known already. */
  confirm(clientId, id) {
    const element = this.#byClientId.get(clientId);
    if (element && Number.isInteger(id)) {
      this.#number(element, id);
    }
  }

  /** Takes in a message from the stream. Gives its new element, or null when it was already on the page. */
  receive(message) {
    const id = Number(message.id);
    if (this.#byId.has(id)) {
      return null;
    }
    const own = message.sender === "you" ? this.#ownElement(message) : null;
    if (own) {
      this.#number(own, id);
      this.#place(own);
      showTime(part(own, "time"), message.at);
      return null;
    }
    const element = this.#build(message.sender, message.text, message.at);
    this.#number(element, id);
    this.removeOptions();
    this.#place(element);
    if (message.sender === "helpline" && message.options?.length) {
      element.append(this.#options(message.options));
    }
    return element;
  }

  /** Whether the page shows a message of ours that has a number, so that the server has it. */
  has(clientId) {
    return Boolean(this.#byClientId.get(clientId)?.dataset.message);
  }

  state(clientId, state) {
    for (const row of this.#byClientId.get(clientId)?.querySelectorAll("[data-when]") ?? []) {
      row.hidden = row.dataset.when !== state;
    }
  }

  removeOwn(clientId) {
    this.#byClientId.get(clientId)?.remove();
    this.#byClientId.delete(clientId);
  }

  /** Only the newest question can still be answered by a button. */
  removeOptions() {
    for (const form of this.log.querySelectorAll("[data-options]")) {
      form.remove();
    }
  }

  clear() {
    this.log.replaceChildren();
  }

  #adopt(element) {
    this.#number(element, Number(element.dataset.message));
    if (element.dataset.client) {
      this.#byClientId.set(element.dataset.client, element);
    }
    const time = part(element, "time");
    showTime(time, time.dateTime);
    if (element.dataset.sender === "helpline") {
      const text = part(element, "text");
      showReply(text, text.textContent, this.newTabWords);
    }
  }

  #number(element, id) {
    element.dataset.message = id;
    this.#byId.set(id, element);
    this.lastId = Math.max(this.lastId, id);
  }

  // In the order of the numbers, and before what the server does not have yet. Moved only where it stands wrong, because
  // a screen reader says what moves again.
  #place(element) {
    const id = Number(element.dataset.message);
    let before = element.isConnected ? element.previousElementSibling : this.log.lastElementChild;
    if (element.isConnected && !isAfter(before, id)) {
      return;
    }
    while (isAfter(before, id)) {
      before = before.previousElementSibling;
    }
    this.log.insertBefore(element, before ? before.nextElementSibling : this.log.firstElementChild);
  }

  #ownElement(message) {
    if (message.client_id) {
      return this.#byClientId.get(message.client_id);
    }
    return [...this.#byClientId.values()].find(
      (element) => !element.dataset.message && part(element, "text").textContent === message.text,
    );
  }

  #build(sender, text, at) {
    const element = this.template(sender === "you" ? "you" : "helpline").content.firstElementChild.cloneNode(true);
    if (sender === "you") {
      part(element, "text").textContent = text;
    } else {
      showReply(part(element, "text"), text, this.newTabWords);
    }
    for (const row of element.querySelectorAll("[data-when]")) {
      row.hidden = true;
    }
    showTime(part(element, "time"), at);
    return element;
  }

  #options(labels) {
    const form = this.template("options").content.firstElementChild.cloneNode(true);
    for (const label of labels) {
      const button = this.template("option").content.firstElementChild.cloneNode(true);
      button.value = label;
      button.textContent = label;
      form.append(button);
    }
    return form;
  }
}

function part(element, name) {
  return element.querySelector(`[data-part="${name}"]`);
}

function isAfter(element, id) {
  return Boolean(element) && (!element.dataset.message || Number(element.dataset.message) > id);
}
