/**
 * Pods as a virtual table: only the rows in sight are in the document, so 5,000 scroll as 50 do. The pods page, a workload's pods and a
 * node's pods are this table. The order stands in the address.
 *
 * Keys: Tab reaches one row; arrows, Page Up and Down, Home and End go from row to row; Enter opens the pod.
 */

import { UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { defaultRangeExtractor, useVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, type MouseEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Pod } from "../api/types";
import { useNow } from "../app/clock";
import { navigate, setParameters, useParameters, useQueryString } from "../app/location";
import { opening, useOpening } from "../dock/opening";
import { text } from "../text";
import { tracksOf, useColumns } from "./columns";
import { PodRow } from "./PodRow";
import { type ColumnName, heldInPlace, type Order, orderOf, parameterOf, sortPods } from "./sorting";

const ROW_PIXELS = 34;
const CARD_PIXELS = 58;
const OVERSCAN = 8;

interface Props {
  pods: readonly Pod[];
  /** Where a pod is shown closely: the address of its drawer. */
  drawerOf(pod: Pod): string;
  /** Columns that say nothing here. */
  hidden?: readonly ColumnName[];
  label?: string;
  /** The key of the pod whose drawer is open. */
  chosen?: string;
  /** The parameter of the address that holds the order. */
  parameter?: string;
}

export function PodTable({ pods, drawerOf, hidden, label = text.pods.title, chosen = "", parameter = "sort" }: Props) {
  const order = useOrder(parameter);
  const [menu, setMenu] = useMenu();
  const sorted = useMemo(() => sortPods(pods, order), [pods, order]);
  const rows = useHeld(sorted, menu);
  const scroller = useRef<HTMLDivElement>(null);
  const cards = useMediaQuery("(max-width: 720px)") ?? false;
  const height = cards ? CARD_PIXELS : ROW_PIXELS;
  const columns = useColumns(scroller, cards, hidden);
  const place = usePlaceInTable(rows);
  // Another function would make it work out the places of all rows again, with every frame.
  const keyOf = useCallback((index: number) => rows[index]?.key ?? index, [rows]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: keyOf,
    overscan: OVERSCAN,
    // Drawn with the next frame: within the scroll event it would hold up the scrolling itself.
    useFlushSync: false,
    // The row with the focus stays in the document, so that scrolling does not take the focus away.
    rangeExtractor: (range) => {
      const shown = defaultRangeExtractor(range);
      return place.index < 0 || shown.includes(place.index) ? shown : [...shown, place.index].sort((a, b) => a - b);
    },
  });
  useMemo(() => virtual.measure(), [virtual, height]);
  const now = useNow();
  const { busy } = useOpening();
  const addressFor = useAddresses(drawerOf);

  const goTo = (index: number): void => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (!next) return;
    virtual.scrollToIndex(rows.indexOf(next), { align: "auto" });
    place.goTo(next.key, scroller.current);
  };
  const press = (event: KeyboardEvent): void => {
    if (menu) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 2);
    const step = stepOf(event.key, place.index, page, rows.length);
    if (step === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    goTo(step);
  };
  const drawRow = (item: VirtualItem) => {
    const pod = rows[item.index];
    return pod ? (
      <PodRow
        key={pod.key}
        pod={pod}
        index={item.index}
        top={item.start}
        height={height}
        now={now}
        columns={columns}
        address={addressFor(pod)}
        chosen={pod.key === chosen}
        busy={busy === pod.key}
        tabbable={item.index === Math.max(0, place.index)}
        menu={menu === pod.key}
        onMenu={setMenu}
        onShell={opening.start}
      />
    ) : null;
  };

  return (
    <div
      className={`pod-table has-${columns.length}`}
      ref={scroller}
      style={{ "--tracks": tracksOf(columns) } as Style}
    >
      <div role="table" aria-label={label} aria-rowcount={rows.length + 1}>
        <Head columns={columns} order={order} parameter={parameter} />
        <div
          role="rowgroup"
          className="pod-rows"
          style={{ height: virtual.getTotalSize() }}
          onKeyDown={press}
          onFocus={place.follow}
          onClick={openRow}
        >
          {virtual.getVirtualItems().map(drawRow)}
        </div>
      </div>
    </div>
  );
}

