/** The dock's keys: heard before the terminal and the page, and only when the command can be done now. */

import { matches } from "./chords";
import { COMMANDS, run } from "./commands";
import { dock } from "./dock";

/** True while a dialog is open: keys belong to it. */
function inDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[role=dialog]") !== null;
}

export function followKeys(): () => void {
  const press = (event: KeyboardEvent): void => {
    // AltGr types characters; some systems report it as Ctrl and Alt.
    if (event.isComposing || event.getModifierState("AltGraph") || inDialog(event.target)) return;
    const { active, tabs } = dock.getState();
    const found = COMMANDS.find(({ chord }) => chord && matches(chord, event));
    if (!found) return;
    // Minimise, once more: back again.
    const last = tabs.findLast((tab) => tab.minimised);
    if (found.id === "minimise" && !active && last) dock.activate(last.session.id);
    else if (!run(found)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", press, true);
  return () => window.removeEventListener("keydown", press, true);
}
