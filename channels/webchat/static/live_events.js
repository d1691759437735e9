// A stream of Server-Sent Events that comes back by itself, whatever cut it.
// EventSource reconnects after a broken connection, but gives up for good when a proxy or a restarting server answers
// with an error, and says nothing when a sleeping laptop or a moving phone has lost the line. Both are handled here.

const GRACE = 5000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
const ASLEEP = 30000;

export class LiveEvents {
  #source = null;
  #attempts = 0;
  #lost = false;
  #graceTimer = 0;
  #retryTimer = 0;
  #hiddenSince = 0;
  #closed = false;

  /**
   * @param {() => string} address the stream's address, asked for anew each time that a stream is opened
   * @param {Record<string, (data: any) => void>} listeners what to do with the data of each kind of event
   * @param {{lost: () => void, back: () => void}} connection told when the line has been down for a while, and when it is up
   */
  constructor(address, listeners, connection) {
    this.address = address;
    this.listeners = listeners;
    this.connection = connection;
    window.addEventListener("online", () => this.restart());
    window.addEventListener("offline", () => this.#loseNow());
    document.addEventListener("visibilitychange", () => this.#wake());
    this.#open();
  }

  /** Drops the stream and opens a new one at once. */
  restart() {
    this.#attempts = 0;
    this.#open();
  }

  close() {
    this.#closed = true;
    this.#stop();
  }

  #open() {
    this.#stop();
    if (this.#closed) {
      return;
    }
    const source = new EventSource(this.address());
    this.#source = source;
    source.onopen = () => this.#connected();
    source.onerror = () => this.#failed(source);
    for (const [kind, listener] of Object.entries(this.listeners)) {
      source.addEventListener(kind, (event) => {
        const data = parsed(event.data);
        if (data) {
          listener(data);
        }
      });
    }
  }

  #stop() {
    clearTimeout(this.#retryTimer);
    this.#source?.close();
    this.#source = null;
  }

  #connected() {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = 0;
    this.#attempts = 0;
    if (this.#lost) {
      this.#lost = false;
      this.connection.back();
    }
  }

  #failed(source) {
    // A short break is mended before anybody notices: only a longer one is worth a message.
    this.#graceTimer ||= setTimeout(() => this.#loseNow(), GRACE);
    if (source.readyState === EventSource.CLOSED && source === this.#source) {
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#attempts);
      this.#attempts += 1;
      this.#retryTimer = setTimeout(() => this.#open(), wait);
    }
  }

  #loseNow() {
    if (!this.#lost && !this.#closed) {
      this.#lost = true;
      this.connection.lost();
    }
  }

  #wake() {
    if (document.hidden) {
      this.#hiddenSince = Date.now();
    } else if (this.#hiddenSince && Date.now() - this.#hiddenSince > ASLEEP) {
      this.restart();
    }
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