type Style = React.CSSProperties;

const Head = memo(function Head({
  columns,
  order,
  parameter,
}: {
  columns: readonly ColumnName[];
  order: Order;
  parameter: string;
}) {
  return (
    <div role="rowgroup" className="pod-head">
      <div role="row" aria-rowindex={1} className="pod-row">
        {columns.map((column) => {
          const title = text.pods.columns[column];
          const here = order.column === column;
          const state = here ? (order.descending ? "descending" : "ascending") : "none";
          const next = parameterOf({ column, descending: here && !order.descending });
          return (
            <div role="columnheader" key={column} className={`c-${column}`} aria-sort={state}>
              <UnstyledButton
                className="sort"
                title={text.pods.sortBy(title)}
                onClick={() => setParameters({ [parameter]: next })}
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
  );
});

/** Addresses, each made once for a row while the page's own stays: a frame of scrolling asks for all in sight. */
function useAddresses(drawerOf: (pod: Pod) => string): (pod: Pod) => string {
  const query = useQueryString();
  return useMemo(() => {
    const made = new WeakMap<Pod, string>();
    return (pod) => {
      let address = made.get(pod);
      if (address === undefined) {
        address = drawerOf(pod);
        made.set(pod, address);
      }
      return address;
    };
    // What drawerOf answers may depend on the address of the page.
  }, [drawerOf, query]);
}

/** The order in the address. */
export function useOrder(parameter = "sort"): Order {
  const value = useParameters()[parameter] ?? "";
  return useMemo(() => orderOf(value), [value]);
}

/** The rows; as long as the menu of one is open, all in their places. */
function useHeld(rows: readonly Pod[], menu: string): readonly Pod[] {
  const shown = useRef(rows);
  return useMemo(() => {
    shown.current = menu ? heldInPlace(shown.current, rows, menu) : rows;
    return shown.current;
  }, [rows, menu]);
}

/** Whose menu is open; when it closes, the focus goes back to where it was opened, unless something else has taken it. */
function useMenu(): [string, (key: string) => void] {
  const [menu, setMenu] = useState("");
  const before = useRef("");
  const change = useCallback((key: string) => setMenu(key), []);
  useEffect(() => {
    const closed = before.current;
    before.current = menu;
    if (!closed || menu || (document.activeElement && document.activeElement !== document.body)) return;
    document.getElementById(`actions-${closed}`)?.focus({ preventScroll: true });
  }, [menu]);
  return [menu, change];
}

/** Which row the Tab key reaches, by its pod: rows that come and go do not move it. */
function usePlaceInTable(rows: readonly Pod[]) {
  const [key, setKey] = useState("");
  const wanted = useRef<HTMLElement | null>(null);
  const index = useMemo(() => rows.findIndex((pod) => pod.key === key), [rows, key]);
  useEffect(() => {
    const table = wanted.current;
    wanted.current = null;
    table?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"] .row-link`)?.focus({ preventScroll: true });
  });
  return {
    index,
    goTo(next: string, table: HTMLElement | null): void {
      wanted.current = table;
      setKey(next);
    },
    follow(event: React.FocusEvent): void {
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-key]");
      if (row?.dataset.key) setKey(row.dataset.key);
    },
  };
}

function stepOf(pressed: string, at: number, page: number, count: number): number | null {
  switch (pressed) {
    case "ArrowDown":
      return at + 1;
    case "ArrowUp":
      return at - 1;
    case "PageDown":
      return at + page;
    case "PageUp":
      return at - page;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

/** A click anywhere on a row opens its pod; controls, and text that is being selected, keep their own meaning. */
function openRow(event: MouseEvent): void {
  const target = event.target as HTMLElement;
  const row = target.closest<HTMLElement>(".pod-rows > .pod-row");
  if (!row || event.defaultPrevented || target.closest("a, button, [role=menu]") || getSelection()?.toString()) return;
  const link = row.querySelector<HTMLAnchorElement>(".row-link");
  if (link) navigate(link.pathname + link.search);
}
