/** Whether the palette or the help is open. */

import { useSyncExternalStore } from "react";

export type Overlay = "" | "palette" | "help";

let shown: Overlay = "";
const listeners = new Set<() => void>();

export function showOverlay(overlay: Overlay): void {
  shown = overlay;
  for (const listener of listeners) listener();
}

export function useOverlay(): Overlay {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
}
