/** What the dock says beyond its own place: in the page's title, and by a notification when the page is not seen. */

import { useEffect, useRef } from "react";
import { useSecondsUntil } from "../app/clock";
import { useTitle } from "../app/title";
import { text } from "../text";
import { getComfort } from "../terminal/comfort";
import { type DockState, dock, type Tab } from "./dock";
import { displayName } from "./names";

/** Say which shell is in front, and which one is about to close. */
export function useAttention(state: DockState): void {
  const soonest = state.tabs
    .filter((tab) => tab.view.idleAt !== null)
    .sort((one, other) => (one.view.idleAt ?? 0) - (other.view.idleAt ?? 0))[0];
  const wait = useSecondsUntil(soonest?.view.idleAt ?? null);
  const active = state.tabs.find((tab) => tab.session.id === state.active);
  useTitle("front", active ? displayName(active, state.tabs) : "");
  useTitle("urgent", soonest && wait !== null ? text.terminal.idleTitle(wait, displayName(soonest, state.tabs)) : "");
  const told = useRef(new Set<string>());
  useEffect(() => {
    for (const tab of state.tabs) {
      const { id } = tab.session;
      if (tab.view.idleAt === null) told.current.delete(id);
      else if (!told.current.has(id) && mayNotify()) {
        told.current.add(id);
        notify(tab, displayName(tab, state.tabs), tab.view.idleAt);
      }
    }
  }, [state.tabs]);
}

/** Only on a page that is not seen, and only when the user has asked for it. */
function mayNotify(): boolean {
  return (
    document.visibilityState === "hidden" &&
    getComfort().notify &&
    "Notification" in window &&
    Notification.permission === "granted"
  );
}

function notify(tab: Tab, name: string, idleAt: number): void {
  const { id } = tab.session;
  const wait = Math.max(0, Math.round((idleAt - Date.now()) / 1000));
  const notification = new Notification(text.product, { body: text.dock.notification(name, wait), tag: id });
  notification.onclick = () => {
    window.focus();
    dock.activate(id);
    notification.close();
  };
}
