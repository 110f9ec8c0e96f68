/** The menu Actions of one pod: Pod Exec with its containers, Debug, Logs, Describe, Delete. */

import { Menu } from "@mantine/core";
import type { ReactElement } from "react";
import type { Container, Pod } from "../api/types";
import { Icon } from "../app/icons";
import { linkTo, navigate } from "../app/location";
import { useClusters } from "../clusters/clusters";
import { DebugItem } from "../debug/actions";
import { choicesOf, opening } from "../dock/opening";
import { text } from "../text";
import { podDialogs } from "./actions";
import { containerRefusal, deleteRefusal } from "./refusals";
import { containerTone, StatusMark } from "./status";

const words = text.pods;

/** `target` is what it opens from; it is made only while it is open, so that thousands of rows have none. */
export function PodMenu({ pod, onClose, children }: { pod: Pod; onClose(): void; children: ReactElement }) {
  const { clusters } = useClusters();
  const noDelete = deleteRefusal(clusters.find((cluster) => cluster.name === pod.cluster));
  const name = { cluster: pod.cluster, namespace: pod.namespace, name: pod.name };
  const open = (tab: string): void => navigate(linkTo({ page: "pods", pod: name }, { tab }));
  return (
    <Menu
      opened
      onChange={(opened) => !opened && onClose()}
      position="bottom-end"
      returnFocus={false}
      width={240}
      transitionProps={{ duration: 0 }}
    >
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown aria-label={words.actionsOf(pod.name)}>
        <ExecItem pod={pod} />
        <DebugItem pod={pod} />
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="logs" size={14} />} onClick={() => open("logs")}>
          {words.logs}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="describe" size={14} />} onClick={() => podDialogs.describe(pod)}>
          {words.describe}
        </Menu.Item>
        <Menu.Divider />
        <Refusable why={noDelete} icon="delete" danger onClick={() => podDialogs.delete(pod)}>
          {words.delete}
        </Refusable>
      </Menu.Dropdown>
    </Menu>
  );
}

function ExecItem({ pod }: { pod: Pod }) {
  const choices = choicesOf(pod);
  if (pod.shell_refusal || choices.length < 2)
    return (
      <Refusable why={pod.shell_refusal} icon="terminal" onClick={() => opening.start(pod)}>
        {words.exec}
      </Refusable>
    );
  return (
    <Menu.Sub openDelay={60} position="left-start">
      <Menu.Sub.Target>
        <Menu.Sub.Item leftSection={<Icon name="terminal" size={14} />}>{words.exec}</Menu.Sub.Item>
      </Menu.Sub.Target>
      <Menu.Sub.Dropdown aria-label={text.choice.title(pod.name)}>
        {choices.map((container) => (
          <ContainerItem key={container.name} pod={pod} container={container} />
        ))}
      </Menu.Sub.Dropdown>
    </Menu.Sub>
  );
}

function ContainerItem({ pod, container }: { pod: Pod; container: Container }) {
  const why = containerRefusal(container);
  const tone = containerTone(container.state, container.exit_code, container.reason);
  return (
    <Menu.Item
      {...(why ? { "aria-disabled": true, "data-disabled": true, closeMenuOnClick: false } : {})}
      onClick={() => !why && void opening.open(pod, container.name)}
      rightSection={container.name === pod.default_container && <span className="tag">{text.choice.default}</span>}
    >
      <StatusMark tone={tone} label={container.name} />
      {why && <span className="menu-why">{why}</span>}
    </Menu.Item>
  );
}

interface RefusableProps {
  why: string;
  icon: "terminal" | "delete";
  danger?: boolean;
  onClick(): void;
  children: string;
}

/** An item that says why it cannot be used now, and stays where it is. */
function Refusable({ why, icon, danger, onClick, children }: RefusableProps) {
  return (
    <Menu.Item
      leftSection={<Icon name={icon} size={14} />}
      {...(why ? { "aria-disabled": true, "data-disabled": true, closeMenuOnClick: false } : {})}
      {...(danger && !why ? { className: "menu-danger" } : {})}
      onClick={() => !why && onClick()}
    >
      {children}
      {why && <span className="menu-why">{why}</span>}
    </Menu.Item>
  );
}

/** What the menu opens from. */
export function ActionsButton({
  pod,
  open,
  tabIndex,
  onClick,
  ...rest
}: {
  pod: Pod;
  open: boolean;
  tabIndex: number;
  onClick?: () => void;
  ref?: React.Ref<HTMLButtonElement>;
}) {
  return (
    <button
      type="button"
      id={`actions-${pod.key}`}
      className="row-button row-actions"
      aria-label={words.actionsOf(pod.name)}
      aria-haspopup="menu"
      aria-expanded={open}
      tabIndex={tabIndex}
      onClick={onClick}
      {...rest}
    >
      <span>{words.actions}</span>
      <Icon name="down" size={12} />
    </button>
  );
}
