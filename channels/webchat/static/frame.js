// The line to the page around, when the chat is in a frame there. What is said on it holds nothing about anybody: it does
// not matter who hears. Who may put us in a frame at all, the server's frame-ancestors says.

export class Frame {
  /** @param {Record<string, () => void>} listeners what to do when the page around says "opened" or "forget" */
  constructor(listeners) {
    window.addEventListener("message", (event) => {
      if (event.source === window.parent && Object.hasOwn(listeners, event.data?.helpline)) {
        listeners[event.data.helpline]();
      }
    });
  }

  get exists() {
    return window.parent !== window;
  }

  /** @param {"ready"|"escape"|"leave"|"forgotten"} what */
  tell(what) {
    if (this.exists) {
      window.parent.postMessage({ helpline: what }, "*");
    }
  }
}
