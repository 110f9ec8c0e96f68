/**
 * Key combinations of the dock. They never take from a terminal what a shell could want: Ctrl-Shift with a letter says to a program what
 * Ctrl says, and Alt-Shift what Alt says, as terminals have always sent them.
 */

export interface Chord {
  /** As KeyboardEvent.key says it, letters in lower case. */
  key: string;
  /** Ctrl and Shift, or Alt and Shift. */
  with: "ctrl" | "alt";
}

export interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  metaKey: boolean;
}

/** Whether a key event is this combination. With Alt a Mac types other characters, so the key's place counts there too. */
export function matches(chord: Chord, event: Pressed): boolean {
  if (!event.shiftKey || event.metaKey) return false;
  if (event.ctrlKey !== (chord.with === "ctrl") || event.altKey !== (chord.with === "alt")) return false;
  return event.key.toLowerCase() === chord.key || CODES[chord.key] === event.code;
}

// Shift changes what these say, in each layout differently.
const CODES: Record<string, string> = { w: "KeyW", t: "KeyT", n: "KeyN", ",": "Comma", ".": "Period" };

const NAMES: Record<string, string> = {
  arrowleft: "←",
  arrowright: "→",
  enter: "Enter",
};

export function chordText(chord: Chord): string {
  const key = NAMES[chord.key] ?? chord.key.toUpperCase();
  return `${chord.with === "ctrl" ? "Ctrl" : "Alt"}+Shift+${key}`;
}
