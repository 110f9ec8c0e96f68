/** The dialogs of the dock: settings of terminals, broadcasting, keys. A chunk of its own, loaded when one is opened. */

import { Button, Checkbox, Group, Modal } from "@mantine/core";
import { useState } from "react";
import { ClusterName } from "../clusters/ClusterName";
import { useFocusBack } from "../terminal/focusBack";
import Settings from "../terminal/Settings";
import { text } from "../text";
import { chordText } from "./chords";
import { COMMANDS } from "./commands";
import { type DockDialogs as State, dialogs } from "./dialogs";
import { dock, type Tab } from "./dock";
import { displayName, fullName } from "./names";
import { isOver } from "./state";
import { useDock } from "./useDock";

const words = text.dock;
const close = (): void => dialogs.show({ dialog: null });

export default function DockDialogs({ dialog }: { dialog: NonNullable<State["dialog"]> }) {
  const titles = {
    settings: text.terminal.settings.title,
    broadcast: words.broadcast.title,
    shortcuts: words.shortcuts.title,
  };
  useFocusBack();
  return (
    <Modal opened onClose={close} title={titles[dialog]} closeButtonProps={{ "aria-label": text.close }} size="lg">
      {dialog === "settings" && <Settings />}
      {dialog === "broadcast" && <Broadcast />}
      {dialog === "shortcuts" && <Shortcuts />}
    </Modal>
  );
}

function Broadcast() {
  const { tabs, broadcast } = useDock();
  const alive = tabs.filter((tab) => !isOver(tab.view));
  const [chosen, setChosen] = useState<string[]>([...broadcast]);
  const there = chosen.filter((id) => alive.some((tab) => tab.session.id === id));
  return (
    <>
      <p>{words.broadcast.text}</p>
      <Checkbox.Group
        value={there}
        onChange={setChosen}
        label={words.broadcast.choose}
        my="sm"
        classNames={{ root: "broadcast-list" }}
      >
        {alive.map((tab) => (
          <Checkbox key={tab.session.id} mt={8} value={tab.session.id} label={<Target tab={tab} tabs={tabs} />} />
        ))}
      </Checkbox.Group>
      <Group justify="flex-end" gap="xs" mt="md">
        <Button variant="default" onClick={close} data-autofocus>
          {text.cancel}
        </Button>
        <Button
          {...(there.length < 2 ? { "aria-disabled": true, "data-disabled": true } : {})}
          onClick={() => {
            if (there.length < 2) return;
            dock.broadcastTo(there);
            close();
          }}
        >
          {there.length < 2 ? words.broadcast.few : words.broadcast.start(there.length)}
        </Button>
      </Group>
    </>
  );
}

function Target({ tab, tabs }: { tab: Tab; tabs: Tab[] }) {
  return (
    <span className="broadcast-target">
      {displayName(tab, tabs)} <ClusterName name={tab.session.cluster} />
      <span className="dim">{fullName(tab.session)}</span>
    </span>
  );
}

function Shortcuts() {
  const keys = COMMANDS.flatMap(({ chord, label }) => (chord ? [[chordText(chord), label] as [string, string]] : []));
  return (
    <>
      <p>{words.shortcuts.text}</p>
      <Keys rows={keys} />
      <h2 className="keys-title">{words.shortcuts.strip}</h2>
      <Keys rows={words.shortcuts.stripKeys} />
    </>
  );
}

function Keys({ rows }: { rows: [string, string][] }) {
  return (
    <dl className="keys">
      {rows.map(([key, does]) => (
        <div key={key + does}>
          <dt>
            <kbd className="chord">{key}</kbd>
          </dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  );
}
