/**
 * The strip of tabs: one for each shell that is not minimised.
 *
 * Arrows go along, Enter shows, Ctrl with arrows moves a tab, F2 or a double click renames it, Delete ends its session; a mouse drags.
 */

import { Tooltip } from "@mantine/core";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useSecondsUntil } from "../app/clock";
import { Icon } from "../app/icons";
import { ClusterTag } from "../clusters/ClusterName";
import { useClusterMark } from "../clusters/clusters";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { dialogs, useDialogs } from "./dialogs";
import { type DockState, dock, type Tab } from "./dock";
import { displayName } from "./names";
import { opening } from "./opening";
import { countdown, isOver, stateText, timeOfDay, toneOf } from "./state";

const words = text.dock;

export function TabStrip({ state }: { state: DockState }) {
  const tabs = state.tabs.filter((tab) => !tab.minimised);
  const press = (event: React.KeyboardEvent): void => {
    const at = tabs.findIndex((tab) => `tab-${tab.session.id}` === (event.target as Element).id);
    const tab = tabs[at];
    if (!tab) return;
    const { id } = tab.session;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
    if (step !== 0 && event.ctrlKey) dock.move(id, step);
    else if (step !== 0) focusTab(tabs[(at + step + tabs.length) % tabs.length]);
    else if (event.key === "F2") dialogs.show({ renaming: id });
    else if (event.key === "Delete") void opening.end(tab.session);
    else return;
    event.preventDefault();
    if (step !== 0 && event.ctrlKey) focusTab(tab);
  };
  const { renaming } = useDialogs();
  const renamed = tabs.find((tab) => tab.session.id === renaming);
  return (
    <>
      <div className="tabs" role="tablist" aria-label={words.tabs} onKeyDown={press} tabIndex={-1}>
        {tabs.map((tab) => (
          <TabButton key={tab.session.id} tab={tab} state={state} />
        ))}
      </div>
      {renamed && <Rename key={renaming} tab={renamed} />}
    </>
  );
}

function focusTab(tab: Tab | undefined): void {
  // After the strip is drawn anew: moving a tab takes its element out for a moment.
  if (tab) requestAnimationFrame(() => document.getElementById(`tab-${tab.session.id}`)?.focus());
}

function TabButton({ tab, state }: { tab: Tab; state: DockState }) {
  const { session, view } = tab;
  const { id } = session;
  const active = id === state.active;
  const shown = state.shown.includes(id);
  const name = displayName(tab, state.tabs);
  const mark = useClusterMark(session.cluster);
  const idle = useSecondsUntil(view.idleAt);
  const broadcast = state.broadcast.includes(id);
  const { renaming } = useDialogs();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (active) place.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [active]);
  // What is to be read on the tab first and in its order: whoever speaks to a computer says what they see.
  const spoken = [
    name,
    mark.label,
    words.place(session.cluster, session.namespace),
    stateText(view, null),
    tab.unseen && words.unseen,
    broadcast && words.broadcasting,
  ];
  return (
    <div
      ref={place}
      role="presentation"
      className={`tab${shown ? " tab-shown" : ""}${active ? " tab-active" : ""}${mark.production ? " tab-production" : ""}`}
      style={{ "--cluster": mark.colour } as React.CSSProperties}
      draggable={renaming !== id}
      onDragStart={(event) => event.dataTransfer.setData(DRAG_TYPE, id)}
      onDragOver={(event) => event.dataTransfer.types.includes(DRAG_TYPE) && event.preventDefault()}
      onDrop={(event) => {
        const dragged = event.dataTransfer.getData(DRAG_TYPE);
        if (dragged) dock.moveTo(dragged, id);
      }}
    >
      <Tooltip label={<Details tab={tab} name={name} />}>
        <button
          type="button"
          role="tab"
          id={`tab-${id}`}
          aria-selected={shown}
          aria-controls={shown ? `panel-${id}` : undefined}
          aria-label={spoken.filter(Boolean).join(", ")}
          tabIndex={active ? 0 : -1}
          className="tab-name"
          onClick={() => dock.activate(id)}
          onDoubleClick={() => dialogs.show({ renaming: id })}
        >
          {/* The space parts the words for who reads them out; a row of boxes shows none. */}
          <StatusMark tone={toneOf(view)} label={name} /> {mark.production && <ClusterTag mark={mark} />}
          {broadcast && <Icon name="broadcast" size={13} />}
          {tab.unseen && <span className="unseen" />}
        </button>
      </Tooltip>
      {/* Not part of the name: what changes each second would be read out each second. */}
      {idle !== null && renaming !== id && (
        <span className="tag number tag-idle" aria-hidden="true" onClick={() => dock.activate(id)}>
          {countdown(idle)}
        </span>
      )}
      {/* For the mouse; the keyboard has Delete, and the shell in front a button of its own. */}
      <span className="tab-close" aria-hidden="true" onClick={() => void opening.end(session)}>
        <Icon name="close" size={12} />
      </span>
    </div>
  );
}

const DRAG_TYPE = "application/x-podshell-tab";

/** What names the shell in full; a title that a program chose comes last, and as a title. */
export function Details({ tab, name }: { tab: Tab; name: string }) {
  const { session, view } = tab;
  return (
    <>
      {view.title ? `${name}: ${view.title}` : name}
      <br />
      {words.place(session.cluster, session.namespace)}
      {view.idleAt !== null && (
        <>
          <br />
          {words.closesAt(timeOfDay(view.idleAt))}
        </>
      )}
    </>
  );
}

/** A field over the tab, beside the strip in the document: a list of tabs may hold nothing but tabs. */
function Rename({ tab }: { tab: Tab }) {
  const { id } = tab.session;
  const [place, setPlace] = useState<React.CSSProperties>({});
  useLayoutEffect(() => {
    const { left, top, width, height } =
      document.getElementById(`tab-${id}`)?.parentElement?.getBoundingClientRect() ?? new DOMRect();
    setPlace({ left, top, width, height });
  }, [id]);
  const cancelled = useRef(false);
  const name = displayName(tab, []);
  const close = (): void => {
    dialogs.show({ renaming: "" });
    focusTab(tab);
  };
  return (
    <input
      className="tab-rename"
      style={place}
      autoFocus
      defaultValue={name}
      aria-label={words.rename(name)}
      onFocus={(event) => event.currentTarget.select()}
      onBlur={(event) => {
        if (!cancelled.current)
          dock.rename(id, event.currentTarget.value === name ? tab.name : event.currentTarget.value);
        dialogs.show({ renaming: "" });
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") cancelled.current = true;
        if (event.key === "Escape" || event.key === "Enter") {
          event.currentTarget.blur();
          close();
        }
      }}
    />
  );
}

/** What closing does: end a session, or take the tab of one that is over away. */
export function endLabel(tab: Tab, name: string): string {
  return isOver(tab.view) ? words.removeOf(name) : words.endOf(name);
}
