// Puts the helpline's chat on a page: a button, and the chat in a frame that is loaded when it is wanted.
// It keeps nothing, sends nothing and reads nothing of the page. What is said is between the frame and its own server.
// Every word that it shows is in WORDS, and its whole style in STYLE: nothing else is loaded for the button.
(() => {
  const WORDS = {
    open: "Ask about care",
    title: {{ (service_name ~ " chat") | tojson }},
    close: "Close the chat",
    loading: "Loading the chat.",
    unreached: "The chat cannot be reached at the moment.",
    emergency: "In an emergency, call 999.",
    page: "Try the chat as a page of its own",
    leaving: "Loading.",
  };
  const STYLE = {{ style | tojson }};
  const HELPLINE = new URL(document.currentScript?.src || {{ external_url | tojson }}).origin;
  const HARMLESS_PAGE = {{ harmless_page | tojson }};
  const READY_WITHIN = 10000;
  const ESCAPES = 3;
  const ESCAPES_WITHIN = 5000;
  // How long a frame may take to forget before the page is left all the same.
  const FORGET_WITHIN = 300;
  const FULL_SCREEN = window.matchMedia("(max-width: 40em), (max-height: 30em)");

  const built = (name, attributes = {}, ...content) => {
    const element = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) {
      element.setAttribute(attribute, value);
    }
    element.append(...content);
    return element;
  };

  class Widget {
    #frame = null;
    #ready = false;
    #escapes = 0;
    #escapeTimer = 0;
    #readyTimer = 0;

    constructor() {
      this.button = built("button", { type: "button", class: "open", "aria-haspopup": "dialog", "aria-expanded": "false" }, WORDS.open);
      this.closer = built("button", { type: "button", class: "close", "aria-label": WORDS.close }, built("span", { "aria-hidden": "true" }, "\u00d7"));
      this.waiting = built("p", { role: "status" }, WORDS.loading);
      this.trouble = built(
        "div",
        { role: "alert", class: "trouble" },
        built("p", {}, WORDS.unreached),
        built("p", {}, built("a", { href: "tel:999" }, WORDS.emergency)),
        built("p", {}, built("a", { href: `${HELPLINE}/chat`, target: "_blank", rel: "noopener" }, WORDS.page)),
      );
      this.trouble.hidden = true;
      this.dialog = built(
        "dialog",
        { "aria-label": WORDS.title },
        built("div", { class: "bar" }, built("span", { "aria-hidden": "true" }, WORDS.title), this.closer),
        this.waiting,
        this.trouble,
      );
      this.host = built("aside", { "aria-label": WORDS.title, "data-helpline-chat": "" });
      const root = this.host.attachShadow({ mode: "open" });
      dress(root);
      root.append(this.button, this.dialog);
      document.body.append(this.host);

      this.button.addEventListener("click", () => this.open());
      this.closer.addEventListener("click", () => this.dialog.close());
      this.dialog.addEventListener("close", () => this.#closed());
      // The browser's own Escape for a dialog over the whole screen. Counted below, like every other.
      this.dialog.addEventListener("cancel", (event) => event.preventDefault());
      document.addEventListener("keydown", (event) => event.key === "Escape" && !event.repeat && this.#escape(), true);
      window.addEventListener("message", (event) => this.#hear(event));
      FULL_SCREEN.addEventListener("change", () => this.dialog.open && this.#show());
    }

    open() {
      this.#show();
      this.button.hidden = true;
      this.button.setAttribute("aria-expanded", "true");
      if (this.#frame) {
        this.#focusFrame();
        return;
      }
      this.#frame = built("iframe", { src: `${HELPLINE}/chat/embedded`, title: WORDS.title, referrerpolicy: "no-referrer" });
      this.dialog.append(this.#frame);
      this.closer.focus();
      this.#readyTimer = setTimeout(() => {
        this.waiting.hidden = true;
        this.trouble.hidden = false;
        this.#frame.hidden = true;
      }, READY_WITHIN);
    }

    // Over the whole of a small screen the chat is modal, so that the focus cannot go under it. Beside a page it is not.
    #show() {
      if (this.dialog.open) {
        const focused = this.host.shadowRoot.activeElement;
        this.dialog.close();
        FULL_SCREEN.matches ? this.dialog.showModal() : this.dialog.show();
        focused?.focus();
        return;
      }
      FULL_SCREEN.matches ? this.dialog.showModal() : this.dialog.show();
    }

    #closed() {
      // It was only opened anew in the other way.
      if (this.dialog.open) {
        return;
      }
      this.button.hidden = false;
      this.button.setAttribute("aria-expanded", "false");
      this.button.focus();
      if (!this.#ready) {
        // Tried again when it is opened again.
        clearTimeout(this.#readyTimer);
        this.#frame?.remove();
        this.#frame = null;
        this.waiting.hidden = false;
        this.trouble.hidden = true;
      }
    }

    #tell(what) {
      this.#frame?.contentWindow?.postMessage({ helpline: what }, HELPLINE);
    }

    #focusFrame() {
      this.#frame.focus();
      this.#tell("opened");
    }

    #hear(event) {
      if (!this.#frame || event.source !== this.#frame.contentWindow || event.origin !== HELPLINE) {
        return;
      }
      const what = event.data?.helpline;
      if (what === "ready") {
        clearTimeout(this.#readyTimer);
        this.#ready = true;
        this.waiting.hidden = true;
        this.trouble.hidden = true;
        this.#frame.hidden = false;
        if (this.dialog.open) {
          this.#focusFrame();
        }
      } else if (what === "escape") {
        this.#escape();
      } else if (what === "leave") {
        this.#leave();
      } else if (what === "forgotten") {
        window.location.replace(HARMLESS_PAGE);
      }
    }

    // Once closes the chat. Three times leaves the page, wherever the focus is, if the chat has been open on it.
    #escape() {
      if (!this.#frame && !this.#escapes) {
        return;
      }
      clearTimeout(this.#escapeTimer);
      this.#escapeTimer = setTimeout(() => {
        this.#escapes = 0;
      }, ESCAPES_WITHIN);
      this.#escapes += 1;
      if (this.#escapes >= ESCAPES) {
        this.#leave();
      } else if (this.dialog.open) {
        this.dialog.close();
      }
    }

    // The page is emptied first, because that takes no network.
    #leave() {
      this.#tell("forget");
      document.body.style.setProperty("display", "none", "important");
      document.title = WORDS.leaving;
      setTimeout(() => window.location.replace(HARMLESS_PAGE), FORGET_WITHIN);
    }
  }

  // A style sheet made by script: a page's content policy against inline style does not stop it.
  function dress(root) {
    if ("adoptedStyleSheets" in root && "replaceSync" in CSSStyleSheet.prototype) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } else {
      root.append(built("style", {}, STYLE));
    }
  }

  // A browser without <dialog> gets a link to the page in the button's place.
  function start() {
    if (document.querySelector("[data-helpline-chat]")) {
      return;
    }
    if (window.HTMLDialogElement) {
      new Widget();
    } else {
      document.body.append(built("a", { href: `${HELPLINE}/chat`, "data-helpline-chat": "" }, WORDS.open));
    }
  }

  if (document.body) {
    start();
  } else {
    document.addEventListener("DOMContentLoaded", start);
  }
})();
