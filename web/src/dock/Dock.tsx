/** The dock at the bottom: tabs of open shells, and the terminal in front. Height and mode are its own; terminals are not. */

import { ActionIcon, Loader, Tooltip } from "@mantine/core";
import { lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useSecondsUntil } from "../app/clock";
import { Icon, type IconName } from "../app/icons";
import { useTitle } from "../app/title";
import { useClusterColour } from "../clusters/clusters";
import { StatusMark, type Tone } from "../pods/status";
import type { View } from "../terminal/view";
import { text } from "../text";
import { type DockState, dock, type Tab, tabName } from "./dock";
import { opening } from "./opening";

const TerminalArea = lazy(() => import("../terminal/TerminalArea"));
const SMALLEST = 0.2;
const LARGEST = 0.9;

export function useDock(): DockState {
  return useSyncExternalStore(dock.listen, dock.getState);
}

export function Dock() {
  const state = useDock();
  const [share, setShare] = useState(0.46);
  const [finding, setFinding] = useState(false);
  const active = state.tabs.find((tab) => tab.session.id === state.active);
  const colour = useClusterColour(active?.session.cluster ?? "");
  useTitles(state);
  if (state.tabs.length === 0) return null;
  const { mode } = state;
  const style = mode === "half" ? { height: `${share * 100}%` } : undefined;
  return (
    <section
      className={`dock dock-${mode}`}
      aria-label={text.dock.label}
      style={{ ...style, "--cluster": colour } as React.CSSProperties}
    >
      {mode === "half" && <Grip share={share} onShare={setShare} />}
      <div className="dock-bar">
        <Tabs state={state} />
        <div className="dock-actions">
          {mode !== "minimised" && (
            <>
              <Action icon="search" label={text.terminal.search} onClick={() => setFinding(!finding)} />
              <Action
                icon="link"
                label={text.terminal.copyLink}
                onClick={() => void navigator.clipboard?.writeText(`${location.origin}/sessions/${state.active}`)}
              />
              <Action
                icon={mode === "full" ? "half" : "full"}
                label={mode === "full" ? text.dock.half : text.dock.full}
                onClick={() => dock.setMode(mode === "full" ? "half" : "full")}
              />
            </>
          )}
          <Action
            icon={mode === "minimised" ? "restore" : "minimise"}
            label={mode === "minimised" ? text.dock.restore : text.dock.minimise}
            onClick={() => dock.setMode(mode === "minimised" ? "half" : "minimised")}
          />
        </div>
      </div>
      <div className="dock-body" hidden={mode === "minimised"}>
        <Suspense fallback={<Waiting />}>
          <TerminalArea state={state} finding={finding} onFound={() => setFinding(false)} />
        </Suspense>
      </div>
    </section>
  );
}

function Waiting() {
  return (
    <div className="terminal-progress" role="status" aria-label={text.dock.loading}>
      <Loader size="sm" type="dots" />
    </div>
  );
}

function Action({ icon, label, onClick }: { icon: IconName; label: string; onClick(): void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        <Icon name={icon} size={15} />
      </ActionIcon>
    </Tooltip>
  );
}

/** Drag, or use the arrow keys, to share the page between what is above and the terminal. */
function Grip({ share, onShare }: { share: number; onShare(share: number): void }) {
  const grip = useRef<HTMLDivElement>(null);
  const set = (next: number): void => onShare(Math.min(LARGEST, Math.max(SMALLEST, next)));
  const move = (event: React.PointerEvent): void => {
    const room = grip.current?.parentElement?.parentElement?.getBoundingClientRect();
    if (room && grip.current?.hasPointerCapture(event.pointerId)) set((room.bottom - event.clientY) / room.height);
  };
  return (
    <div
      ref={grip}
      className="dock-grip"
      role="separator"
      aria-orientation="horizontal"
      aria-label={text.dock.resize}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={SMALLEST * 100}
      aria-valuemax={LARGEST * 100}
      tabIndex={0}
      onPointerDown={(event) => grip.current?.setPointerCapture(event.pointerId)}
      onPointerMove={move}
      onKeyDown={(event) => {
        if (event.key === "ArrowUp") set(share + 0.05);
        else if (event.key === "ArrowDown") set(share - 0.05);
      }}
    />
  );
}

function Tabs({ state }: { state: DockState }) {
  const press = (event: React.KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const at = state.tabs.findIndex((tab) => tab.session.id === state.active);
    const next = state.tabs[(at + step + state.tabs.length) % state.tabs.length];
    if (next) {
      dock.activate(next.session.id);
      document.getElementById(`tab-${next.session.id}`)?.focus();
    }
  };
  return (
    <div className="tabs" role="tablist" aria-label={text.dock.tabs} onKeyDown={press} tabIndex={-1}>
      {state.tabs.map((tab) => (
        <TabButton
          key={tab.session.id}
          tab={tab}
          active={tab.session.id === state.active}
          minimised={state.mode === "minimised"}
        />
      ))}
    </div>
  );
}

const OVER = ["ended", "refused"];

function TabButton({ tab, active, minimised }: { tab: Tab; active: boolean; minimised: boolean }) {
  const { session, view } = tab;
  const name = tabName(session);
  const colour = useClusterColour(session.cluster);
  const idle = useSecondsUntil(view.idleAt);
  const label = OVER.includes(view.phase) ? text.dock.removeTab(name) : text.dock.closeTab(name);
  const selected = active && !minimised;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (active) place.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [active]);
  return (
    <div
      ref={place}
      className={`tab${selected ? " tab-active" : ""}`}
      style={{ "--cluster": colour } as React.CSSProperties}
    >
      <Tooltip
        label={
          <>
            {view.title ? `${name}: ${view.title}` : name}
            <br />
            {text.dock.place(session.cluster, session.namespace)}
          </>
        }
      >
        <button
          type="button"
          role="tab"
          id={`tab-${session.id}`}
          aria-selected={selected}
          tabIndex={active ? 0 : -1}
          className="tab-name"
          onClick={() => dock.activate(session.id)}
        >
          <StatusMark tone={toneOf(view)} label={name} />
          {idle !== null && <span className="tag number">{idle} s</span>}
          {tab.unseen && <span className="unseen" role="img" aria-label={text.dock.unseen} />}
        </button>
      </Tooltip>
      <ActionIcon size="xs" variant="subtle" color="gray" aria-label={label} onClick={() => void opening.end(session)}>
        <Icon name="close" size={12} />
      </ActionIcon>
    </div>
  );
}

function toneOf(view: View): Tone {
  switch (view.phase) {
    case "live":
      return view.restarting || view.idleAt !== null ? "busy" : "good";
    case "ended":
      return "done";
    case "refused":
    case "signed_out":
      return "bad";
    default:
      return "busy";
  }
}

/** The page's title says when a session is about to close, so that it is seen from another tab. */
function useTitles(state: DockState): void {
  const soonest = state.tabs
    .filter((tab) => tab.view.idleAt !== null)
    .sort((one, other) => (one.view.idleAt ?? 0) - (other.view.idleAt ?? 0))[0];
  const wait = useSecondsUntil(soonest?.view.idleAt ?? null);
  const active = state.mode === "minimised" ? undefined : state.tabs.find((tab) => tab.session.id === state.active);
  useTitle("front", active ? tabName(active.session) : "");
  useTitle("urgent", soonest && wait !== null ? text.terminal.idleTitle(wait, tabName(soonest.session)) : "");
}
