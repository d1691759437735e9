// The phone simulator: a pretend phone that speaks to the same endpoint as the phone company.

import { LiveEvents } from "/static/webchat/live_events.js";
import { Texts } from "./texts.js";

const ANSWERS_SHOWN = 6;
// Ofcom keeps these mobile numbers for drama: nobody can be reached on one.
const PRETEND = /^(?:\+44|0)7700900\d{3}$/;

const root = document.querySelector("[data-simulator]");
const find = (name) => document.querySelector(`[data-${name}]`);
const copy = (name) => document.querySelector(`[data-template="${name}"]`).content.firstElementChild.cloneNode(true);
const word = (name, n) => document.querySelector(`[data-word="${name}"]`)?.content.textContent.replace("{n}", n) ?? null;
const textBox = find("compose-text");
const numberBox = find("person-number");
const texts = new Texts(find("thread"), copy, word);
const asked = (new URLSearchParams(window.location.search).get("phone") ?? "").replace(/[\s()-]/g, "").replace(/^44/, "+44");
let phone = PRETEND.test(asked) ? international(asked) : root.dataset.phone;

const events = new LiveEvents(
  () => `${root.dataset.events}?phone=${encodeURIComponent(phone)}`,
  { message: (message) => texts.receive(message) },
  { lost: () => showLost(true), back: () => showLost(false) },
);

function international(number) {
  return `+44${number.replace(/^(\+44|0)/, "")}`;
}

function showLost(lost) {
  find("connection").firstElementChild.hidden = !lost;
}

async function send({ what, text, media = null, times = 1, forge = false }) {
  const bubble = texts.showSending(text, media);
  const sentFrom = phone;
  const answer = await post({ phone: sentFrom, text, media, times, forge });
  const accepted = answer.statuses.some((status) => status >= 200 && status < 300);
  const reached = answer.statuses.length > 0;
  texts.settle(bubble, accepted ? "sent" : reached ? "refused" : "unreached");
  showAnswer(what, answer);
}

async function post(body) {
  try {
    const answer = await fetch(root.dataset.post, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(60000),
    });
    return answer.ok ? await answer.json() : { statuses: [answer.status], ms: [] };
  } catch {
    return { statuses: [], ms: [] };
  }
}

function showAnswer(what, answer) {
  const item = copy("answer");
  const place = (name) => item.querySelector(`[data-part="${name}"]`);
  place("what").textContent = what;
  const labels = answer.statuses.length ? counted(answer.statuses) : [{ label: word("status-unreached"), good: false }];
  for (const { label, good } of labels) {
    const status = copy("status");
    status.textContent = label;
    status.classList.toggle("app-answers__status--refused", !good);
    place("statuses").append(status);
  }
  if (answer.ms?.length) {
    const slowest = Math.round(Math.max(...answer.ms));
    place("ms").textContent = word(answer.ms.length > 1 ? "ms-slowest" : "ms", slowest);
  }
  find("no-answers").hidden = true;
  find("answers").prepend(item);
  [...find("answers").children].slice(ANSWERS_SHOWN).forEach((old) => old.remove());
}

function counted(statuses) {
  const counts = new Map();
  for (const status of statuses) {
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return [...counts].map(([status, count]) => {
    const good = status >= 200 && status < 300;
    const label = good ? word("status-ok", status) : (word(`status-${status}`) ?? word("status-other", status));
    return { label: count > 1 ? label + word("status-times", count) : label, good };
  });
}

function takeText() {
  const text = textBox.value.trim();
  textBox.value = "";
  return text;
}

function showError(name, box, on) {
  const error = find(`${name}-error`);
  error.hidden = !on;
  box.setAttribute("aria-invalid", String(on));
  const others = (box.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== error.id);
  box.setAttribute("aria-describedby", [...others, ...(on ? [error.id] : [])].join(" "));
}

function become(number) {
  phone = international(number);
  numberBox.value = phone;
  const address = new URL(window.location.href);
  address.searchParams.set("phone", phone);
  window.history.replaceState(null, "", address);
  texts.clear();
  events.restart();
}

find("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = takeText();
  showError("compose", textBox, !text);
  if (text) {
    send({ what: word("what-text"), text });
  }
  textBox.focus({ preventScroll: Boolean(text) });
});

textBox.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    find("compose").requestSubmit();
  }
});

textBox.addEventListener("input", () => showError("compose", textBox, false));

for (const button of document.querySelectorAll("[data-trouble]")) {
  button.addEventListener("click", () => {
    const { times, media } = button.dataset;
    const empty = "emptyText" in button.dataset;
    const text = empty ? "" : takeText() || find("default-text").textContent;
    const kind = media ? "media" : empty ? "empty" : times ? "times" : "forge";
    send({
      what: word(`what-${kind}`, times),
      text,
      media: media ?? null,
      times: Number(times ?? 1),
      forge: "forge" in button.dataset,
    });
  });
}

find("person").addEventListener("submit", (event) => {
  event.preventDefault();
  const number = numberBox.value.replace(/[\s()-]/g, "");
  const valid = PRETEND.test(number);
  showError("person", numberBox, !valid);
  find("person-group").classList.toggle("govuk-form-group--error", !valid);
  numberBox.classList.toggle("govuk-input--error", !valid);
  if (valid) {
    become(number);
  } else {
    numberBox.focus();
  }
});

find("new-person").addEventListener("click", () => {
  const last = String(Math.floor(Math.random() * 1000)).padStart(3, "0");
  numberBox.value = `07700900${last}`;
  find("person").requestSubmit();
});

function tick() {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/London", hour: "2-digit", minute: "2-digit" });
  find("clock").textContent = parts.format(new Date());
}

numberBox.value = phone;
tick();
setInterval(tick, 10000);
for (const element of document.querySelectorAll("[data-without-script]")) {
  element.hidden = true;
}
