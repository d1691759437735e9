// Sends what a person wrote, in order, one at a time. A message keeps its id through every attempt, so the server
// stores it once however often it arrives. Until the server has said that it has it, a message is kept in the tab's
// memory, from which a page that is loaded again takes it up.

const TIMEOUT = 20000;
const WAITS = [0, 1000, 3000];
const LONGEST_BREAK = 300;
const PROBLEMS = { 400: "refused", 413: "too-long", 422: "refused", 429: "too-many", 401: "ended", 403: "ended", 410: "ended" };

/** An id for a new message. Also works where the page came over plain http, where randomUUID does not exist. */
export function newId() {
  if (crypto.randomUUID) {
    return crypto.randomUUID();
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Outbox {
  #queue = Promise.resolve();
  #waiting = new Map();

  /**
   * @param {string} address where messages are posted
   * @param {() => Record<string, string>} headers that say whose chat it is
   * @param {import("./memory.js").Memory} memory where messages are kept until the server has them
   * @param {(id: string, state: "sending"|"sent"|"unreached"|"refused"|"too-long"|"too-many"|"ended", stored: any) => void} report
   */
  constructor(address, headers, memory, report) {
    this.address = address;
    this.headers = headers;
    this.memory = memory;
    this.report = report;
  }

  /** What an earlier load of this page left unsent: ids and texts, in order. To be sent again or dropped. */
  get left() {
    const left = this.memory.get("waiting");
    return Array.isArray(left) ? left : [];
  }

  send(id, text) {
    this.#waiting.set(id, text);
    this.#keep();
    this.report(id, "sending");
    this.#queue = this.#queue.then(() => this.#deliver(id));
  }

  retry(id) {
    if (this.#waiting.has(id)) {
      this.send(id, this.#waiting.get(id));
    }
  }

  /** Tries everything again that the server could not be reached with. */
  retryAll() {
    for (const id of [...this.#waiting.keys()]) {
      this.retry(id);
    }
  }

  /** Forgets a message that the server has, or that its writer took back. Gives its text. */
  drop(id) {
    const text = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#keep();
    return text;
  }

  /** Forgets everything that waits. */
  close() {
    this.#waiting.clear();
  }

  #keep() {
    this.memory.set("waiting", [...this.#waiting]);
  }

  async #deliver(id) {
    let outcome = { state: "unreached" };
    for (const wait of WAITS) {
      await pause(wait);
      if (!this.#waiting.has(id)) {
        return;
      }
      outcome = await this.#attempt(id);
      if (outcome.state !== "unreached") {
        break;
      }
    }
    // The event stream may have brought the proof that the message arrived before its own answer did.
    if (!this.#waiting.has(id)) {
      return;
    }
    if (outcome.state === "sent") {
      this.drop(id);
    }
    this.report(id, outcome.state, outcome.stored);
    if (outcome.state === "too-many") {
      setTimeout(() => this.retry(id), outcome.seconds * 1000);
    }
  }

  async #attempt(id) {
    try {
      const answer = await fetch(this.address, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", ...this.headers() },
        body: JSON.stringify({ id, text: this.#waiting.get(id) }),
        credentials: "same-origin",
        signal: AbortSignal.timeout(TIMEOUT),
      });
      if (answer.ok) {
        return { state: "sent", stored: await answer.json().catch(() => null) };
      }
      const told = Number(answer.headers.get("Retry-After")) || 60;
      return { state: PROBLEMS[answer.status] ?? "unreached", seconds: Math.min(told, LONGEST_BREAK) };
    } catch {
      return { state: "unreached" };
    }
  }
}
