/**
 * Which shells this page has open, which of them is in front, and how the dock stands.
 *
 * Owns the list of tabs (kept in sessionStorage, so that a reload brings them back) and a copy of each terminal's view for the tab strip.
 * Terminals themselves live in terminal/registry.ts, which is loaded with the first tab.
 */

import type { Session } from "../api/types";
import { forgetSession, read, write } from "../terminal/storage";
import { FIRST_VIEW, type View } from "../terminal/view";

export type DockMode = "half" | "full" | "minimised";

export interface Tab {
  session: Session;
  /** The ticket of a session that this page has just created. */
  ticket: string | null;
  fresh: boolean;
  view: View;
  /** Output has come since the tab was last in front. */
  unseen: boolean;
}

export interface DockState {
  tabs: Tab[];
  active: string;
  mode: DockMode;
}

const KEY = "podshell.dock";
const listeners = new Set<() => void>();
let state: DockState = { tabs: [], active: "", mode: "half" };

function change(part: Partial<DockState>): void {
  state = { ...state, ...part };
  write(KEY, JSON.stringify({ ids: state.tabs.map((tab) => tab.session.id), active: state.active, mode: state.mode }));
  for (const listener of listeners) listener();
}

function changeTab(id: string, part: Partial<Tab>): void {
  change({ tabs: state.tabs.map((tab) => (tab.session.id === id ? { ...tab, ...part } : tab)) });
}

export const dock = {
  getState: (): DockState => state,

  listen(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  /** Put a session in front. `ticket`: this page has created it just now. `instead`: take the place of that tab. */
  open(session: Session, ticket: string | null = null, instead = ""): void {
    const mode = state.mode === "minimised" ? "half" : state.mode;
    if (state.tabs.some((tab) => tab.session.id === session.id)) {
      change({ active: session.id, mode });
      return;
    }
    const tab: Tab = { session, ticket, fresh: ticket !== null, view: FIRST_VIEW, unseen: false };
    const at = state.tabs.findIndex((each) => each.session.id === instead);
    const tabs = at < 0 ? [...state.tabs, tab] : state.tabs.with(at, tab);
    if (at >= 0) forgetSession(instead);
    change({ tabs, active: session.id, mode });
  },

  activate(id: string): void {
    changeTab(id, { unseen: false });
    change({ active: id, mode: state.mode === "minimised" ? "half" : state.mode });
  },

  /** Take a tab away; its session is not touched. */
  remove(id: string): void {
    const at = state.tabs.findIndex((tab) => tab.session.id === id);
    if (at < 0) return;
    forgetSession(id);
    const tabs = state.tabs.toSpliced(at, 1);
    const next = tabs[Math.min(at, tabs.length - 1)]?.session.id ?? "";
    change({ tabs, active: state.active === id ? next : state.active });
  },

  setMode(mode: DockMode): void {
    change({ mode });
    if (mode !== "minimised" && state.active) changeTab(state.active, { unseen: false });
  },

  report(id: string, view: View): void {
    changeTab(id, { view });
  },

  /** Output has come in a session. */
  mark(id: string): void {
    const tab = state.tabs.find((each) => each.session.id === id);
    if (!tab || tab.unseen || (state.active === id && state.mode !== "minimised")) return;
    changeTab(id, { unseen: true });
  },

  /** What was open before a reload; `fetch` answers null for a session that is not there any more. */
  async restore(fetch: (id: string) => Promise<Session | null>): Promise<void> {
    const kept = parse(read(KEY));
    if (!kept) return;
    const sessions = await Promise.all(kept.ids.map(fetch));
    const found = sessions.filter((session) => session !== null);
    const known = new Set(state.tabs.map((tab) => tab.session.id));
    const restored: Tab[] = found
      .filter((session) => !known.has(session.id))
      .map((session) => ({ session, ticket: null, fresh: false, view: FIRST_VIEW, unseen: false }));
    if (restored.length === 0) return;
    const tabs = [...restored, ...state.tabs];
    const active =
      state.active || (tabs.some((tab) => tab.session.id === kept.active) ? kept.active : (tabs[0]?.session.id ?? ""));
    change({ tabs, active, mode: state.tabs.length > 0 ? state.mode : kept.mode });
  },
};

function parse(json: string | null): { ids: string[]; active: string; mode: DockMode } | null {
  try {
    const value = JSON.parse(json ?? "null") as { ids?: unknown; active?: unknown; mode?: unknown } | null;
    if (!value || !Array.isArray(value.ids)) return null;
    const ids = value.ids.filter((id): id is string => typeof id === "string").slice(0, 50);
    const mode = value.mode === "full" || value.mode === "minimised" ? value.mode : "half";
    return { ids, active: typeof value.active === "string" ? value.active : "", mode };
  } catch {
    return null;
  }
}

/** A tab's short name: what tells two shells apart at a glance. */
export function tabName(session: Session): string {
  return session.container ? `${session.pod}/${session.container}` : session.pod;
}
