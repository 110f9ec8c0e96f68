/** Which dialog about a pod is open: its deletion, or its description. Opened from rows and drawers alike. */

import { useSyncExternalStore } from "react";
import type { Pod } from "../api/types";

export interface PodDialogs {
  deleting: Pod | null;
  describing: Pod | null;
}

let state: PodDialogs = { deleting: null, describing: null };
const listeners = new Set<() => void>();

function change(next: Partial<PodDialogs>): void {
  state = { ...state, ...next };
  for (const listener of listeners) listener();
}

export const podDialogs = {
  delete: (pod: Pod): void => change({ deleting: pod }),
  describe: (pod: Pod): void => change({ describing: pod }),
  close: (): void => change({ deleting: null, describing: null }),
};

export function usePodDialogs(): PodDialogs {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}
