/** A shell's state in one word and one shape, for tabs, rows and titles. */

import type { Tone } from "../pods/status";
import { text } from "../text";
import type { View } from "../terminal/view";

export function isOver(view: View): boolean {
  return view.phase === "ended" || view.phase === "refused";
}

export function toneOf(view: View): Tone {
  switch (view.phase) {
    case "live":
      return view.restarting || view.idleAt !== null ? "busy" : "good";
    case "ended":
      return "done";
    case "refused":
    case "signed_out":
      return "bad";
    default:
      return "busy";
  }
}

/** `idle`: seconds until the session closes for idleness, when that is near. */
export function stateText(view: View, idle: number | null): string {
  const words = text.dock.states;
  if (view.phase !== "live") return words[view.phase];
  if (view.restarting) return words.restarting;
  return idle === null ? words.live : words.idle(idle);
}

/** Seconds as a countdown: 45 s, 4:05. */
export function countdown(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The time of day at which something happens, as the user's locale writes it. */
export function timeOfDay(at: number): string {
  return new Date(at).toLocaleTimeString();
}
