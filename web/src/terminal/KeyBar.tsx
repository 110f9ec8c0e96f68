/** The keys that an on-screen keyboard lacks, above it. Ctrl and Alt stick: once for the next key, twice until tapped again. */

import { useSyncExternalStore } from "react";
import { text } from "../text";
import { useComfort } from "./comfort";
import { type BarKey, encodeKey, type Stick, sticky } from "./keys";
import type { XtermScreen } from "./xtermScreen";

const words = text.terminal.keyBar;
const KEYS: BarKey[] = ["left", "up", "down", "right", "|", "/", "-", "~", "home", "end"];
/** A screen that is touched, and has no finer pointer: most likely no keyboard either. */
const touched = window.matchMedia("(pointer: coarse) and (hover: none)");

function useTouch(): boolean {
  return useSyncExternalStore(
    (listener) => {
      touched.addEventListener("change", listener);
      return () => touched.removeEventListener("change", listener);
    },
    () => touched.matches,
  );
}

export function KeyBar({ screen }: { screen: XtermScreen }) {
  const { keyBar } = useComfort();
  const touch = useTouch();
  useSyncExternalStore(sticky.listen, sticky.summary);
  if (keyBar === "never" || (keyBar === "auto" && !touch)) return null;
  const send = (key: BarKey): void => screen.send(encodeKey(key, sticky.take(), screen.applicationCursor));
  return (
    <div className="key-bar" role="toolbar" aria-label={words.label}>
      <Key label={words.names.escape ?? ""} spoken={words.spoken.escape ?? ""} onPress={() => send("escape")} />
      <Key label={words.names.tab ?? ""} onPress={() => send("tab")} />
      <Sticky label={words.ctrl} state={sticky.ctrl} onPress={() => sticky.tap("ctrl")} />
      <Sticky label={words.alt} state={sticky.alt} onPress={() => sticky.tap("alt")} />
      {KEYS.map((key) => (
        <Key key={key} label={words.names[key] ?? key} spoken={words.spoken[key] ?? ""} onPress={() => send(key)} />
      ))}
    </div>
  );
}

/** Pressing must not take the focus from the terminal: the on-screen keyboard would go away. */
const keepFocus = (event: React.PointerEvent | React.MouseEvent): void => event.preventDefault();

function Key({ label, spoken = "", onPress }: { label: string; spoken?: string; onPress(): void }) {
  return (
    <button
      type="button"
      className="key"
      aria-label={spoken || label}
      onPointerDown={keepFocus}
      onMouseDown={keepFocus}
      onClick={onPress}
    >
      {label}
    </button>
  );
}

function Sticky({ label, state, onPress }: { label: string; state: Stick; onPress(): void }) {
  return (
    <button
      type="button"
      className={`key key-${state}`}
      aria-label={`${label}, ${words.stick[state]}`}
      aria-pressed={state !== "off"}
      onPointerDown={keepFocus}
      onMouseDown={keepFocus}
      onClick={onPress}
    >
      {label}
    </button>
  );
}
