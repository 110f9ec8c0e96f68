/** What the dock keeps over a reload, read with care: storage belongs to the user, and to older versions of this page. */

import type { DockMode, Side } from "./layout";

export interface KeptTab {
  id: string;
  name: string;
  number: number;
  minimised: boolean;
}

export interface KeptDock {
  tabs: KeptTab[];
  shown: string[];
  active: string;
  mode: DockMode;
  side: Side;
  height: number;
  width: number;
}

/** More tabs than anybody has; a bound for what a page would ask of the gateway. */
const MOST_TABS = 50;
export const NAME_CHARACTERS = 60;
export const SMALLEST_SHARE = 0.2;
export const LARGEST_SHARE = 0.9;
export const FIRST_HEIGHT = 0.46;
export const FIRST_WIDTH = 0.5;

/** Keep a share of the page within what leaves both sides usable. */
export function share(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value)
    ? Math.min(LARGEST_SHARE, Math.max(SMALLEST_SHARE, value))
    : otherwise;
}

export function parseKept(json: string | null): KeptDock | null {
  let value: Partial<Record<keyof KeptDock, unknown>> | null;
  try {
    value = JSON.parse(json ?? "null") as typeof value;
  } catch {
    return null;
  }
  if (!value || !Array.isArray(value.tabs)) return null;
  const tabs = value.tabs.flatMap(parseTab).slice(0, MOST_TABS);
  const inFront = new Set(tabs.filter((tab) => !tab.minimised).map((tab) => tab.id));
  const shown = (Array.isArray(value.shown) ? value.shown : []).filter((id): id is string => inFront.has(id as string));
  const first = [...new Set(shown)].slice(0, 2);
  return {
    tabs,
    shown: first,
    active: first.includes(value.active as string) ? (value.active as string) : (first[0] ?? ""),
    mode: value.mode === "full" || value.mode === "drawer" ? value.mode : "half",
    side: value.side === "below" ? "below" : "beside",
    height: share(value.height, FIRST_HEIGHT),
    width: share(value.width, FIRST_WIDTH),
  };
}

function parseTab(value: unknown): KeptTab[] {
  const { id, name, number, minimised } = (value ?? {}) as Partial<Record<keyof KeptTab, unknown>>;
  if (typeof id !== "string") return [];
  return [
    {
      id,
      name: typeof name === "string" ? name.slice(0, NAME_CHARACTERS) : "",
      number: Number.isSafeInteger(number) && (number as number) > 0 ? (number as number) : 1,
      minimised: minimised === true,
    },
  ];
}
