/**
 * A list with aligned columns that sort by their heads; where the columns have no room, as on a phone, each row becomes a card
 * of its cells. The order stands in the address as `sort` (`-` in front: descending). Rows out of sight are not laid out, so that some
 * thousand cost little.
 */

import { UnstyledButton } from "@mantine/core";
import { type CSSProperties, type MouseEvent, type ReactNode, useRef } from "react";
import { text } from "../text";
import { layoutOf, useLayout } from "./columns";
import { setParameters, useParameters } from "./location";

export interface Column<Row> {
  id: string;
  title: string;
  /** Its width as a track of a CSS grid. */
  width: string;
  cell(row: Row): ReactNode;
  /** What it sorts by; without it, it does not sort. */
  value?(row: Row): string | number;
  end?: boolean;
  /** Left out where the list has less room: `wide` first, then `desk`. */
  only?: "wide" | "desk";
  /** Its head is for screen readers only: actions. */
  quiet?: boolean;
}

interface Props<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf(row: Row): string;
  /** The column that names a row, and by which it sorts at first. */
  named: string;
  /** The order when the address has none; else by `named`. */
  first?: string;
  /** The parameter of the address that holds the order. */
  parameter?: string;
  onRow?(row: Row): void;
  chosen?: string;
}

export function ListTable<Row>({
  label,
  columns: all,
  rows,
  keyOf,
  named,
  first,
  parameter = "sort",
  onRow,
  chosen,
}: Props<Row>) {
  const list = useRef<HTMLDivElement>(null);
  const { columns, cards } = layoutOf(all, useLayout(list, all));
  const order = orderOf(useParameters()[parameter] ?? first ?? "", all, named);
  const sorted = sortRows(rows, all, order);
  const style = { "--columns": columns.map((column) => column.width).join(" ") } as CSSProperties;
  const press = (event: MouseEvent, row: Row): void => {
    if (onRow && !(event.target as Element).closest("a, button, input, [role=menu]")) onRow(row);
  };
  return (
    <div className={`list${cards ? " list-cards" : ""}`} style={style} ref={list}>
      <div role="table" aria-label={label} aria-rowcount={rows.length + 1}>
        <div role="rowgroup" className="list-head">
          <div role="row" className="list-row" aria-rowindex={1}>
            {columns.map((column) => (
              <Head key={column.id} column={column} order={order} parameter={parameter} />
            ))}
          </div>
        </div>
        <div role="rowgroup">
          {sorted.map((row, index) => (
            <div
              role="row"
              aria-rowindex={index + 2}
              key={keyOf(row)}
              className={`list-row${onRow ? " pressable" : ""}${chosen === keyOf(row) ? " chosen" : ""}`}
              onClick={(event) => press(event, row)}
            >
              {columns.map((column) => (
                <div
                  role={column.id === named ? "rowheader" : "cell"}
                  key={column.id}
                  className={classOf(column, column.id === named)}
                  data-title={column.title}
                >
                  {column.cell(row)}
                </div>
              ))}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function Head<Row>({ column, order, parameter }: { column: Column<Row>; order: Order; parameter: string }) {
  const state = order.id !== column.id ? "none" : order.descending ? "descending" : "ascending";
  const next = state === "ascending" ? `-${column.id}` : column.id;
  return (
    <div role="columnheader" className={classOf(column, false)} {...(column.value ? { "aria-sort": state } : {})}>
      {column.value ? (
        <UnstyledButton
          className="sort"
          title={text.sortBy(column.title)}
          onClick={() => setParameters({ [parameter]: next })}
        >
          {column.title}
          <span className={`sort-mark ${state}`} aria-hidden="true" />
        </UnstyledButton>
      ) : (
        <span className={column.quiet ? "sr-only" : ""}>{column.title}</span>
      )}
    </div>
  );
}

function classOf<Row>(column: Column<Row>, named: boolean): string {
  return [
    "list-cell",
    `l-${column.id}`,
    column.end ? "end number" : "",
    named ? "named" : "",
    column.quiet ? "quiet" : "",
  ]
    .filter(Boolean)
    .join(" ");
}

export interface Order {
  id: string;
  descending: boolean;
}

/** Read an order as it stands in the address; what names no column that sorts is the order by `named`. */
export function orderOf<Row>(parameter: string, columns: Pick<Column<Row>, "id" | "value">[], named: string): Order {
  const descending = parameter.startsWith("-");
  const id = descending ? parameter.slice(1) : parameter;
  return columns.some((column) => column.id === id && column.value)
    ? { id, descending }
    : { id: named, descending: false };
}

const collator = new Intl.Collator("en", { numeric: true });

/** Sort rows; equal ones keep their places. */
export function sortRows<Row>(rows: Row[], columns: Pick<Column<Row>, "id" | "value">[], order: Order): Row[] {
  const value = columns.find((column) => column.id === order.id)?.value;
  if (!value) return rows;
  const sign = order.descending ? -1 : 1;
  return rows
    .map((row) => ({ row, by: value(row) }))
    .sort((one, other) => sign * compare(one.by, other.by))
    .map(({ row }) => row);
}

function compare(one: string | number, other: string | number): number {
  return typeof one === "number" && typeof other === "number"
    ? one - other
    : collator.compare(String(one), String(other));
}
