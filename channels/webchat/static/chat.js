// The chat page: joins the conversation, the compose box, the event stream, hiding and the quick exit.

import { saveCopy } from "./copy.js";
import { Frame } from "./frame.js";
import { LiveEvents } from "./live_events.js";
import { Memory } from "./memory.js";
import { newId, Outbox } from "./outbox.js";
import { QuickExit } from "./quick_exit.js";
import { Thread } from "./thread.js";

const TYPING_AT_MOST = 60000;
const REPLY_WITHIN = 30000;
const BACK_SHOWN_FOR = 6000;

const root = document.querySelector("[data-chat]");
const find = (name) => document.querySelector(`[data-${name}]`);
const log = find("log");
const textBox = find("compose-text");
const newer = find("newer");
const memory = new Memory();
let hidden = "startsHidden" in root.dataset || Boolean(memory.get("hidden"));
if (hidden) {
  // The server may not have heard yet that the chat is hidden. What it put here comes back when the chat is shown.
  log.replaceChildren();
}
const thread = new Thread(log, (name) => document.querySelector(`[data-template="${name}"]`));
const inFrame = "token" in root.dataset;
if (inFrame && !memory.get("token")) {
  memory.set("token", root.dataset.token);
}
// On a page of its own the cookie says it, which no script can read.
const whose = () => (inFrame ? { Authorization: `Bearer ${memory.get("token")}` } : {});
const outbox = new Outbox(root.dataset.post, whose, memory, reportSending);
const title = root.dataset.title;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
let typingTimer = 0;
let silenceTimer = 0;
let connectionTimer = 0;

const events = new LiveEvents(
  () => `${root.dataset.events}?after=${thread.lastId}`,
  { message: receive, typing: (data) => showTyping(Boolean(data.on)) },
  {
    lost: () => showConnection("lost"),
    back: () => {
      showConnection("back");
      outbox.retryAll();
    },
    ended: () => endChat(),
  },
  { headers: whose, starts: false },
);

const frame = new Frame({
  opened: () => (hidden ? find("hidden-view").querySelector("button") : textBox).focus(),
  forget: () => {
    quickExit.empty();
    frame.tell("forgotten");
  },
});

const quickExit = new QuickExit(
  find("leave"),
  () => {
    memory.close();
    outbox.close();
    events.close();
    thread.clear();
    textBox.value = "";
  },
  frame,
);

function receive(message) {
  const nearEnd = atEnd();
  const element = thread.receive(message);
  if (message.client_id) {
    outbox.drop(message.client_id);
    thread.state(message.client_id, "sent");
  }
  if (message.sender === "helpline") {
    clearTimeout(silenceTimer);
    showTyping(false);
  }
  if (!element) {
    return;
  }
  hideStarters();
  if (nearEnd) {
    bringIntoView(element);
  } else {
    newer.hidden = false;
  }
}

function reportSending(id, state, stored) {
  thread.state(id, state);
  if (state === "sent") {
    thread.confirm(id, stored?.id);
    if (stored?.reply) {
      // Danger, while nothing could be stored: the stream will not bring this one, so it has no number there.
      receive({ id: -Date.now(), sender: "helpline", text: stored.reply, at: new Date().toISOString() });
    }
    // A line that died in silence is found out by the reply that does not come.
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(() => events.restart(), REPLY_WITHIN);
  }
  if (state === "ended") {
    endChat();
  }
  if (state !== "sending" && state !== "sent") {
    showTyping(false);
  }
}

function endChat() {
  events.close();
  showConnection("ended");
  // A page that is loaded again starts anew, with what could not be sent.
  memory.set("token", null);
}

function say(text, id = newId()) {
  const element = thread.showOwn(id, text);
  hideStarters();
  outbox.send(id, text);
  bringIntoView(element);
}

function hideStarters() {
  find("starters")?.remove();
}

// Everything that tells what this page is, away at once. The server is told, so that a reload does not bring it back; the
// tab remembers it as well, for a reload that comes before the server has heard.
function showHidden(on) {
  hidden = on;
  for (const element of document.querySelectorAll("[data-hides]")) {
    element.hidden = on;
  }
  find("hide-form").hidden = on;
  find("hidden-view").hidden = !on;
  document.title = on ? find("hidden-title").content.textContent : title;
  if (on) {
    events.close();
  } else {
    events.start();
  }
  memory.set("hidden", on);
  fetch(on ? root.dataset.hide : root.dataset.show, {
    method: "POST",
    headers: whose(),
    keepalive: true,
    redirect: "manual",
  }).catch(() => {});
  (on ? find("hidden-view").querySelector("h1") : textBox).focus();
}

function isHideWord(text) {
  return text.replace(/[\s.!]+$/, "").toUpperCase() === root.dataset.hideWord;
}

