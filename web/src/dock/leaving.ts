/** Leaving the page while shells are open: the browser asks, and who stays is told that the shells would have gone on. */

import { getComfort } from "../terminal/comfort";
import { dialogs } from "./dialogs";
import { dock, type DockState } from "./dock";

const OVER: ReadonlySet<string> = new Set(["ended", "refused", "signed_out"]);

/** How many shells of this page are alive. */
export function liveShells({ tabs }: Pick<DockState, "tabs">): number {
  return tabs.filter((tab) => !OVER.has(tab.view.phase)).length;
}

export function guardLeaving(): () => void {
  const ask = (event: BeforeUnloadEvent): void => {
    if (!getComfort().guardLeaving || liveShells(dock.getState()) === 0) return;
    event.preventDefault();
    // Runs when the user has chosen to stay; a page that is left has no next turn.
    setTimeout(() => dialogs.show({ stayed: true }));
  };
  window.addEventListener("beforeunload", ask);
  return () => window.removeEventListener("beforeunload", ask);
}
