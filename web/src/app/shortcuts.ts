/**
 * Every keyboard shortcut of the console, in one registry that the help dialog and the palette read.
 *
 * A terminal's keys are its own. While one has the focus only combinations that terminals do not hand to shells are ours: Command on
 * Apple machines, Ctrl+Shift elsewhere, as terminal emulators have it (Ctrl+K alone is kill-line in shells). Single keys work outside
 * fields only and can be turned off (WCAG 2.2, 2.1.4).
 */

import { useEffect, useSyncExternalStore } from "react";
import { keepPreference, preference } from "./preferences";

export interface Shortcut {
  id: string;
  /** What it does, as a command: "Open the palette". */
  title: string;
  group: string;
  /**
   * As `Mod+K`, `Mod+Shift+K`, `?`, or one after the other, `g p`. `Mod` is Command on Apple machines, Ctrl elsewhere. Empty: without a
   * key, by the palette only.
   */
  keys: string;
  /** Its keys while a terminal has the focus; without it, none. */
  inTerminal?: string;
  run(): void;
}

/** How long the second key of two may take. */
const SEQUENCE_MS = 1_200;
const NONE: readonly Shortcut[] = [];

let registered: readonly Shortcut[] = NONE;
let singles = preference("single-keys", (value) => (typeof value === "boolean" ? value : null)) ?? true;
const listeners = new Set<() => void>();
let first = { key: "", at: 0 };
let ahead: ((character: string) => void) | null = null;

function announce(): void {
  for (const listener of listeners) listener();
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const isApple = /Mac|iPhone|iPad/.test(globalThis.navigator?.userAgent ?? "");

/** Add shortcuts; the answer takes them away. A later one with the same id takes the place of an earlier one. */
export function addShortcuts(more: readonly Shortcut[]): () => void {
  registered = [...registered.filter((one) => !more.some((other) => other.id === one.id)), ...more];
  announce();
  return () => {
    registered = registered.filter((one) => !more.includes(one));
    announce();
  };
}

/** Have shortcuts for as long as the component is shown; `list` must stay the same from one rendering to the next. */
export function useAddShortcuts(list: readonly Shortcut[]): void {
  useEffect(() => addShortcuts(list), [list]);
}

export const useShortcuts = (): readonly Shortcut[] => useSyncExternalStore(listen, () => registered);
export const useSingleKeys = (): boolean => useSyncExternalStore(listen, () => singles);

export function setSingleKeys(on: boolean): void {
  singles = on;
  keepPreference("single-keys", on);
  announce();
}

/** Have characters that are typed from now on, until the answer is called: for an input that is about to have the focus. */
export function typeAhead(write: (character: string) => void): () => void {
  ahead = write;
  return () => {
    if (ahead === write) ahead = null;
  };
}

/** What of a keyboard event counts. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** Whether a press is these keys, as `Mod+Shift+K`. Shift counts only with other modifiers: `?` is what it makes of another key. */
export function isPress(press: Press, keys: string, apple: boolean): boolean {
  const parts = keys.split("+");
  const key = parts.pop() ?? "";
  const wanted = new Set(parts);
  const ctrl = wanted.has("Ctrl") || (wanted.has("Mod") && !apple);
  const meta = wanted.has("Meta") || (wanted.has("Mod") && apple);
  if (press.ctrlKey !== ctrl || press.metaKey !== meta || press.altKey !== wanted.has("Alt")) return false;
  if ((wanted.size > 0 || key.length > 1) && press.shiftKey !== wanted.has("Shift")) return false;
  return press.key.toLowerCase() === key.toLowerCase();
}

/** Which shortcut a press is meant for. `before`: the key pressed before, when that was just now. */
export function shortcutOf(
  press: Press,
  before: string,
  where: "page" | "field" | "terminal",
  among: readonly Shortcut[],
  apple: boolean,
  singleKeys: boolean,
): Shortcut | undefined {
  return among.find((shortcut) => {
    const keys = where === "terminal" ? (shortcut.inTerminal ?? "") : shortcut.keys;
    if (!keys) return false;
    const [one = "", two] = keys.split(" ");
    const single = !one.includes("+") && one.length === 1;
    if (single && (!singleKeys || where !== "page")) return false;
    return two === undefined ? isPress(press, one, apple) : before === one && isPress(press, two, apple);
  });
}

function whereIs(target: EventTarget | null): "page" | "field" | "terminal" {
  if (!(target instanceof Element)) return "page";
  if (target.closest(".terminal-host")) return "terminal";
  return target.closest("input, textarea, select, [contenteditable]") ? "field" : "page";
}

function press(event: KeyboardEvent): void {
  if (
    event.isComposing ||
    event.getModifierState("AltGraph") ||
    ["Shift", "Control", "Alt", "Meta"].includes(event.key)
  )
    return;
  if (ahead && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    event.stopPropagation();
    ahead(event.key);
    return;
  }
  // A dialog that waits for an answer has the keyboard for itself.
  if (document.querySelector('[aria-modal="true"]')) return;
  const before = Date.now() - first.at < SEQUENCE_MS ? first.key : "";
  const found = shortcutOf(event, before, whereIs(event.target), registered, isApple, singles);
  first = { key: event.key, at: Date.now() };
  if (!found) return;
  event.preventDefault();
  event.stopPropagation();
  found.run();
}

/** Listen for as long as the page lives; before everybody else, so that a terminal never sees what was ours. */
export function listenForShortcuts(): () => void {
  window.addEventListener("keydown", press, true);
  return () => window.removeEventListener("keydown", press, true);
}

const SIGNS: Record<string, string> = isApple
  ? { Mod: "⌘", Meta: "⌘", Shift: "⇧", Alt: "⌥", Ctrl: "⌃" }
  : { Mod: "Ctrl", Meta: "Meta", ArrowUp: "↑", ArrowDown: "↓" };

/** Keys one by one as they are printed on them: `Mod+K` → ["Ctrl", "K"]. */
export function keyCaps(keys: string): string[] {
  return keys.split(/[+ ]/).map((part) => SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
