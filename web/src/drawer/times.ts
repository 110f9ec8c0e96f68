/** Times of day and dates as the drawer says them, in the reader's own time zone. */

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** The time of day of `at` (ms). */
export function timeText(at: number): string {
  return Number.isFinite(at) ? TIME.format(at) : "";
}

/** Date and time of an RFC 3339 text; empty for what is none. */
export function momentText(at: string): string {
  const ms = Date.parse(at);
  return Number.isFinite(ms) ? MOMENT.format(ms) : "";
}
