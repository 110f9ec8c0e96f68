import { useSyncExternalStore } from "react";
import { type DockState, dock } from "./dock";

export function useDock(): DockState {
  return useSyncExternalStore(dock.listen, dock.getState);
}
