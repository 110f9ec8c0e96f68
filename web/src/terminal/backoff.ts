/** Waiting times between attempts: full jitter, 0.25 s to 10 s (spec/terminal.md 6). */

const FLOOR_MS = 250;
const CEILING_MS = 10_000;

/** How long to wait before attempt `attempt` (1 is the first retry), in milliseconds; at least `retryAfterMs`. */
export function backoffMs(attempt: number, random: () => number, retryAfterMs = 0): number {
  const span = Math.min(CEILING_MS, FLOOR_MS * 2 ** Math.min(attempt, 10));
  return Math.max(retryAfterMs, FLOOR_MS + random() * (span - FLOOR_MS));
}
