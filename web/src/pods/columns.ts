/** The columns of the pods table: how wide they are, and which go first where there is less room. */

import { type RefObject, useLayoutEffect, useMemo, useState } from "react";
import { COLUMNS, type ColumnName } from "./sorting";

/** How wide each column is at least, in px, and what it takes of the rest. */
const TRACKS: Record<ColumnName, readonly [least: number, share: number]> = {
  name: [180, 2.3],
  cluster: [92, 1],
  namespace: [84, 1],
  ready: [52, 0],
  status: [150, 1],
  restarts: [66, 0],
  age: [48, 0],
  owner: [130, 1.8],
  node: [80, 0.9],
};
const ACTIONS_PIXELS = 112;
const GAP_PIXELS = 14;
const PADDING_PIXELS = 32;
/** What goes first where there is less room; a pod's name, its status and the actions stay. */
const DISPENSABLE: readonly ColumnName[] = ["node", "owner", "restarts", "age", "ready", "namespace", "cluster"];

/** The columns as tracks of a CSS grid, the actions last. */
export function tracksOf(columns: readonly ColumnName[]): string {
  const track = ([least, share]: readonly [number, number]): string =>
    share ? `minmax(${least}px, ${share}fr)` : `${least}px`;
  return [...columns.map((column) => track(TRACKS[column])), `${ACTIONS_PIXELS}px`].join(" ");
}

/** Those of the columns that fit into a table of so many px. */
export function fitting(columns: readonly ColumnName[], room: number): readonly ColumnName[] {
  let left = columns;
  const needed = (): number =>
    left.reduce((sum, column) => sum + TRACKS[column][0] + GAP_PIXELS, ACTIONS_PIXELS + PADDING_PIXELS);
  for (const column of DISPENSABLE) {
    if (needed() <= room) break;
    left = left.filter((one) => one !== column);
  }
  return left;
}

/** The columns that the table has room for, without those that are hidden here. A shell at the right takes room as a narrow window does. */
export function useColumns(
  scroller: RefObject<HTMLElement | null>,
  cards: boolean,
  hidden: readonly ColumnName[] = [],
): readonly ColumnName[] {
  const out = hidden.join();
  const wanted = useMemo(() => COLUMNS.filter((column) => !out.split(",").includes(column)), [out]);
  const [shown, setShown] = useState<readonly ColumnName[]>(wanted);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const fit = (): void => {
      // A card has lines enough for all but two.
      const next = cards
        ? wanted.filter((column) => column !== "node" && column !== "owner")
        : fitting(wanted, element.clientWidth);
      setShown((before) => (before.join() === next.join() ? before : next));
    };
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller, cards, wanted]);
  return shown;
}
