// Sends what a person wrote, in order, one at a time. A message keeps its id through every attempt, so the server
// stores it once however often it arrives.

const TIMEOUT = 20000;
const WAITS = [0, 1000, 3000];
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
   * @param {(id: string, state: "sending"|"sent"|"unreached"|"refused"|"too-long"|"too-many"|"ended", stored: any) => void} report
   */
  constructor(address, report) {
    this.address = address;
    this.report = report;
  }

  send(id, text) {
    this.#waiting.set(id, text);
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
    return text;
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
  }

  async #attempt(id) {
    try {
      const answer = await fetch(this.address, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ id, text: this.#waiting.get(id) }),
        credentials: "same-origin",
        signal: AbortSignal.timeout(TIMEOUT),
      });
      if (answer.ok) {
        return { state: "sent", stored: await answer.json().catch(() => null) };
      }
      return { state: PROBLEMS[answer.status] ?? "unreached" };
    } catch {
      return { state: "unreached" };
    }
  }
}
