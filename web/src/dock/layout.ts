/**
 * Which shells are in front, which are minimised, and how the dock stands: pure.
 *
 * At most two shells share the dock, one in each pane; the pane with the focus holds the active one. A minimised shell is in no pane.
 * Every function answers a new layout and keeps three promises: `shown` names tabs that are there and not minimised, `active` is in
 * `shown` or both are empty, and no tab is in two panes.
 */

export type DockMode = "half" | "full" | "drawer";
/** How two panes stand to each other. */
export type Side = "beside" | "below";

export interface Place {
  id: string;
  minimised: boolean;
}

export interface Layout {
  order: readonly Place[];
  shown: readonly string[];
  active: string;
}

export const EMPTY: Layout = { order: [], shown: [], active: "" };

/** Put a shell in front, at the end of the strip or in the place of `instead`. */
export function withAdded(layout: Layout, id: string, instead = ""): Layout {
  if (layout.order.some((place) => place.id === id)) return withActive(layout, id);
  const at = layout.order.findIndex((place) => place.id === instead);
  const place = { id, minimised: false };
  if (at < 0) return withActive({ ...layout, order: [...layout.order, place] }, id);
  const shown = layout.shown.map((each) => (each === instead ? id : each));
  return withActive({ ...layout, order: layout.order.with(at, place), shown }, id);
}

/** Bring a shell to the front: into the pane that has the focus, unless it is in the other one. */
export function withActive(layout: Layout, id: string): Layout {
  if (!layout.order.some((place) => place.id === id)) return layout;
  const order = layout.order.map((place) => (place.id === id ? { ...place, minimised: false } : place));
  if (layout.shown.includes(id)) return { order, shown: layout.shown, active: id };
  const pane = Math.max(0, layout.shown.indexOf(layout.active));
  const shown = layout.shown.length === 0 ? [id] : layout.shown.with(pane, id);
  return { order, shown, active: id };
}

export function withRemoved(layout: Layout, id: string): Layout {
  return withoutPane({ ...layout, order: layout.order.filter((place) => place.id !== id) }, id, layout);
}

export function withMinimised(layout: Layout, id: string): Layout {
  const order = layout.order.map((place) => (place.id === id ? { ...place, minimised: true } : place));
  return withoutPane({ ...layout, order }, id, layout);
}

export function withAllMinimised(layout: Layout): Layout {
  return { order: layout.order.map((place) => ({ ...place, minimised: true })), shown: [], active: "" };
}

/** Bring all minimised shells back into the strip; what was in front stays there. */
export function withAllRestored(layout: Layout): Layout {
  const order = layout.order.map((place) => ({ ...place, minimised: false }));
  const last = order.at(-1)?.id ?? "";
  return layout.active || !last ? { ...layout, order } : { order, shown: [last], active: last };
}

/** Move a shell within the strip by so many places. */
export function withMoved(layout: Layout, id: string, by: number): Layout {
  const at = layout.order.findIndex((place) => place.id === id);
  const place = layout.order[at];
  if (!place) return layout;
  const to = Math.min(layout.order.length - 1, Math.max(0, at + by));
  return { ...layout, order: layout.order.toSpliced(at, 1).toSpliced(to, 0, place) };
}

/** Move a shell to where another one is. */
export function withMovedTo(layout: Layout, id: string, target: string): Layout {
  const at = layout.order.findIndex((place) => place.id === id);
  const to = layout.order.findIndex((place) => place.id === target);
  return at < 0 || to < 0 ? layout : withMoved(layout, id, to - at);
}

/** Two panes, the second with the focus. */
export function withSplit(layout: Layout, first: string, second: string): Layout {
  const there = (id: string): boolean => layout.order.some((place) => place.id === id);
  if (first === second || !there(first) || !there(second)) return layout;
  const order = layout.order.map((place) =>
    place.id === first || place.id === second ? { ...place, minimised: false } : place,
  );
  return { order, shown: [first, second], active: second };
}

/** One pane again, with the active shell; the other one is a tab. */
export function withoutSplit(layout: Layout): Layout {
  return layout.active ? { ...layout, shown: [layout.active] } : layout;
}

/** With something in front when there is something that can be: after a reload the shells that were may be gone. */
export function withFront(layout: Layout): Layout {
  if (layout.active) return layout;
  const last = layout.order.findLast((place) => !place.minimised)?.id ?? "";
  return last ? { ...layout, shown: [last], active: last } : layout;
}

/** The tab that comes `step` places after the active one among those that are not minimised, round the ends. */
export function neighbour(layout: Layout, step: number): string {
  const strip = layout.order.filter((place) => !place.minimised);
  const at = strip.findIndex((place) => place.id === layout.active);
  return strip[(at + step + strip.length) % strip.length]?.id ?? "";
}

/** Close the pane of `id`, which is no tab of the strip any more; where one is left, its neighbour takes the place of an only pane. */
function withoutPane(layout: Layout, id: string, before: Layout): Layout {
  const shown = layout.shown.filter((each) => each !== id);
  if (shown.length > 0)
    return { ...layout, shown, active: layout.active === id ? (shown[0] as string) : layout.active };
  const was = before.order.findIndex((place) => place.id === id);
  const candidates = [...before.order.slice(was + 1), ...before.order.slice(0, Math.max(0, was)).reverse()];
  const next = candidates.find((place) => !place.minimised)?.id ?? "";
  return { ...layout, shown: next ? [next] : [], active: next };
}
