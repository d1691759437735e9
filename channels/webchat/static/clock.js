// Times as GOV.UK writes them (5:30pm), in Essex's time wherever the reader's device thinks that it is.

const ZONE = "Europe/London";
const DAY = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, weekday: "long", day: "numeric", month: "long" });
const TIME = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "numeric", minute: "2-digit", hour12: true });

/** Writes the moment `at` (ISO 8601) into a `<time>` element, with the day unless it is today. */
export function showTime(element, at) {
  const moment = new Date(at);
  if (Number.isNaN(moment.valueOf())) {
    return;
  }
  const time = TIME.format(moment).replace(/\s/g, "").toLowerCase();
  const day = DAY.format(moment);
  element.dateTime = at;
  element.textContent = day === DAY.format(new Date()) ? time : `${day}, ${time}`;
}
