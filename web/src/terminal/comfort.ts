/** How this browser's user likes terminals: read from and kept in app/preferences.ts, and followed by every open terminal. */

import { useSyncExternalStore } from "react";
import { keepPreference, preference } from "../app/preferences";
import { SCHEMES, type SchemeName } from "./themes";

export interface Comfort {
  fontSize: number;
  /** Which colours; `console` follows the page's scheme. */
  theme: SchemeName | "console";
  copyOnSelect: boolean;
  /** The Option key of a Mac sends Escape before the key, as shells know Meta; else it types its own characters. */
  optionIsMeta: boolean;
  screenReader: boolean;
  cursorBlink: boolean;
  /** The bar of keys that an on-screen keyboard lacks: where there is no other keyboard, or as one likes. */
  keyBar: "auto" | "always" | "never";
  /** Advice on errors in the output of debug and node shells. */
  hints: boolean;
  /** Ask before the page is left while shells are open. */
  guardLeaving: boolean;
  /** Notify of a session that closes soon while the page is not seen. */
  notify: boolean;
}

export const FONT_SIZES = { smallest: 8, first: 13, largest: 32 };

export const FIRST_COMFORT: Comfort = {
  fontSize: FONT_SIZES.first,
  theme: "console",
  copyOnSelect: false,
  optionIsMeta: false,
  screenReader: false,
  cursorBlink: true,
  keyBar: "auto",
  hints: true,
  guardLeaving: true,
  notify: false,
};

/** Take what is known and sound of a kept value; the rest is as it is at first. */
export function parseComfort(value: unknown): Comfort {
  const kept = (typeof value === "object" && value !== null ? value : {}) as Partial<Record<keyof Comfort, unknown>>;
  const yes = (name: keyof Comfort): boolean =>
    typeof kept[name] === "boolean" ? kept[name] : FIRST_COMFORT[name] === true;
  return {
    fontSize: fontSize(kept.fontSize),
    theme:
      typeof kept.theme === "string" && Object.hasOwn(SCHEMES, kept.theme) ? (kept.theme as SchemeName) : "console",
    copyOnSelect: yes("copyOnSelect"),
    optionIsMeta: yes("optionIsMeta"),
    screenReader: yes("screenReader"),
    cursorBlink: yes("cursorBlink"),
    keyBar: kept.keyBar === "always" || kept.keyBar === "never" ? kept.keyBar : "auto",
    hints: yes("hints"),
    guardLeaving: yes("guardLeaving"),
    notify: yes("notify"),
  };
}

function fontSize(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) return FONT_SIZES.first;
  return Math.min(FONT_SIZES.largest, Math.max(FONT_SIZES.smallest, Math.round(value)));
}

const NAME = "terminal";
const listeners = new Set<() => void>();
let comfort: Comfort | null = null;

export function getComfort(): Comfort {
  comfort ??= preference(NAME, parseComfort) ?? FIRST_COMFORT;
  return comfort;
}

export function setComfort(part: Partial<Comfort>): void {
  comfort = parseComfort({ ...getComfort(), ...part });
  keepPreference(NAME, comfort);
  for (const listener of listeners) listener();
}

export function followComfort(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useComfort(): Comfort {
  return useSyncExternalStore(followComfort, getComfort);
}
