/** Which container: type to filter, arrows to choose, Enter to open. All of the pod's containers are shown; what has no shell now says why. */

import { Modal, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import type { Container, Pod } from "../api/types";
import { Icon } from "../app/icons";
import { opening, useOpening } from "../dock/opening";
import { text } from "../text";
import { containerRefusal } from "./refusals";
import { containerTone, StatusMark } from "./status";

export function ContainerChoice() {
  const { choosing } = useOpening();
  const [pod, setPod] = useState<Pod | null>(choosing);
  const before = useRef<Element | null>(null);
  useEffect(() => {
    if (!choosing) return;
    before.current = document.activeElement;
    setPod(choosing);
  }, [choosing]);
  const cancel = (): void => {
    opening.cancel();
    if (before.current instanceof HTMLElement) before.current.focus();
  };
  return (
    <Modal
      opened={choosing !== null}
      onClose={cancel}
      // After a choice the focus belongs to the terminal that opens; given back late, it would take the first keys away.
      returnFocus={false}
      title={pod ? text.choice.title(pod.name) : ""}
      closeButtonProps={{ "aria-label": text.close }}
      size="lg"
    >
      {pod && <Choice key={pod.key} pod={pod} />}
    </Modal>
  );
}

function Choice({ pod }: { pod: Pod }) {
  const [filter, setFilter] = useState("");
  const all = inOrder(pod.containers);
  const shown = all.filter((container) =>
    `${container.name} ${container.image}`.toLowerCase().includes(filter.toLowerCase()),
  );
  const preferred = Math.max(
    0,
    shown.findIndex((container) => container.name === pod.default_container),
  );
  const [moved, setMoved] = useState<number | null>(null);
  const at = Math.min(moved ?? preferred, shown.length - 1);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const choose = (container: Container | undefined): void => {
    if (container && !containerRefusal(container)) void opening.open(pod, container.name);
  };
  const press = (event: React.KeyboardEvent): void => {
    if (event.key === "ArrowDown") setMoved(Math.min(at + 1, shown.length - 1));
    else if (event.key === "ArrowUp") setMoved(Math.max(at - 1, 0));
    else if (event.key === "Enter") {
      // A key that is still held down from the step before must not choose what nobody has seen yet.
      if (!event.repeat) choose(shown[at]);
    } else return;
    event.preventDefault();
  };

  return (
    <>
      <TextInput
        data-autofocus
        size="sm"
        value={filter}
        onChange={(event) => {
          setFilter(event.currentTarget.value);
          setMoved(null);
        }}
        onKeyDown={press}
        placeholder={text.choice.filter}
        aria-label={text.choice.filter}
        role="combobox"
        aria-expanded="true"
        aria-controls="container-choice"
        aria-activedescendant={shown[at] ? `choice-${shown[at].name}` : ""}
        leftSection={<Icon name="search" size={14} />}
      />
      <div
        role="listbox"
        id="container-choice"
        aria-label={text.choice.title(pod.name)}
        className="choice-list"
        ref={list}
      >
        {shown.map((container, index) => {
          const why = containerRefusal(container);
          return (
            <div
              role="option"
              key={container.name}
              id={`choice-${container.name}`}
              tabIndex={-1}
              aria-selected={index === at}
              aria-disabled={why !== ""}
              className="choice"
              onMouseMove={() => setMoved(index)}
              onClick={() => choose(container)}
            >
              <span className="choice-name">
                {container.name}
                {container.name === pod.default_container && <span className="tag">{text.choice.default}</span>}
                {text.choice.roles[container.role] && <span className="tag">{text.choice.roles[container.role]}</span>}
              </span>
              <StatusMark
                tone={containerTone(container.state, container.exit_code, container.reason)}
                label={container.reason || container.state}
              />
              <span className="choice-image cut" title={container.image}>
                {container.image}
              </span>
              {why && <span className="choice-why">{text.choice.cannot(why)}</span>}
            </div>
          );
        })}
        {shown.length === 0 && <p className="dim">{text.choice.none}</p>}
      </div>
    </>
  );
}

const ROLES = ["container", "sidecar", "ephemeral", "init"];

/** Those that people mean first; within a role as the pod has them. */
function inOrder(containers: readonly Container[]): Container[] {
  return [...containers].sort((one, other) => ROLES.indexOf(one.role) - ROLES.indexOf(other.role));
}
