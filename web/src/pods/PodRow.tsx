/** One row of the table of pods. Memoised: a row is drawn again only when its pod, its place or the clock's step changes. */

import { Loader, Tooltip } from "@mantine/core";
import { memo, type ReactNode } from "react";
import type { Pod } from "../api/types";
import { ageText } from "../app/clock";
import { Icon } from "../app/icons";
import { follow } from "../app/location";
import { ClusterName } from "../clusters/ClusterName";
import { text } from "../text";
import { ActionsButton, PodMenu } from "./PodMenu";
import type { ColumnName } from "./sorting";
import { podTone, StatusMark } from "./status";

export interface RowProps {
  pod: Pod;
  index: number;
  top: number;
  height: number;
  now: number;
  columns: readonly ColumnName[];
  address: string;
  chosen: boolean;
  busy: boolean;
  /** Only one row at a time is a stop of the Tab key; arrows go from row to row. */
  tabbable: boolean;
  menu: boolean;
  onMenu(key: string): void;
  onShell(pod: Pod): void;
}

export const PodRow = memo(function PodRow(props: RowProps) {
  const { pod, index, top, height, columns, chosen } = props;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-key={pod.key}
      className={`pod-row${chosen ? " chosen" : ""}`}
      style={{ transform: `translateY(${top}px)`, height }}
    >
      {columns.map((column) => (
        <Cell key={column} column={column} props={props} />
      ))}
      <RowActions {...props} />
    </div>
  );
});

function Cell({ column, props }: { column: ColumnName; props: RowProps }): ReactNode {
  const { pod } = props;
  switch (column) {
    case "name":
      return (
        <div role="rowheader" className="c-name cut" title={pod.name}>
          <a href={props.address} className="row-link" tabIndex={props.tabbable ? 0 : -1} onClick={follow}>
            {pod.name}
          </a>
        </div>
      );
    case "cluster":
      return (
        <div role="cell" className="c-cluster cut">
          <ClusterName name={pod.cluster} />
        </div>
      );
    case "status":
      return (
        <div role="cell" className="c-status">
          <StatusMark tone={podTone(pod)} label={pod.status} />
        </div>
      );
    case "restarts":
      return (
        <div role="cell" className={`c-restarts number${pod.restarts > 0 ? "" : " zero"}`}>
          {pod.restarts}
        </div>
      );
    case "age":
      return (
        <div role="cell" className="c-age number" title={pod.created_at}>
          {ageText(pod.created_at, props.now)}
        </div>
      );
    case "owner":
      return (
        <div role="cell" className="c-owner cut" title={pod.owner}>
          {pod.owner && (
            <>
              <span className="dim">{pod.owner_kind}/</span>
              {pod.owner}
            </>
          )}
        </div>
      );
    default:
      return (
        <div role="cell" className={`c-${column} ${column === "ready" ? "number" : "cut"}`} title={pod[column]}>
          {pod[column]}
        </div>
      );
  }
}

function RowActions({ pod, busy, tabbable, menu, onMenu, onShell }: RowProps) {
  const tabIndex = tabbable ? 0 : -1;
  const button = (
    <ActionsButton pod={pod} open={menu} tabIndex={tabIndex} onClick={() => onMenu(menu ? "" : pod.key)} />
  );
  return (
    <div role="cell" className="c-actions">
      <ShellButton pod={pod} busy={busy} tabIndex={tabIndex} onShell={onShell} />
      {menu ? (
        <PodMenu pod={pod} onClose={() => onMenu("")}>
          {button}
        </PodMenu>
      ) : (
        button
      )}
    </div>
  );
}

interface ShellProps {
  pod: Pod;
  busy: boolean;
  tabIndex: number;
  onShell(pod: Pod): void;
}

/** The short way to a shell. A plain button, as all that is in rows: those of the library cost some tenths of a millisecond each. Why there is none stands in its name, since a tooltip is not heard. */
function ShellButton({ pod, busy, tabIndex, onShell }: ShellProps) {
  const refused = pod.shell_refusal !== "";
  const button = (
    <button
      type="button"
      className="row-button row-shell"
      aria-busy={busy}
      tabIndex={tabIndex}
      {...(refused ? { "aria-disabled": true } : { title: text.pods.shell })}
      aria-label={refused ? `${text.pods.shellOf(pod.name)}: ${pod.shell_refusal}` : text.pods.shellOf(pod.name)}
      onClick={() => !refused && !busy && onShell(pod)}
    >
      {busy ? <Loader size={13} /> : <Icon name="terminal" size={15} />}
    </button>
  );
  if (!refused) return button;
  return (
    <Tooltip label={pod.shell_refusal} position="left" events={{ hover: true, focus: true, touch: true }}>
      {button}
    </Tooltip>
  );
}
