/**
 * Which shells this page has open, in which order and under which names, which of them are in front, and how the dock stands.
 *
 * Owns the list of tabs and the layout (kept in sessionStorage, so that a reload brings them back) and a copy of each terminal's view for
 * the tab strip. Terminals themselves live in terminal/registry.ts, which is loaded with the first tab. What a change does to the
 * layout is in layout.ts.
 */

import type { Session } from "../api/types";
import { forgetSession, read, write } from "../terminal/storage";
import { FIRST_VIEW, type View } from "../terminal/view";
import { FIRST_HEIGHT, FIRST_WIDTH, type KeptTab, NAME_CHARACTERS, parseKept, share } from "./kept";
import * as layouts from "./layout";
import type { DockMode, Layout, Side } from "./layout";
import { freeNumber } from "./names";

export type { DockMode, Side } from "./layout";
export { tabName } from "./names";

export interface Tab {
  session: Session;
  /** The ticket of a session that this page has just created. */
  ticket: string | null;
  fresh: boolean;
  view: View;
  /** Output has come since the tab was last in front. */
  unseen: boolean;
  minimised: boolean;
  /** The user's own name for it; empty: none. */
  name: string;
  /** Tells shells of one target apart: 1, 2, … */
  number: number;
}

export interface DockState {
  /** In their order, minimised ones among them. */
  tabs: Tab[];
  /** What the panes show: none, one or two. */
  shown: readonly string[];
  /** The shell with the focus, in one of the panes; empty when all are minimised. */
  active: string;
  mode: DockMode;
  side: Side;
  /** Shares of the page, for the dock at the bottom and at the right. */
  height: number;
  width: number;
  /** Shells that get what is typed into any of them; empty: each its own. */
  broadcast: readonly string[];
}

const KEY = "podshell.dock";
const listeners = new Set<() => void>();
let state: DockState = {
  tabs: [],
  shown: [],
  active: "",
  mode: "half",
  side: "beside",
  height: FIRST_HEIGHT,
  width: FIRST_WIDTH,
  broadcast: [],
};

function change(part: Partial<DockState>): void {
  state = { ...state, ...part };
  for (const listener of listeners) listener();
}

/** Change what a reload must bring back. */
function changeKept(part: Partial<DockState>): void {
  change(part);
  const { shown, active, mode, side, height, width } = state;
  const tabs = state.tabs.map((tab): KeptTab => ({
    id: tab.session.id,
    name: tab.name,
    number: tab.number,
    minimised: tab.minimised,
  }));
  write(KEY, JSON.stringify({ tabs, shown, active, mode, side, height, width }));
}

function changeTab(id: string, part: Partial<Tab>, change_ = change): void {
  change_({ tabs: state.tabs.map((tab) => (tab.session.id === id ? { ...tab, ...part } : tab)) });
}

function layoutOf({ tabs, shown, active }: DockState): Layout {
  return { order: tabs.map((tab) => ({ id: tab.session.id, minimised: tab.minimised })), shown, active };
}

/** Take over a layout whose tabs are among `tabs`; those in front have nothing unseen. */
function apply(layout: Layout, tabs = state.tabs): void {
  const known = new Map(tabs.map((tab) => [tab.session.id, tab]));
  const next = layout.order.flatMap(({ id, minimised }) => {
    const tab = known.get(id);
    if (!tab) return [];
    const unseen = tab.unseen && !layout.shown.includes(id);
    return [tab.minimised === minimised && tab.unseen === unseen ? tab : { ...tab, minimised, unseen }];
  });
  changeKept({ tabs: next, shown: layout.shown, active: layout.active });
}

function newTab(session: Session, ticket: string | null, kept: Partial<KeptTab>): Tab {
  const { name = "", number = freeNumber(session, state.tabs), minimised = false } = kept;
  return { session, ticket, fresh: ticket !== null, view: FIRST_VIEW, unseen: false, minimised, name, number };
}

