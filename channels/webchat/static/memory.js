// What must outlive a reload of this tab, and nothing else: messages that the server may not have yet, whether the chat is
// hidden and, in a frame, whose chat it is. In the tab's own storage, which ends with the tab. Where a browser allows no
// storage, it is kept for as long as the page is.

const KEY = "chat";

export class Memory {
  #held = {};
  #closed = false;

  constructor() {
    try {
      const held = JSON.parse(sessionStorage.getItem(KEY));
      this.#held = held && typeof held === "object" ? held : {};
    } catch {
      this.#held = {};
    }
  }

  get(name) {
    return this.#held[name];
  }

  set(name, value) {
    if (this.#closed) {
      return;
    }
    this.#held[name] = value;
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.#held));
    } catch {
      // No storage, or none left: the page still works until it is loaded again.
    }
  }

  /** Forgets everything. */
  clear() {
    this.#held = {};
    try {
      sessionStorage.removeItem(KEY);
    } catch {
      // Then there is nothing there either.
    }
  }

  /** Forgets everything and keeps nothing from now on, whatever is still running. */
  close() {
    this.#closed = true;
    this.clear();
  }
}
