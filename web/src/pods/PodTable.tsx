/** The pods as a virtual table: only the rows in sight are in the document, so 5,000 scroll as 50 do. */

import { Button, Tooltip, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  sortFns,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useMemo, useRef, useState } from "react";
import type { Pod } from "../api/types";
import { ageText, useNow } from "../app/clock";
import { Icon } from "../app/icons";
import { ClusterName } from "../clusters/ClusterName";
import { text } from "../text";
import { podTone, StatusMark } from "./status";

const ROW_PIXELS = 34;
const CARD_PIXELS = 58;

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), sortFns });
const helper = createColumnHelper<typeof features, Pod>();
const byText = (name: "name" | "namespace" | "cluster" | "status" | "node") =>
  helper.accessor(name, { id: name, header: text.pods.columns[name], sortFn: "text" });
const columns = helper.columns([
  byText("name"),
  byText("cluster"),
  byText("namespace"),
  helper.accessor("ready", { id: "ready", header: text.pods.columns.ready, sortFn: "alphanumeric" }),
  byText("status"),
  helper.accessor("restarts", { id: "restarts", header: text.pods.columns.restarts, sortFn: "basic" }),
  // Ages sort the youngest first, as the number that is shown grows.
  helper.accessor((pod) => -Date.parse(pod.created_at), { id: "age", header: text.pods.columns.age, sortFn: "basic" }),
  helper.accessor((pod) => `${pod.owner_kind}/${pod.owner}`, {
    id: "owner",
    header: text.pods.columns.owner,
    sortFn: "text",
  }),
  byText("node"),
]);

interface Props {
  pods: Pod[];
  withCluster: boolean;
  busy: string;
  onShell(pod: Pod): void;
}

export function PodTable({ pods, withCluster, busy, onShell }: Props) {
  const [sorting, setSorting] = useState<SortingState>([{ id: "name", desc: false }]);
  const table = useTable({
    features,
    columns,
    data: pods,
    getRowId: (pod) => pod.key,
    state: { sorting },
    onSortingChange: setSorting,
  });
  const rows = table.getRowModel().rows;
  const scroller = useRef<HTMLDivElement>(null);
  const cards = useMediaQuery("(max-width: 720px)") ?? false;
  const height = cards ? CARD_PIXELS : ROW_PIXELS;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  });
  useMemo(() => virtual.measure(), [virtual, height]);
  const now = useNow();
  const sort = sorting[0];

  return (
    <div className={`pod-table${withCluster ? " with-cluster" : ""}`} ref={scroller}>
      <div role="table" aria-label={text.pods.title} aria-rowcount={rows.length + 1}>
        <div role="rowgroup" className="pod-head">
          <div role="row" aria-rowindex={1} className="pod-row">
            {columns.map((column) => {
              const id = column.id ?? "";
              if (id === "cluster" && !withCluster) return null;
              const title = String(column.header);
              const state = sort?.id !== id ? "none" : sort.desc ? "descending" : "ascending";
              return (
                <div role="columnheader" key={id} className={`c-${id}`} aria-sort={state}>
                  <UnstyledButton
                    className="sort"
                    title={text.pods.sortBy(title)}
                    onClick={() => setSorting([{ id, desc: sort?.id === id && !sort.desc }])}
                  >
                    {title}
                    <span className={`sort-mark ${state}`} aria-hidden="true" />
                  </UnstyledButton>
                </div>
              );
            })}
            <div role="columnheader" className="c-actions">
              <span className="sr-only">{text.pods.columns.actions}</span>
            </div>
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            return row ? (
              <PodRow
                key={row.id}
                pod={row.original}
                index={item.index}
                top={item.start}
                height={height}
                now={now}
                withCluster={withCluster}
                busy={busy === row.id}
                onShell={onShell}
              />
            ) : null;
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  pod: Pod;
  index: number;
  top: number;
  height: number;
  now: number;
  withCluster: boolean;
  busy: boolean;
  onShell(pod: Pod): void;
}

const PodRow = memo(function PodRow({ pod, index, top, height, now, withCluster, busy, onShell }: RowProps) {
  return (
    <div role="row" aria-rowindex={index + 2} className="pod-row" style={{ transform: `translateY(${top}px)`, height }}>
      <div role="rowheader" className="c-name cut" title={pod.name}>
        {pod.name}
      </div>
      {withCluster && (
        <div role="cell" className="c-cluster cut">
          <ClusterName name={pod.cluster} />
        </div>
      )}
      <div role="cell" className="c-namespace cut">
        {pod.namespace}
      </div>
      <div role="cell" className="c-ready number">
        {pod.ready}
      </div>
      <div role="cell" className="c-status">
        <StatusMark tone={podTone(pod)} label={pod.status} />
      </div>
      <div role="cell" className={`c-restarts number${pod.restarts > 0 ? "" : " zero"}`}>
        {pod.restarts}
      </div>
      <div role="cell" className="c-age number" title={pod.created_at}>
        {ageText(pod.created_at, now)}
      </div>
      <div role="cell" className="c-owner cut" title={pod.owner}>
        {pod.owner && (
          <>
            <span className="dim">{pod.owner_kind}/</span>
            {pod.owner}
          </>
        )}
      </div>
      <div role="cell" className="c-node cut" title={pod.node}>
        {pod.node}
      </div>
      <div role="cell" className="c-actions">
        <ShellButton pod={pod} busy={busy} onShell={onShell} />
      </div>
    </div>
  );
});

function ShellButton({ pod, busy, onShell }: { pod: Pod; busy: boolean; onShell(pod: Pod): void }) {
  const refused = pod.shell_refusal !== "";
  const button = (
    <Button
      size="compact-xs"
      variant="subtle"
      leftSection={<Icon name="terminal" size={14} />}
      loading={busy}
      {...(refused ? { "data-disabled": true, "aria-disabled": true } : {})}
      aria-label={refused ? `${text.pods.shellOf(pod.name)}: ${pod.shell_refusal}` : text.pods.shellOf(pod.name)}
      onClick={(event) => (refused ? event.preventDefault() : onShell(pod))}
    >
      {text.pods.shell}
    </Button>
  );
  return refused ? (
    <Tooltip label={pod.shell_refusal} position="left" events={{ hover: true, focus: true, touch: true }}>
      {button}
    </Tooltip>
  ) : (
    button
  );
}
