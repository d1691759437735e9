// A stream of Server-Sent Events that comes back by itself, whatever cut it.
// Not EventSource: it can say neither whose chat it is other than by a cookie, which a frame on another site does not
// get, nor with which status it was refused; it gives up for good when a proxy or a restarting server answers with an
// error, and it does not notice when a sleeping laptop or a moving phone has lost the line.
// https://html.spec.whatwg.org/multipage/server-sent-events.html

const GRACE = 5000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
const ASLEEP = 30000;
// The server says something at least every 15 seconds.
const SILENCE = 40000;

export class LiveEvents {
  #stream = null;
  #attempts = 0;
  #lost = false;
  #graceTimer = 0;
  #retryTimer = 0;
  #silenceTimer = 0;
  #pause = FIRST_WAIT;
  #hiddenSince = 0;
  #closed = false;

  /**
   * @param {() => string} address the stream's address, asked for anew each time that a stream is opened
   * @param {Record<string, (data: any) => void>} listeners what to do with the data of each kind of event
   * @param {{lost: () => void, back: () => void, ended?: () => void}} connection told when the line has been down for a
   *   while, when it is up again, and when the server does not know the session any more
   * @param {{headers?: () => Record<string, string>, starts?: boolean}} more headers that say whose chat it is, and
   *   whether the stream is opened at once
   */
  constructor(address, listeners, connection, { headers = () => ({}), starts = true } = {}) {
    this.address = address;
    this.headers = headers;
    this.listeners = listeners;
    this.connection = connection;
    window.addEventListener("online", () => this.restart());
    window.addEventListener("offline", () => this.#loseNow());
    document.addEventListener("visibilitychange", () => this.#wake());
    this.#closed = !starts;
    this.restart();
  }

  /** Drops the stream and opens a new one at once. */
  restart() {
    if (!this.#closed) {
      this.#attempts = 0;
      this.#open();
    }
  }

  /** Starts, also after it was closed. */
  start() {
    this.#closed = false;
    this.restart();
  }

  close() {
    this.#closed = true;
    this.#stop();
  }

  async #open() {
    this.#stop();
    const stream = new AbortController();
    this.#stream = stream;
    try {
      const answer = await fetch(this.address(), {
        headers: { Accept: "text/event-stream", ...this.headers() },
        credentials: "same-origin",
        cache: "no-store",
        signal: stream.signal,
      });
      if (answer.status === 401 || answer.status === 403) {
        this.close();
        this.connection.ended?.();
        return;
      }
      if (answer.ok && answer.body) {
        this.#connected();
        await this.#read(answer.body.getReader(), stream);
      }
    } catch {
      // However it broke, it is opened again below, unless it was stopped by us.
    }
    if (!stream.signal.aborted) {
      this.#failed();
    }
  }

  async #read(reader, stream) {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      clearTimeout(this.#silenceTimer);
      this.#silenceTimer = setTimeout(() => this.restart(), SILENCE);
      const { done, value } = await reader.read();
      if (done || stream.signal.aborted) {
        return;
      }
      const blocks = (rest + decoder.decode(value, { stream: true })).replace(/\r\n/g, "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        this.#dispatch(block);
      }
    }
  }

  #dispatch(block) {
    const fields = {};
    for (const line of block.split("\n")) {
      const [, name, value] = line.match(/^([a-z]+): ?(.*)$/) ?? [];
      if (name) {
        fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
      }
    }
    if (fields.retry) {
      this.#pause = Number(fields.retry) || FIRST_WAIT;
    }
    const data = fields.data && parsed(fields.data);
    if (data && Object.hasOwn(this.listeners, fields.event)) {
      this.listeners[fields.event](data);
    }
  }

  #stop() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#silenceTimer);
    this.#stream?.abort();
    this.#stream = null;
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

  #failed() {
    clearTimeout(this.#silenceTimer);
    // A short break is mended before anybody notices: only a longer one is worth a message.
    this.#graceTimer ||= setTimeout(() => this.#loseNow(), GRACE);
    const wait = this.#attempts ? FIRST_WAIT * 2 ** this.#attempts : this.#pause;
    this.#attempts += 1;
    this.#retryTimer = setTimeout(() => this.#open(), Math.min(LONGEST_WAIT, wait));
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
