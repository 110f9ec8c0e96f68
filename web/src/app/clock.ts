/** One clock for everything on the page that shows how old or how soon something is. */

import { useSyncExternalStore } from "react";

function ticker(periodMs: number): (listener: () => void) => () => void {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | undefined;
  return (listener) => {
    listeners.add(listener);
    timer ??= setInterval(() => {
      for (const each of listeners) each();
    }, periodMs);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  };
}

const everySecond = ticker(1_000);
const everyTenSeconds = ticker(10_000);

/** Whole seconds from now until `at` (ms), never below 0; null stays null. */
export function useSecondsUntil(at: number | null): number | null {
  return useSyncExternalStore(everySecond, () =>
    at === null ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000)),
  );
}

/** Whole seconds since `at` (ms). */
export function useSecondsSince(at: number): number {
  return useSyncExternalStore(everySecond, () => Math.max(0, Math.floor((Date.now() - at) / 1000)));
}

/** The time in ms, in steps of ten seconds: for ages. */
export function useNow(): number {
  return useSyncExternalStore(everyTenSeconds, () => Math.floor(Date.now() / 10_000) * 10_000 + 10_000);
}

/** How long ago `since` (RFC 3339) was, as kubectl says it: 45s, 5m, 3h, 12d, 2y. */
export function ageText(since: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 60 * 60) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 60 * 60) return `${Math.floor(seconds / 3600)}h`;
  if (seconds < 2 * 365 * 86_400) return `${Math.floor(seconds / 86_400)}d`;
  return `${Math.floor(seconds / (365 * 86_400))}y`;
}
