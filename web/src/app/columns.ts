/** Which columns a list has room for. Goes by the list's own width: a shell at the right takes from it as a narrow window does. */

import { type RefObject, useLayoutEffect, useState } from "react";

interface Sized {
  /** A track of a CSS grid: `52px`, or `minmax(150px, 1fr)`. */
  width: string;
  only?: "wide" | "desk";
}

/** `all` columns; those of a `desk`; the `few` that stay; or the same few as cards. */
export type Layout = "all" | "desk" | "few" | "cards";

// As app.css has it.
const GAP_PIXELS = 14;
const PADDING_PIXELS = 36;

/** The widest layout that fits into so many px. */
export function fitting(columns: readonly Sized[], room: number): Layout {
  for (const layout of ["all", "desk", "few"] as const) {
    const shown = layoutOf(columns, layout).columns;
    if (shown.reduce((sum, column) => sum + leastOf(column) + GAP_PIXELS, PADDING_PIXELS - GAP_PIXELS) <= room)
      return layout;
  }
  return "cards";
}

export function layoutOf<Column extends Sized>(
  columns: readonly Column[],
  layout: Layout,
): { columns: Column[]; cards: boolean } {
  const left = columns.filter(({ only }) => !only || layout === "all" || (only === "desk" && layout === "desk"));
  return { columns: left, cards: layout === "cards" };
}

function leastOf({ width }: Sized): number {
  return Number(/\d+/.exec(width)?.[0] ?? 0);
}

/** The layout for the room that an element has, and goes on to have. */
export function useLayout(element: RefObject<HTMLElement | null>, columns: readonly Sized[]): Layout {
  const [layout, setLayout] = useState<Layout>("all");
  // Pages make their columns anew whenever they are drawn; what counts here stays.
  const sizes = columns.map(({ width, only = "" }) => width + only).join();
  useLayoutEffect(() => {
    const list = element.current;
    if (!list) return;
    const fit = (): void => setLayout(fitting(columns, list.clientWidth));
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(list);
    return () => observer.disconnect();
  }, [element, sizes]);
  return layout;
}
