// Days and instants as texts. There are no time zone tables, and no clock.

const DAY_MS = 86_400_000;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?([Zz]|[+-]\d{2}:?\d{2})?$/;

/** `2024-01-31` of a day number (days since 1970-01-01). */
export function formatDay(days) {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

/** Day number of `2024-01-31`; `null` for anything else, impossible days included. */
export function parseDay(text) {
  const found = DAY.exec(text);
  if (!found) return null;
  const date = new Date(0);
  date.setUTCFullYear(Number(found[1]), Number(found[2]) - 1, Number(found[3]));
  const days = date.getTime() / DAY_MS;
  return formatDay(days) === text ? days : null;
}

/** RFC 3339 in UTC of milliseconds since 1970. */
export function formatInstant(ms) {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** Milliseconds since 1970 of an RFC 3339 text, or of a day at midnight UTC; `null` for anything else. */
export function parseInstant(text) {
  const found = INSTANT.exec(text);
  const day = parseDay(found ? found[1] : text);
  if (day === null) return null;
  if (!found) return day * DAY_MS;
  const [, , hours, minutes, seconds = "0", fraction = "", zone = "Z"] = found;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) return null;
  const ms = Number(fraction.padEnd(3, "0").slice(0, 3));
  const inDay = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + ms;
  return day * DAY_MS + inDay - offsetMs(zone);
}

function offsetMs(zone) {
  if (zone === "Z" || zone === "z") return 0;
  const digits = zone.slice(1).replace(":", "");
  const ms = (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
  return zone[0] === "-" ? -ms : ms;
}
