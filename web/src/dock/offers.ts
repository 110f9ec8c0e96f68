/** What other parts of the console offer to do about a shell: they fill these slots, the terminal's outcomes show them. */

import { useSyncExternalStore } from "react";
import type { Session } from "../api/types";

type Offer = (session: Session) => void;

let debug: Offer | null = null;
const listeners = new Set<() => void>();

/** Offer a debug container where a container has no shell of its own. */
export function offerDebug(offer: Offer | null): void {
  debug = offer;
  for (const listener of listeners) listener();
}

/** The offer, or null as long as nobody makes it. */
export function useDebugOffer(): Offer | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => debug,
  );
}
