// The way out for somebody who must not be seen reading this. It empties the page first, because that takes no network,
// then ends the session, then goes to a harmless page that takes this one's place in the history.

const PRESSES = 3;
const WITHIN = 5000;
const FRAME_WITHIN = 1000;

export class QuickExit {
  #presses = 0;
  #timer = 0;

  /**
   * @param {HTMLElement} root the element marked data-leave
   * @param {() => void} forget called at once, to stop what is running and clear what was written
   * @param {import("./frame.js").Frame} frame the page around, which must go as well
   */
  constructor(root, forget, frame) {
    this.root = root;
    this.forget = forget;
    this.frame = frame;
    this.link = root.querySelector("[data-leave-link]");
    this.lights = root.querySelector("[data-leave-lights]");
    this.status = root.querySelector("[data-leave-status]");
    this.link.addEventListener("click", (event) => {
      event.preventDefault();
      this.leave();
    });
    document.addEventListener("keydown", (event) => this.#pressed(event), true);
    window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  }

  leave() {
    this.empty();
    this.frame.tell("leave");
    if (this.frame.exists) {
      // A page that put us in a frame without our launcher does not listen. It is made to go from here.
      setTimeout(() => goTogether(this.root.dataset.leaveTo), FRAME_WITHIN);
    } else {
      window.location.replace(this.root.dataset.leaveTo);
    }
  }

  /** Takes everything off the page and out of the browser's storage, and ends the session. */
  empty() {
    const curtain = document.createElement("div");
    curtain.className = "govuk-exit-this-page-overlay";
    curtain.setAttribute("role", "alert");
    curtain.textContent = this.#word(0);
    document.title = curtain.textContent;
    this.forget();
    document.body.replaceChildren(curtain);
    fetch(this.root.dataset.leavePost, { method: "POST", keepalive: true, credentials: "same-origin" }).catch(() => {});
  }

  #pressed(event) {
    if (event.key !== "Escape" || event.repeat || event.isComposing) {
      return;
    }
    if (this.frame.exists) {
      // Counted by the page around, where the next one may be pressed: the first closes the chat there.
      this.frame.tell("escape");
      return;
    }
    clearTimeout(this.#timer);
    this.#presses += 1;
    if (this.#presses >= PRESSES) {
      this.leave();
      return;
    }
    this.#show();
    this.#timer = setTimeout(() => {
      this.#presses = 0;
      this.#show();
    }, WITHIN);
  }

  #show() {
    this.status.textContent = this.#presses ? this.#word(PRESSES - this.#presses) : "";
    this.lights.classList.toggle("govuk-exit-this-page__indicator--visible", this.#presses > 0);
    [...this.lights.children].forEach((light, index) => {
      light.classList.toggle("govuk-exit-this-page__indicator-light--on", index < this.#presses);
    });
  }

  #word(left) {
    return this.root.querySelector(`[data-leave-word="${left}"]`).content.textContent;
  }
}

function goTogether(destination) {
  try {
    window.top.location.replace(destination);
  } catch {
    window.location.replace("about:blank");
  }
}
