/** What can be done with the terminal of a session from menus, keys and the palette. Part of the terminal's chunk. */

import { dock } from "../dock/dock";
import { fullName } from "../dock/names";
import { FONT_SIZES, getComfort, setComfort } from "./comfort";
import { knownTerminal } from "./registry";

export function copySelection(id: string): void {
  const selection = knownTerminal(id)?.screen.selection ?? "";
  if (selection) void navigator.clipboard?.writeText(selection);
}

export function selectAll(id: string): void {
  knownTerminal(id)?.screen.selectAll();
}

export function clear(id: string): void {
  knownTerminal(id)?.screen.clear();
  focus(id);
}

/** Type what a browser keeps from the terminal. */
export function send(id: string, data: string): void {
  knownTerminal(id)?.screen.send(data);
  focus(id);
}

export function focus(id: string): void {
  knownTerminal(id)?.screen.focus();
}

export function stay(id: string): void {
  knownTerminal(id)?.session?.stay();
}

export function changeFontSize(by: number): void {
  setComfort({ fontSize: by === 0 ? FONT_SIZES.first : getComfort().fontSize + by });
}

/** Save everything that the terminal holds as a text file, named after the shell and the time. */
export function download(id: string): void {
  const tab = dock.tab(id);
  const terminal = knownTerminal(id);
  if (!tab || !terminal) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([terminal.screen.plainText()], { type: "text/plain" }));
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  link.download = `${fullName(tab.session).replace(/[^\w.-]+/g, "_")}_${time}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