function showTyping(on) {
  clearTimeout(typingTimer);
  for (const element of document.querySelectorAll("[data-typing-on]")) {
    element.hidden = !on;
  }
  if (on) {
    typingTimer = setTimeout(() => showTyping(false), TYPING_AT_MOST);
  }
}

function showConnection(state) {
  clearTimeout(connectionTimer);
  for (const line of find("connection").children) {
    line.hidden = line.dataset.when !== state;
  }
  if (state === "back") {
    connectionTimer = setTimeout(() => showConnection(null), BACK_SHOWN_FOR);
  }
}

function showError(on) {
  find("compose-error").hidden = !on;
  find("compose-group").classList.toggle("govuk-form-group--error", on);
  textBox.classList.toggle("govuk-textarea--error", on);
  textBox.setAttribute("aria-describedby", on ? "message-error message-keys" : "message-keys");
  textBox.setAttribute("aria-invalid", String(on));
}

// The compose box may cover the end of the page, so the end is where the conversation meets it.
function atEnd() {
  const limit = find("compose-area").getBoundingClientRect().top;
  const end = find("typing").getBoundingClientRect().bottom;
  return end <= Math.min(limit, window.innerHeight) + 150;
}

// The compose box stays at the foot of the screen: what takes the focus is moved out from under it.
// Not for a mouse or a finger: a button that moves between press and release is not clicked.
function keepFocusVisible(element) {
  const covered = element.getBoundingClientRect().bottom - find("compose-area").getBoundingClientRect().top;
  if (element !== log && covered > 0 && element.matches(":focus-visible")) {
    window.scrollBy({ top: covered + 10, behavior: "instant" });
  }
}

// A reply longer than the screen is read from its top; a shorter one is shown whole, with its buttons.
function bringIntoView(element) {
  newer.hidden = true;
  const top = element.getBoundingClientRect().top;
  const composeTop = Math.min(find("compose-area").getBoundingClientRect().top, window.innerHeight);
  const headerBottom = document.querySelector("header").getBoundingClientRect().bottom + 15;
  const past = find("typing").getBoundingClientRect().bottom - composeTop;
  const distance = Math.min(past, top - headerBottom);
  if (distance > 0) {
    window.scrollBy({ top: distance, behavior: calm.matches ? "instant" : "smooth" });
  }
}

find("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = textBox.value.trim();
  showError(!text);
  if (isHideWord(text)) {
    textBox.value = "";
    showHidden(true);
    return;
  }
  if (text) {
    textBox.value = "";
    say(text);
  }
  textBox.focus({ preventScroll: Boolean(text) });
});

textBox.addEventListener("keydown", (event) => {
  // A person who writes with an input method confirms a word with Enter: that Enter sends nothing.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    find("compose").requestSubmit();
  }
});

textBox.addEventListener("input", () => {
  if (textBox.value.trim()) {
    showError(false);
  }
});

for (const [form, on] of [
  [find("hide-form"), true],
  [find("show-form"), false],
]) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    showHidden(on);
  });
}

find("print").addEventListener("click", () => window.print());
find("save").addEventListener("click", (event) => {
  event.preventDefault();
  saveCopy(event.currentTarget.download, title, log);
});

root.addEventListener("submit", (event) => {
  if (event.target.matches("[data-options]") && event.submitter) {
    event.preventDefault();
    say(event.submitter.value);
    // The button that had the focus is gone: the conversation takes it, so that the keyboard keeps its place.
    log.focus({ preventScroll: true });
  }
});

log.addEventListener("click", (event) => {
  const act = event.target.closest("[data-act]")?.dataset.act;
  const id = event.target.closest("[data-client]")?.dataset.client;
  if (act === "retry") {
    outbox.retry(id);
    log.focus({ preventScroll: true });
  } else if (act === "edit") {
    textBox.value = [outbox.drop(id), textBox.value].filter(Boolean).join("\n");
    thread.removeOwn(id);
    textBox.focus();
  }
});

for (const part of [log, find("starters")]) {
  part?.addEventListener("focusin", (event) => requestAnimationFrame(() => keepFocusVisible(event.target)));
}

newer.addEventListener("click", () => {
  bringIntoView(log.lastElementChild);
  log.focus({ preventScroll: true });
});

window.addEventListener(
  "scroll",
  () => {
    if (!newer.hidden && atEnd()) {
      newer.hidden = true;
    }
  },
  { passive: true },
);

for (const element of document.querySelectorAll("[data-with-script]")) {
  element.hidden = false;
}
for (const element of document.querySelectorAll("[data-without-script]")) {
  element.hidden = true;
}
if (!thread.empty) {
  log.lastElementChild.scrollIntoView({ block: "start" });
}
// What an earlier load of this page could not send. The server may have it all the same: then it is stored once.
const left = outbox.left;
memory.set("waiting", []);
for (const [id, text] of left) {
  if (!thread.has(id)) {
    say(text, id);
  }
}
if (hidden) {
  showHidden(true);
} else {
  events.start();
}
frame.tell("ready");
