// Turns the plain text of a message into page content. Everything becomes a text node: a message can never be markup.
// The only links are telephone numbers and https pages of gov.uk and nhs.uk, whoever wrote the message.

const WEB_ADDRESS = /\bhttps?:\/\/[^\s<>"']+/gi;
const TRAILING_PUNCTUATION = /[.,;:!?)\]]+$/;
const TRUSTED_SITE = /(^|\.)(gov|nhs)\.uk$/;

// A number of 10 or 11 digits that starts with 0, the same with +44, or the two short ones that are unmistakable.
const FULL_NUMBER = String.raw`(?<![\d£.,+-])(?:\+44 ?\(?0?\)? ?\d(?:[ -]?\d){8,9}|0\d(?:[ -]?\d){8,9}|0800 ?1111|116 ?123)(?![-.]?\d)`;
// 111 people and £101 are not telephone numbers: a three-figure number counts only after a word that says so.
const SHORT_NUMBER = String.raw`(?<=\b(?:call|calling|ring|dial|phone|telephone|NHS|police on|on|999 or|111 or) )(?:999|111|101|105)(?!\.?\w)`;
const EMERGENCY = String.raw`(?<![\w£.,+-])999(?![.,]?\w)`;
const TELEPHONE = new RegExp(`${FULL_NUMBER}|${SHORT_NUMBER}|${EMERGENCY}`, "gi");

const LEAD_WORDS = /^[A-Z][a-z]+(?: [a-z]+){0,2}:(?= )/;

function trustedAddress(text) {
  let address;
  try {
    address = new URL(text);
  } catch {
    return null;
  }
  const plain = address.protocol === "https:" && !address.username && !address.password && !address.port;
  return plain && TRUSTED_SITE.test(address.hostname) ? address.href : null;
}

function link(href, text) {
  const anchor = document.createElement("a");
  anchor.className = "govuk-link";
  anchor.href = href;
  anchor.textContent = text;
  return anchor;
}

function pageLink(href, text, newTabWords) {
  const anchor = link(href, text + newTabWords);
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

function telephoneLink(number) {
  const anchor = link(`tel:${number.replace(/\(0\)|[^\d+]/g, "")}`, number);
  anchor.classList.add("app-telephone");
  return anchor;
}

function withTelephones(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(TELEPHONE)) {
    nodes.push(text.slice(end, found.index), telephoneLink(found[0]));
    end = found.index + found[0].length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

function withLinks(text, newTabWords) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(WEB_ADDRESS)) {
    const address = found[0].replace(TRAILING_PUNCTUATION, "");
    const href = trustedAddress(address);
    nodes.push(...withTelephones(text.slice(end, found.index)), href ? pageLink(href, address, newTabWords) : address);
    end = found.index + address.length;
  }
  nodes.push(...withTelephones(text.slice(end)));
  return nodes;
}

function paragraph(lines, newTabWords) {
  const text = lines.join("\n");
  const element = document.createElement("p");
  const lead = text.match(LEAD_WORDS);
  if (lead) {
    const strong = document.createElement("strong");
    strong.textContent = lead[0];
    element.append(strong);
  }
  element.append(...withLinks(text.slice(lead ? lead[0].length : 0), newTabWords));
  return element;
}

function list(lines, newTabWords) {
  const element = document.createElement("ul");
  for (const line of lines) {
    const item = document.createElement("li");
    item.append(...withLinks(line.slice(2), newTabWords));
    element.append(item);
  }
  return element;
}

/**
 * Shows a reply of the helpline in `element`: paragraphs, lists ("- " at the start of a line) and safe links.
 * `newTabWords` follows the text of a link to a page, because it opens in a new tab.
 */
export function showReply(element, text, newTabWords) {
  const blocks = [];
  for (const line of text.trim().split("\n")) {
    const kind = !line.trim() ? "gap" : line.startsWith("- ") ? "list" : "paragraph";
    const last = blocks.at(-1);
    if (last && last.kind === kind) {
      last.lines.push(line);
    } else {
      blocks.push({ kind, lines: [line] });
    }
  }
  const content = blocks.filter((block) => block.kind !== "gap");
  element.replaceChildren(
    ...content.map((block) => (block.kind === "list" ? list : paragraph)(block.lines, newTabWords)),
  );
}
