/**
 * The dock of shells, and how it shares the page with what it is given as children: below it, beside it, or in its place.
 *
 * Tabs and their layout are the dock's (dock.ts); terminals are not: they live in terminal/registry.ts and are only shown here.
 */

import { Loader } from "@mantine/core";
import { lazy, type ReactNode, Suspense, useEffect, useRef } from "react";
import { Icon } from "../app/icons";
import { listenForSteps } from "../app/location";
import { ClusterTag } from "../clusters/ClusterName";
import { type Shortcut, useAddShortcuts } from "../app/shortcuts";
import { useClusterMark } from "../clusters/clusters";
import { text } from "../text";
import { useAttention } from "./attention";
import { BroadcastBar, StayedBar } from "./DockBars";
import { DockActions } from "./DockActions";
import { SHORTCUTS } from "./commands";
import { useDialogs } from "./dialogs";
import { type DockMode, type DockState, dock, type Tab } from "./dock";
import { Grip } from "./Grip";
import { followKeys } from "./keys";
import { guardLeaving } from "./leaving";
import { ShellsBar } from "./ShellsBar";
import { TabStrip } from "./TabStrip";
import { useDock } from "./useDock";
import { followKeyboard } from "./keyboard";

export { useDock } from "./useDock";

const TerminalArea = lazy(() => import("../terminal/TerminalArea"));
const DockDialogs = lazy(() => import("./DockDialogs"));

const NONE: readonly Shortcut[] = [];

export function DockFrame({ children }: { children: ReactNode }) {
  const state = useDock();
  const { dialog } = useDialogs();
  useAttention(state);
  useAddShortcuts(state.tabs.length > 0 ? SHORTCUTS : NONE);
  useEffect(() => {
    const stops = [followKeys(), guardLeaving(), followKeyboard(), listenForSteps(dock.stepAside)];
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
  useFocusAfter(state);
  const open = state.shown.length > 0;
  return (
    <>
      <div className={`dock-frame${open ? ` dock-frame-${state.mode}` : ""}`}>
        {children}
        {state.tabs.length > 0 && <Dock state={state} />}
      </div>
      <ShellsBar />
      {dialog && (
        <Suspense>
          <DockDialogs dialog={dialog} />
        </Suspense>
      )}
    </>
  );
}

/** When the last shell in front goes, what had the focus goes with it: give it to the bar of minimised shells, or to the page. */
function useFocusAfter({ active }: DockState): void {
  const before = useRef(active);
  useEffect(() => {
    const gone = before.current !== "" && active === "";
    before.current = active;
    if (!gone || document.activeElement !== document.body) return;
    (document.querySelector<HTMLElement>(".shells-bar button") ?? document.getElementById("main"))?.focus();
  }, [active]);
}

function Dock({ state }: { state: DockState }) {
  const active = state.tabs.find((tab) => tab.session.id === state.active);
  const mark = useClusterMark(active?.session.cluster ?? "");
  const sizes: Record<DockMode, React.CSSProperties> = {
    half: { height: `${state.height * 100}%` },
    drawer: { width: `${state.width * 100}%` },
    full: {},
  };
  return (
    <section
      className={`dock dock-${state.mode}${mark.production ? " dock-production" : ""}`}
      aria-label={text.dock.label}
      hidden={!active}
      style={{ ...sizes[state.mode], "--cluster": mark.colour } as React.CSSProperties}
    >
      {state.mode === "half" && <Grip vertical={false} share={state.height} onShare={dock.setHeight} />}
      {state.mode === "drawer" && <Grip vertical share={state.width} onShare={dock.setWidth} />}
      {active && (
        <div className="dock-bar">
          <TabStrip state={state} />
          <Marks tab={active} />
          <DockActions state={state} tab={active} />
        </div>
      )}
      <StayedBar />
      <BroadcastBar state={state} />
      <div className="dock-body">
        <Suspense fallback={<Waiting />}>
          <TerminalArea state={state} />
        </Suspense>
      </div>
    </section>
  );
}

/** What is to be known about the shell in front: its cluster, that it is recorded, and who else looks. */
function Marks({ tab }: { tab: Tab }) {
  const mark = useClusterMark(tab.session.cluster);
  const { view } = tab;
  const others = view.owners + view.observers - 1;
  return (
    <div className="dock-marks">
      {/* Production's label stands on the tab itself. */}
      {!mark.production && <ClusterTag mark={mark} />}
      {view.recording && (
        <span className="dock-mark dock-recorded">
          <Icon name="record" size={13} /> {text.terminal.recording}
        </span>
      )}
      {others > 0 && (
        <span className="dock-mark">
          <Icon name="eye" size={13} /> {text.terminal.viewers(others)}
        </span>
      )}
    </div>
  );
}

function Waiting() {
  return (
    <div className="terminal-progress" role="status" aria-label={text.dock.loading}>
      <Loader size="sm" type="dots" />
    </div>
  );
}
