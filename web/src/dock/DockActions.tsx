/** The buttons at the top right of the dock: they act on the shell that has the focus. */

import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { Icon, type IconName } from "../app/icons";
import { text } from "../text";
import { chordText } from "./chords";
import { type Command, command, run } from "./commands";
import { dialogs } from "./dialogs";
import { type DockState, dock, type Tab } from "./dock";
import { displayName } from "./names";
import { opening } from "./opening";
import { endLabel } from "./TabStrip";

const words = text.dock;

export function DockActions({ state, tab }: { state: DockState; tab: Tab }) {
  const { id } = tab.session;
  const { mode } = state;
  return (
    <div className="dock-actions">
      <span className="dock-actions-wide">
        <Action
          icon="search"
          label={text.terminal.find.label}
          onClick={() => dialogs.show({ finding: dialogs.getState().finding === id ? "" : id })}
        />
        <SplitMenu state={state} tab={tab} />
        <Action
          icon={mode === "drawer" ? "half" : "drawer"}
          label={mode === "drawer" ? words.bottom : words.drawer}
          onClick={() => run(command("drawer"))}
        />
      </span>
      <Action
        icon={mode === "full" ? "half" : "full"}
        label={mode === "full" ? words.half : words.full}
        onClick={() => run(command("full"))}
      />
      <MoreMenu tab={tab} />
      <Action icon="minimise" label={words.minimise} onClick={() => dock.minimise(id)} />
      <Action
        icon="close"
        label={endLabel(tab, displayName(tab, state.tabs))}
        onClick={() => void opening.end(tab.session)}
      />
    </div>
  );
}

export function Action({ icon, label, onClick }: { icon: IconName; label: string; onClick(): void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        <Icon name={icon} size={15} />
      </ActionIcon>
    </Tooltip>
  );
}

function SplitMenu({ state, tab }: { state: DockState; tab: Tab }) {
  const split = state.shown.length > 1;
  const others = state.tabs.filter((each) => !state.shown.includes(each.session.id));
  const menu = words.splitMenu;
  return (
    <Menu position="bottom-end" returnFocus={false}>
      <Menu.Target>
        <Tooltip label={words.split}>
          <ActionIcon variant="subtle" color="gray" aria-label={words.split}>
            <Icon name="split" size={15} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {split ? (
          <>
            <Menu.Item onClick={() => dock.setSide(state.side === "beside" ? "below" : "beside")}>
              {state.side === "beside" ? menu.stack : menu.abreast}
            </Menu.Item>
            <Menu.Item onClick={dock.unsplit}>{menu.one}</Menu.Item>
          </>
        ) : (
          <>
            <CommandItem which={command("split-beside")} label={menu.beside} tab={tab} />
            <CommandItem which={command("split-below")} label={menu.below} tab={tab} />
            {others.map((other) => (
              <Menu.Item
                key={other.session.id}
                onClick={() => dock.split(tab.session.id, other.session.id, state.side)}
              >
                {menu.show(displayName(other, state.tabs))}
              </Menu.Item>
            ))}
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

const GROUPS: [string, string[]][] = [
  [
    words.groups.terminal,
    ["find", "copy", "select-all", "clear", "download", "copy-kubectl", "copy-podshell", "copy-link"],
  ],
  [words.groups.browser, ["send-ctrl-w", "send-ctrl-t", "send-ctrl-n"]],
  [words.groups.shell, ["rename", "duplicate", "drawer"]],
  [words.groups.all, ["broadcast", "minimise-all", "settings", "shortcuts"]],
];

function MoreMenu({ tab }: { tab: Tab }) {
  return (
    <Menu position="bottom-end" returnFocus={false} middlewares={{ flip: true, shift: true, size: true }}>
      <Menu.Target>
        <Tooltip label={words.more}>
          <ActionIcon variant="subtle" color="gray" aria-label={words.more}>
            <Icon name="more" size={15} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown className="dock-menu">
        {GROUPS.map(([title, ids], at) => (
          <div key={title} role="group" aria-label={title}>
            {at > 0 && <Menu.Divider />}
            {ids.map((id) => (
              <CommandItem key={id} which={command(id)} label={command(id).label} tab={tab} />
            ))}
          </div>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** What cannot be done now stays in its place and says why. */
function CommandItem({ which, label, tab }: { which: Command; label: string; tab: Tab }) {
  const refusal = which.refusal(tab);
  return (
    <Menu.Item
      {...(refusal ? { "aria-disabled": true, "data-disabled": true, title: refusal } : {})}
      closeMenuOnClick={!refusal}
      rightSection={which.chord && <kbd className="chord">{chordText(which.chord)}</kbd>}
      onClick={() => run(which)}
    >
      {label}
    </Menu.Item>
  );
}
