/**
 * Tells typing from a terminal's replies while old output is replayed.
 *
 * Old queries (DA, DSR, OSC colours) are answered by the terminal again when they are replayed; sent on, the answers would become typing
 * in the shell. So while replaying only what a keyboard makes passes: text, Alt with one key, and cursor and function keys.
 */

const KEY = /^\x1b?(?:\x1b|\x1b[^[\]P_^X]|\x1bO[A-Za-z]|\x1b\[(?:[A-DFHZ]|1;\d+[A-DFHPQS]|\d+(?:;\d+)?~))$/;
const PASTE = "\x1b[200~";

export function isTypedWhileReplaying(data: string): boolean {
  return !data.includes("\x1b") || data.startsWith(PASTE) || KEY.test(data);
}