export const dock = {
  getState: (): DockState => state,

  listen(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  tab: (id: string): Tab | undefined => state.tabs.find((tab) => tab.session.id === id),

  /** Put a session in front. `ticket`: this page has created it just now. `instead`: take the place of that tab. */
  open(session: Session, ticket: string | null = null, instead = ""): void {
    const { id } = session;
    const layout = layouts.withAdded(layoutOf(state), id, instead);
    if (dock.tab(id)) {
      apply(layout);
      return;
    }
    const before = dock.tab(instead);
    const tab = newTab(session, ticket, before ? { name: before.name, number: before.number } : {});
    if (before) forgetSession(instead);
    apply(layout, [...state.tabs, tab]);
  },

  activate: (id: string): void => apply(layouts.withActive(layoutOf(state), id)),
  minimise: (id: string): void => apply(layouts.withMinimised(layoutOf(state), id)),
  minimiseAll: (): void => apply(layouts.withAllMinimised(layoutOf(state))),
  restoreAll: (): void => apply(layouts.withAllRestored(layoutOf(state))),
  move: (id: string, by: number): void => apply(layouts.withMoved(layoutOf(state), id, by)),
  moveTo: (id: string, target: string): void => apply(layouts.withMovedTo(layoutOf(state), id, target)),
  unsplit: (): void => apply(layouts.withoutSplit(layoutOf(state))),

  /** Show two shells, the second with the focus. */
  split(first: string, second: string, side: Side): void {
    apply(layouts.withSplit(layoutOf(state), first, second));
    changeKept({ side });
  },

  /** The tab `step` places further in the strip. */
  neighbour: (step: number): string => layouts.neighbour(layoutOf(state), step),

  /** Take a tab away; its session is not touched. */
  remove(id: string): void {
    if (!dock.tab(id)) return;
    forgetSession(id);
    const broadcast = state.broadcast.filter((each) => each !== id);
    if (broadcast.length !== state.broadcast.length) dock.broadcastTo(broadcast);
    apply(layouts.withRemoved(layoutOf(state), id));
  },

  /** Somebody goes to a page: shells that stand in its place make room for it. One click on "full height" has them back as they were. */
  stepAside(): void {
    if (state.mode === "full" && state.active !== "") changeKept({ mode: "half" });
  },

  setMode: (mode: DockMode): void => changeKept({ mode }),
  setSide: (side: Side): void => changeKept({ side }),
  setHeight: (height: number): void => changeKept({ height: share(height, FIRST_HEIGHT) }),
  setWidth: (width: number): void => changeKept({ width: share(width, FIRST_WIDTH) }),

  /** Name a tab; an empty name gives its own name back. */
  rename: (id: string, name: string): void =>
    changeTab(id, { name: Array.from(name.trim()).slice(0, NAME_CHARACTERS).join("") }, changeKept),

  /** Let what is typed into one of these go to all of them; fewer than two: no more. Not kept: a reload ends it. */
  broadcastTo: (ids: readonly string[]): void => change({ broadcast: ids.length > 1 ? ids : [] }),

  report: (id: string, view: View): void => changeTab(id, { view }),

  /** Output has come in a session. */
  mark(id: string): void {
    const tab = dock.tab(id);
    if (!tab || tab.unseen || state.shown.includes(id)) return;
    changeTab(id, { unseen: true });
  },

  /** What was open before a reload; `fetch` answers null for a session that is not there any more. */
  async restore(fetch: (id: string) => Promise<Session | null>): Promise<void> {
    const kept = parseKept(read(KEY));
    if (!kept) return;
    const found = await Promise.all(kept.tabs.map(async (each) => ({ kept: each, session: await fetch(each.id) })));
    const restored = found.flatMap(({ kept: each, session }) =>
      session && !dock.tab(session.id) ? [newTab(session, null, each)] : [],
    );
    if (restored.length === 0) return;
    const tabs = [...restored, ...state.tabs];
    const { mode, side, height, width } = kept;
    // What was opened meanwhile, by the address, is in front.
    const meanwhile = state.shown.length > 0;
    if (!meanwhile) change({ mode, side, height, width });
    const there = new Set(tabs.map((tab) => tab.session.id));
    const shown = meanwhile ? state.shown : kept.shown.filter((id) => there.has(id));
    const active = meanwhile ? state.active : shown.includes(kept.active) ? kept.active : (shown[0] ?? "");
    const order = tabs.map((tab) => ({ id: tab.session.id, minimised: tab.minimised }));
    apply(layouts.withFront({ order, shown, active }), tabs);
  },
};
