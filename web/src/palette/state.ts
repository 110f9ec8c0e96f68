/** Whether the palette or the help is open. */

import { useSyncExternalStore } from "react";
import { typeAhead } from "../app/shortcuts";

export type Overlay = "" | "palette" | "help";

/** A palette that has not come by then is not what is typed for any more. */
const EARLY_MS = 2_000;

let shown: Overlay = "";
let early = "";
let endEarly = (): void => {};
const listeners = new Set<() => void>();

export function showOverlay(overlay: Overlay): void {
  endEarly();
  early = "";
  if (overlay === "palette" && shown !== "palette") listenEarly();
  shown = overlay;
  for (const listener of listeners) listener();
}

function listenEarly(): void {
  const stop = typeAhead((character) => {
    early += character;
  });
  const timer = setTimeout(stop, EARLY_MS);
  endEarly = () => {
    clearTimeout(timer);
    stop();
  };
}

/** Return what was typed after the palette's key and before its input had the focus; from now on the input has what is typed. */
export function takeEarly(): string {
  endEarly();
  const typed = early;
  early = "";
  return typed;
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
