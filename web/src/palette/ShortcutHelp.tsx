/** Every shortcut that there is now, by what it is for. */

import { Kbd, Modal, Switch } from "@mantine/core";
import { keyCaps, setSingleKeys, type Shortcut, useShortcuts, useSingleKeys } from "../app/shortcuts";
import { text } from "../text";
import { showOverlay } from "./state";
import "./palette.css";

const words = text.shortcuts;

export default function ShortcutHelp() {
  const all = useShortcuts().filter((shortcut) => shortcut.keys || shortcut.inTerminal);
  const singles = useSingleKeys();
  const groups = [...new Set(all.map((shortcut) => shortcut.group))];
  return (
    <Modal
      opened
      onClose={() => showOverlay("")}
      title={words.title}
      closeButtonProps={{ "aria-label": text.close }}
      size="lg"
    >
      <div className="help">
        <p className="dim">{words.about}</p>
        {groups.map((group) => (
          <section key={group} aria-label={group}>
            <h3>{group}</h3>
            <dl>
              {all
                .filter((shortcut) => shortcut.group === group)
                .map((shortcut) => (
                  <div key={shortcut.id}>
                    <dt>{shortcut.title}</dt>
                    <dd>
                      <Keys shortcut={shortcut} />
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
        <Switch
          label={words.singles}
          description={words.singlesText}
          checked={singles}
          onChange={(event) => setSingleKeys(event.currentTarget.checked)}
        />
      </div>
    </Modal>
  );
}

function Keys({ shortcut: { keys, inTerminal } }: { shortcut: Shortcut }) {
  return (
    <>
      {keys && <Caps keys={keys} />}
      {inTerminal && (
        <span className="dim">
          {inTerminal !== keys && <Caps keys={inTerminal} />} {words.inTerminal}
        </span>
      )}
    </>
  );
}

function Caps({ keys }: { keys: string }) {
  return (
    <span className="key-caps">
      {keyCaps(keys).map((cap, index) => (
        <span key={cap + index}>
          {index > 0 && keys.includes(" ") && <span className="dim">{words.then} </span>}
          <Kbd size="xs">{cap}</Kbd>
        </span>
      ))}
    </span>
  );
}
