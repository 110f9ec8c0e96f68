/** The command palette: type to find, arrows to choose, Enter to do (WAI-ARIA, combobox with a listbox). */

import { Kbd, Modal } from "@mantine/core";
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { Icon } from "../app/icons";
import { isApple, keyCaps } from "../app/shortcuts";
import { ClusterName } from "../clusters/ClusterName";
import { text } from "../text";
import { type Group, type Item, useItems } from "./items";
import { best, wordsOf } from "./match";
import { showOverlay, takeEarly } from "./state";
import "./palette.css";

const words = text.palette;
/** More than anybody reads; a longer name finds the rest. */
const LIMIT = 60;
/** With nothing typed, what is short: shells that are open, pages, commands. */
const FIRST: ReadonlySet<Group> = new Set<Group>(["session", "page", "command", "cluster"]);

export default function Palette() {
  const [typed, setTyped] = useState("");
  const { items, complete } = useItems();
  const late = useDeferredValue(typed);
  const groups = useMemo(() => grouped(items, late), [items, late]);
  const flat = useMemo(() => groups.flatMap(([, members]) => members), [groups]);
  const [chosen, setChosen] = useState("");
  const at = Math.max(
    0,
    flat.findIndex((item) => item.key === chosen),
  );
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at, flat]);

  const close = (): void => showOverlay("");
  const run = (item: Item | undefined, look: boolean): void => {
    if (!item) return;
    close();
    (look ? (item.look ?? item.run) : item.run)();
  };
  const press = (event: KeyboardEvent): void => {
    const last = flat.length - 1;
    if (event.key === "ArrowDown") setChosen(flat[at === last ? 0 : at + 1]?.key ?? "");
    else if (event.key === "ArrowUp") setChosen(flat[at === 0 ? last : at - 1]?.key ?? "");
    else if (event.key === "PageDown") setChosen(flat[Math.min(last, at + 8)]?.key ?? "");
    else if (event.key === "PageUp") setChosen(flat[Math.max(0, at - 8)]?.key ?? "");
    else if (event.key === "Enter" && !event.nativeEvent.isComposing) run(flat[at], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  };

  return (
    <Modal
      opened
      onClose={close}
      withCloseButton={false}
      attributes={{ content: { "aria-label": words.title } }}
      centered={false}
      yOffset="9vh"
      size="lg"
      padding={0}
      // What was chosen may take the focus: a terminal, a dialog. Given back late, it would be taken away again.
      returnFocus={false}
      transitionProps={{ duration: 0 }}
    >
      <div className="palette">
        <div className="palette-input">
          <Icon name="search" size={16} />
          <input
            data-autofocus
            role="combobox"
            aria-expanded="true"
            aria-autocomplete="list"
            aria-controls="palette-list"
            aria-activedescendant={flat[at] ? `palette-${at}` : ""}
            aria-label={words.placeholder}
            placeholder={words.placeholder}
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onFocus={() => {
              const early = takeEarly();
              if (early) setTyped((now) => early + now);
            }}
            onChange={(event) => {
              setTyped(event.currentTarget.value);
              setChosen("");
            }}
            onKeyDown={press}
          />
        </div>
        <p className="sr-only" role="status">
          {words.results(flat.length)}
        </p>
        <div role="listbox" id="palette-list" className="palette-list" aria-label={words.title} ref={list}>
          {groups.map(([group, members]) => (
            <div role="group" key={group} aria-labelledby={`palette-group-${group}`}>
              <div className="palette-group" id={`palette-group-${group}`}>
                {words.groups[group]}
              </div>
              {members.map((item) => (
                <Option
                  key={item.key}
                  item={item}
                  index={flat.indexOf(item)}
                  chosen={flat[at] === item}
                  onChoose={() => setChosen(item.key)}
                  onRun={(look) => run(item, look)}
                />
              ))}
            </div>
          ))}
        </div>
        {flat.length === 0 && (
          <div className="palette-none">
            <strong>{words.none}</strong>
            <p className="dim">{complete ? words.noneText : words.loading}</p>
          </div>
        )}
        <Hints item={flat[at]} />
      </div>
    </Modal>
  );
}

interface OptionProps {
  item: Item;
  index: number;
  chosen: boolean;
  onChoose(): void;
  onRun(look: boolean): void;
}

function Option({ item, index, chosen, onChoose, onRun }: OptionProps) {
  return (
    <div
      role="option"
      id={`palette-${index}`}
      tabIndex={-1}
      aria-selected={chosen}
      className="palette-option"
      onMouseMove={chosen ? undefined : onChoose}
      onClick={(event) => onRun(event.ctrlKey || event.metaKey)}
    >
      <Icon name={item.icon} size={15} />
      <span className="cut">{item.title}</span>
      <span className="palette-detail dim cut">
        {item.cluster && <ClusterName name={item.cluster} whole={item.group === "cluster"} />}
        <span className="cut">{item.shown}</span>
      </span>
      {item.keys && (
        <span className="key-caps">
          {keyCaps(item.keys).map((cap) => (
            <Kbd key={cap} size="xs">
              {cap}
            </Kbd>
          ))}
        </span>
      )}
    </div>
  );
}

function Hints({ item }: { item: Item | undefined }) {
  return (
    <p className="palette-hints dim">
      <span>
        <Kbd size="xs">↑</Kbd> <Kbd size="xs">↓</Kbd> {words.hints.move}
      </span>
      <span>
        <Kbd size="xs">Enter</Kbd> {item?.does ?? words.hints.run}
      </span>
      {item?.look && item.does !== words.does.details && (
        <span>
          <Kbd size="xs">{isApple ? "⌘" : "Ctrl"}</Kbd> <Kbd size="xs">Enter</Kbd> {words.does.details}
        </span>
      )}
      <span>
        <Kbd size="xs">Esc</Kbd> {words.hints.close}
      </span>
    </p>
  );
}

/** The best that fits, by kind; kinds in the order of their best. */
function grouped(items: Item[], typed: string): [Group, Item[]][] {
  const asked = wordsOf(typed);
  const among = asked.length === 0 ? items.filter((item) => FIRST.has(item.group)) : items;
  const groups = new Map<Group, Item[]>();
  for (const { item } of best(among, asked, LIMIT)) groups.set(item.group, [...(groups.get(item.group) ?? []), item]);
  const found = [...groups];
  if (asked.length > 0) return found;
  const order = Object.keys(words.groups);
  return found.sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
}
