// A copy of the conversation to keep, as plain text, made from what the page shows.

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** Starts the download of a text file: the title, then every message with who wrote it and when. */
export function saveCopy(name, title, log) {
  const blocks = [...log.querySelectorAll("[data-message]")].map((message) => {
    const who = message.querySelector(".app-message__name").textContent;
    const at = message.querySelector("[data-part=time]").textContent;
    return `${who}, ${at}\n${message.querySelector("[data-part=text]").innerText.trim()}`;
  });
  download(name, `${[title, ...blocks].join("\n\n")}\n`);
}
