/** The bar at the bottom with the minimised shells: one shows as a tab, several collapse into a menu to choose from. */

import { ActionIcon, Button, Popover } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useSecondsUntil } from "../app/clock";
import { Icon } from "../app/icons";
import { ClusterTag } from "../clusters/ClusterName";
import { useClusterMark } from "../clusters/clusters";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { dock, type Tab } from "./dock";
import { displayName, fullName } from "./names";
import { opening } from "./opening";
import { countdown, isOver, stateText, timeOfDay, toneOf } from "./state";
import { endLabel } from "./TabStrip";
import { useDock } from "./useDock";

const words = text.dock;

export function ShellsBar() {
  const { tabs } = useDock();
  const minimised = tabs.filter((tab) => tab.minimised);
  const [first] = minimised;
  if (!first) return null;
  return (
    <section className="shells-bar" aria-label={words.bar}>
      {minimised.length === 1 ? <OneShell tab={first} tabs={tabs} /> : <ManyShells minimised={minimised} tabs={tabs} />}
    </section>
  );
}

function OneShell({ tab, tabs }: { tab: Tab; tabs: Tab[] }) {
  return (
    <div className="minimised-tab">
      <Shell tab={tab} tabs={tabs} />
      <End tab={tab} tabs={tabs} />
    </div>
  );
}

function ManyShells({ minimised, tabs }: { minimised: Tab[]; tabs: Tab[] }) {
  const [opened, setOpened] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const dead = minimised.filter((tab) => isOver(tab.view)).length;
  const news = minimised.some((tab) => tab.unseen);
  const soonest = minimised
    .filter((tab) => tab.view.idleAt !== null)
    .sort((one, other) => (one.view.idleAt ?? 0) - (other.view.idleAt ?? 0))[0];
  const idle = useSecondsUntil(soonest?.view.idleAt ?? null);
  useEffect(() => {
    if (opened) requestAnimationFrame(() => list.current?.querySelector("button")?.focus());
  }, [opened]);
  const press = (event: React.KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    if (step === 0) return;
    const rows = [...(list.current?.querySelectorAll<HTMLElement>(".shell-restore") ?? [])];
    const row = (event.target as Element).closest("li");
    const at = rows.findIndex((each) => row?.contains(each));
    rows[(at + step + rows.length) % rows.length]?.focus();
    event.preventDefault();
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="top-end" shadow="sm" trapFocus={false} returnFocus>
      <Popover.Target>
        <button
          type="button"
          className="running-shells"
          aria-haspopup="dialog"
          aria-expanded={opened}
          aria-label={[
            words.running(minimised.length),
            dead > 0 && words.runningDead(minimised.length - dead, dead),
            news && words.unseen,
          ]
            .filter(Boolean)
            .join(", ")}
          onClick={() => setOpened(!opened)}
        >
          <Icon name="terminal" size={14} />
          <span className="number">{words.running(minimised.length)}</span>
          {dead > 0 && <span className="tag number">{words.runningDead(minimised.length - dead, dead)}</span>}
          {idle !== null && <span className="tag number tag-idle">{words.closesIn(countdown(idle))}</span>}
          {news && <span className="unseen" />}
          <Icon name={opened ? "down" : "up"} size={13} />
        </button>
      </Popover.Target>
      <Popover.Dropdown className="shells-menu">
        <ul ref={list} onKeyDown={press}>
          {minimised.map((tab) => (
            <li key={tab.session.id}>
              <Shell tab={tab} tabs={tabs} full onRestored={() => setOpened(false)} />
              <End tab={tab} tabs={tabs} />
            </li>
          ))}
        </ul>
        <Button
          variant="subtle"
          size="compact-xs"
          onClick={() => {
            setOpened(false);
            dock.restoreAll();
          }}
        >
          {words.restoreAll}
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}

interface ShellProps {
  tab: Tab;
  tabs: Tab[];
  /** With everything that names the place, and the state in words. */
  full?: boolean;
  onRestored?(): void;
}

function Shell({ tab, tabs, full = false, onRestored }: ShellProps) {
  const { session, view } = tab;
  const name = displayName(tab, tabs);
  const mark = useClusterMark(session.cluster);
  const idle = useSecondsUntil(view.idleAt);
  const state = stateText(view, null);
  const spoken = [
    words.restore(name),
    // What can be seen must be in the name, in the same words: who speaks to the machine says them.
    full ? `${fullName(session)} · ${state}` : `${words.place(session.cluster, session.namespace)}, ${state}`,
    tab.unseen && words.unseen,
  ];
  return (
    <button
      type="button"
      className="shell-restore"
      style={{ "--cluster": mark.colour } as React.CSSProperties}
      title={view.idleAt === null ? fullName(session) : words.closesAt(timeOfDay(view.idleAt))}
      aria-label={spoken.filter(Boolean).join(", ")}
      onClick={() => {
        onRestored?.();
        dock.activate(session.id);
      }}
    >
      <span className="shell-name">
        <StatusMark tone={toneOf(view)} label={name} />
        {mark.production && <ClusterTag mark={mark} />}
        {tab.unseen && <span className="unseen" />}
      </span>{" "}
      {full && (
        <span className="shell-place cut">
          {fullName(session)} · {state}
        </span>
      )}
      {idle !== null && <span className="tag number tag-idle">{countdown(idle)}</span>}
    </button>
  );
}

function End({ tab, tabs }: { tab: Tab; tabs: Tab[] }) {
  const label = endLabel(tab, displayName(tab, tabs));
  return (
    <ActionIcon
      size={24}
      variant="subtle"
      color="gray"
      aria-label={label}
      title={label}
      onClick={() => void opening.end(tab.session)}
    >
      <Icon name="close" size={13} />
    </ActionIcon>
  );
}
