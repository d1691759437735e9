// The texts on the screen of the pretend phone.

import { showReply } from "/static/webchat/message_text.js";
import { showTime } from "/static/webchat/clock.js";

const PROBLEMS = new Set(["refused", "unreached", "failed", "undelivered"]);

export class Texts {
  #byId = new Map();
  #unconfirmed = [];

  /**
   * @param {HTMLElement} screen where the texts are shown
   * @param {(name: string) => HTMLElement} copy gives a copy of a template of the page
   * @param {(name: string, n?: number) => string|null} word gives words of the page
   */
  constructor(screen, copy, word) {
    this.screen = screen;
    this.copy = copy;
    this.word = word;
    this.empty = screen.querySelector("[data-empty]");
  }

  clear() {
    this.#byId.clear();
    this.#unconfirmed = [];
    this.screen.replaceChildren(this.empty);
  }

  /** Shows a text that is on its way. Gives its element, for `settle`. */
  showSending(text, media) {
    const element = this.copy("you");
    part(element, "text").textContent = text || this.word(media ? "picture" : "empty-text");
    this.#state(element, "sending");
    this.#unconfirmed.push({ text, element });
    this.#append(element);
    return element;
  }

  /** Notes how the post of a text ended, unless the event stream has shown that it was stored. */
  settle(element, state) {
    const waiting = this.#unconfirmed.find((entry) => entry.element === element);
    if (waiting) {
      this.#state(element, state);
      if (PROBLEMS.has(state)) {
        this.#unconfirmed = this.#unconfirmed.filter((entry) => entry !== waiting);
      }
    }
  }

  /** Takes in an event: a new text, or news of one that is on the screen. */
  receive(message) {
    let element = this.#byId.get(message.id);
    if (!element) {
      element = (message.sender === "you" && this.#confirmed(message)) || this.#build(message);
      this.#byId.set(message.id, element);
    }
    this.#describe(element, message);
  }

  #confirmed(message) {
    const index = this.#unconfirmed.findIndex((entry) => entry.text === message.text);
    return index < 0 ? null : this.#unconfirmed.splice(index, 1)[0].element;
  }

  #build(message) {
    const element = this.copy(message.sender === "you" ? "you" : "helpline");
    const place = part(element, "text");
    if (message.sender === "you") {
      place.textContent = message.text || this.word("empty-text");
    } else {
      showReply(place, message.text, this.word("new-tab"));
    }
    this.#append(element);
    return element;
  }

  #describe(element, message) {
    if (message.sender !== "you" && message.segments) {
      const count = this.word(message.segments === 1 ? "segment" : "segments", message.segments);
      part(element, "segments").textContent = [count, message.encoding, "·"].filter(Boolean).join(" ");
    }
    this.#state(element, message.state);
    showTime(part(element, "time"), message.at);
  }

  #state(element, state) {
    part(element, "state").textContent = state ? (this.word(`state-${state}`) ?? state) : "";
    element.classList.toggle("app-sms--refused", PROBLEMS.has(state));
  }

  #append(element) {
    this.empty.remove();
    this.screen.append(element);
    this.screen.scrollTop = this.screen.scrollHeight;
  }
}

function part(element, name) {
  return element.querySelector(`[data-part="${name}"]`);
}
