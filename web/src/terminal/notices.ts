/** What a NOTICE changes in the view (spec/terminal.md 5). */

import type { FactValue } from "../wire/terminal";
import type { EndFacts } from "./ports";
import { cleanText } from "./untrusted";
import type { View } from "./view";

/** When nobody knows any more how a session ended. */
export const UNKNOWN_END: EndFacts = {
  reason: "lost",
  exit_code: null,
  message: "",
  next_step: "",
  refusal: null,
  left: [],
  unkilled: [],
};

/** Build the change of the view that a notice asks for; unknown kinds change nothing. `now` in ms of the session's clock. */
export function noticeView(
  kind: string,
  data: Readonly<Record<string, FactValue>>,
  view: View,
  now: number,
): Partial<View> {
  switch (kind) {
    case "progress":
      return view.shown ? {} : progressView(text(data.text) || text(data.phase), view.steps);
    case "idle_warning":
      return { idleAt: now + 1000 * count(data.seconds) };
    case "idle_cleared":
      return { idleAt: null };
    case "resumed":
      return { restarting: "" };
    case "restarting":
      return { restarting: text(data.cause) || "restarting", idleAt: null };
    case "restarted":
      return { restarting: "", restarted: text(data.cause) || "restarted", idleAt: null, target: "" };
    case "target":
      return { target: text(data.text) };
    case "recording":
      return { recording: data.on === true };
    case "viewers":
      return { owners: count(data.owners), observers: count(data.observers) };
    case "unmanaged":
      return { unmanaged: text(data.text) };
    case "unheld":
      return { unheld: text(data.text) };
    default:
      return {};
  }
}

/** More than a start has; a pull that is tried again and again says the same. */
const STEPS = 8;

function progressView(progress: string, steps: readonly string[]): Partial<View> {
  if (!progress || steps.at(-1) === progress) return { progress };
  return { progress, steps: [...steps, progress].slice(-STEPS) };
}

function text(value: FactValue | undefined): string {
  return typeof value === "string" ? cleanText(value, 300) : "";
}

function count(value: FactValue | undefined): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.max(0, value) : 0;
}
