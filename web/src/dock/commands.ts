/**
 * Everything that can be done with shells, by name: the dock's menu, its keys and the help all read this one list.
 *
 * A command acts on the shell that has the focus. What needs the terminal itself loads its chunk first; it is there already whenever a
 * shell is open.
 */

import { shareableAddress } from "../app/location";
import type { Shortcut } from "../app/shortcuts";
import { text } from "../text";
import type { Chord } from "./chords";
import { dialogs } from "./dialogs";
import { type DockMode, dock, type Tab } from "./dock";
import { kubectlCommand, podshellCommand } from "./commandLines";
import { opening } from "./opening";

export interface Command {
  id: string;
  label: string;
  chord?: Chord;
  /** Why it cannot be done now; empty when it can. `tab` has the focus, if any. */
  refusal(tab: Tab | undefined): string;
  run(tab: Tab): void;
}

const words = text.dock.commands;
const ctrl = (key: string): Chord => ({ key, with: "ctrl" });
const alt = (key: string): Chord => ({ key, with: "alt" });

type Actions = typeof import("../terminal/actions");
let loaded: Actions | null = null;

/** A terminal is there, and so what is done with it: from now on at once, so that what a key sends stays in the order of the keys. */
export function provideActions(actions: Actions): void {
  loaded = actions;
}

const withTerminal =
  (act: (actions: Actions, id: string) => void) =>
  (tab: Tab): void => {
    if (loaded) act(loaded, tab.session.id);
    else void import("../terminal/actions").then((actions) => act(actions, tab.session.id));
  };

const copy = (content: string): void => void navigator.clipboard?.writeText(content);
const needsShell = (tab: Tab | undefined): string => (tab ? "" : text.dock.noShell);
const isOver = (tab: Tab): boolean => tab.view.phase === "ended" || tab.view.phase === "refused";

function send(id: string, label: string, data: string, key: string): Command {
  const refusal = (tab: Tab | undefined): string => (!tab ? text.dock.noShell : isOver(tab) ? text.dock.over : "");
  return { id, label, chord: alt(key), refusal, run: withTerminal((actions, session) => actions.send(session, data)) };
}

/** Open the same target once more, beside or below this one. */
function splitWithNew(side: "beside" | "below"): (tab: Tab) => void {
  return ({ session }) => void opening.duplicate(session, (opened) => dock.split(session.id, opened, side));
}

export const COMMANDS: readonly Command[] = [
  {
    id: "find",
    label: words.find,
    chord: ctrl("f"),
    refusal: needsShell,
    run: (tab) => dialogs.show({ finding: tab.session.id }),
  },
  {
    id: "copy",
    label: words.copy,
    chord: ctrl("c"),
    refusal: needsShell,
    run: withTerminal((a, id) => a.copySelection(id)),
  },
  { id: "select-all", label: words.selectAll, refusal: needsShell, run: withTerminal((a, id) => a.selectAll(id)) },
  { id: "clear", label: words.clear, refusal: needsShell, run: withTerminal((a, id) => a.clear(id)) },
  { id: "download", label: words.download, refusal: needsShell, run: withTerminal((a, id) => a.download(id)) },
  {
    id: "copy-kubectl",
    label: words.copyKubectl,
    refusal: needsShell,
    run: (tab) => copy(kubectlCommand(tab.session)),
  },
  {
    id: "copy-podshell",
    label: words.copyPodshell,
    refusal: needsShell,
    run: (tab) => copy(podshellCommand(tab.session)),
  },
  {
    id: "copy-link",
    label: words.copyLink,
    refusal: needsShell,
    run: (tab) => copy(shareableAddress({ page: "sessions", id: tab.session.id })),
  },
  send("send-ctrl-w", words.send("W"), "\x17", "w"),
  send("send-ctrl-t", words.send("T"), "\x14", "t"),
  send("send-ctrl-n", words.send("N"), "\x0e", "n"),
  {
    id: "rename",
    label: words.rename,
    refusal: needsShell,
    run: (tab) => dialogs.show({ renaming: tab.session.id }),
  },
  {
    id: "duplicate",
    label: words.duplicate,
    chord: ctrl("d"),
    refusal: needsShell,
    run: (tab) => void opening.duplicate(tab.session),
  },
  { id: "split-beside", label: words.splitBeside, chord: ctrl("s"), refusal: needsShell, run: splitWithNew("beside") },
  { id: "split-below", label: words.splitBelow, chord: ctrl("b"), refusal: needsShell, run: splitWithNew("below") },
  {
    id: "next",
    label: words.next,
    chord: ctrl("arrowright"),
    refusal: needsShell,
    run: () => dock.activate(dock.neighbour(1)),
  },
  {
    id: "previous",
    label: words.previous,
    chord: ctrl("arrowleft"),
    refusal: needsShell,
    run: () => dock.activate(dock.neighbour(-1)),
  },
  {
    id: "larger",
    label: words.larger,
    chord: ctrl("."),
    refusal: needsShell,
    run: withTerminal((a) => a.changeFontSize(1)),
  },
  {
    id: "smaller",
    label: words.smaller,
    chord: ctrl(","),
    refusal: needsShell,
    run: withTerminal((a) => a.changeFontSize(-1)),
  },
  {
    id: "minimise",
    label: words.minimise,
    chord: ctrl("m"),
    refusal: needsShell,
    run: (tab) => dock.minimise(tab.session.id),
  },
  { id: "minimise-all", label: words.minimiseAll, refusal: needsShell, run: () => dock.minimiseAll() },
  {
    id: "full",
    label: words.full,
    chord: ctrl("enter"),
    refusal: needsShell,
    run: (tab) => toggle("full", tab),
  },
  {
    id: "drawer",
    label: words.drawer,
    refusal: needsShell,
    run: (tab) => toggle("drawer", tab),
  },
  { id: "leave", label: words.leave, chord: ctrl("l"), refusal: needsShell, run: (tab) => focusTab(tab.session.id) },
  { id: "end", label: words.end, chord: ctrl("x"), refusal: needsShell, run: (tab) => void opening.end(tab.session) },
  { id: "broadcast", label: words.broadcast, refusal: needsTwo, run: () => dialogs.show({ dialog: "broadcast" }) },
  { id: "settings", label: words.settings, refusal: () => "", run: () => dialogs.show({ dialog: "settings" }) },
  { id: "shortcuts", label: words.shortcuts, refusal: () => "", run: () => dialogs.show({ dialog: "shortcuts" }) },
];

const focusTerminal = withTerminal((actions, id) => actions.focus(id));

function toggle(mode: DockMode, tab: Tab): void {
  dock.setMode(dock.getState().mode === mode ? "half" : mode);
  focusTerminal(tab);
}

function needsTwo(): string {
  return dock.getState().tabs.length > 1 ? "" : text.dock.oneShell;
}

function focusTab(id: string): void {
  document.getElementById(`tab-${id}`)?.focus();
}

export function command(id: string): Command {
  const found = COMMANDS.find((each) => each.id === id);
  if (!found) throw new Error(`no command ${id}`);
  return found;
}

/** Do it for the shell with the focus; false when it cannot be done now. */
export function run(which: Command): boolean {
  const tab = dock.tab(dock.getState().active);
  if (which.refusal(tab) !== "") return false;
  which.run(tab as Tab);
  return true;
}

/** The same for the palette; their keys are heard in keys.ts, because only they may come before a terminal's. */
export const SHORTCUTS: readonly Shortcut[] = COMMANDS.map((which) => ({
  id: `shell.${which.id}`,
  title: which.label,
  group: text.dock.label,
  keys: "",
  run: () => {
    run(which);
  },
}));
