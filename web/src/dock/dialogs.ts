/** What of the dock is open beside the terminals: the search, the renaming of a tab, and its dialogs. Opened by menu, key or palette. */

import { useSyncExternalStore } from "react";

export interface DockDialogs {
  /** The session that is searched; empty: none. */
  finding: string;
  /** The session whose tab is being renamed. */
  renaming: string;
  dialog: "settings" | "broadcast" | "shortcuts" | null;
  /** The browser has asked whether to leave, and the user has stayed: tell what would have become of the shells. */
  stayed: boolean;
}

let state: DockDialogs = { finding: "", renaming: "", dialog: null, stayed: false };
const listeners = new Set<() => void>();

export const dialogs = {
  getState: (): DockDialogs => state,

  listen(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  show(part: Partial<DockDialogs>): void {
    state = { ...state, ...part };
    for (const listener of listeners) listener();
  },
};

export function useDialogs(): DockDialogs {
  return useSyncExternalStore(dialogs.listen, dialogs.getState);
}
