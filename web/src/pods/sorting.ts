/** The order of the pods, as it stands in the address: `sort=-age` is by age, descending. Pure. */

import type { Pod } from "../api/types";

export const COLUMNS = ["name", "cluster", "namespace", "ready", "status", "restarts", "age", "owner", "node"] as const;
export type ColumnName = (typeof COLUMNS)[number];

export interface Order {
  column: ColumnName;
  descending: boolean;
}

export function orderOf(parameter: string): Order {
  const descending = parameter.startsWith("-");
  const column = COLUMNS.find((each) => each === parameter.slice(descending ? 1 : 0));
  return column ? { column, descending } : { column: "name", descending: false };
}

/** What stands in the address for an order; the usual one is not written. */
export function parameterOf({ column, descending }: Order): string {
  if (column === "name" && !descending) return "";
  return `${descending ? "-" : ""}${column}`;
}

/** A text that compares as people count: web-2 comes before web-10. */
export function naturalKey(text: string): string {
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

/** Names are compared thousands of times for one order, and rows live long: each pod's key is made once. */
const nameKeys = new WeakMap<Pod, string>();

function nameKey(pod: Pod): string {
  let key = nameKeys.get(pod);
  if (key === undefined) {
    key = `${naturalKey(pod.name)}\n${pod.namespace}\n${pod.cluster}`;
    nameKeys.set(pod, key);
  }
  return key;
}

function valueOf(pod: Pod, column: ColumnName): string | number {
  switch (column) {
    case "name":
      return nameKey(pod);
    case "restarts":
      return pod.restarts;
    case "age":
      // The youngest first, as the number that is shown grows.
      return -Date.parse(pod.created_at);
    case "ready": {
      const [ready = 0, all = 1] = pod.ready.split("/").map(Number);
      return ready / Math.max(1, all);
    }
    case "owner":
      return naturalKey(`${pod.owner_kind}/${pod.owner}`);
    case "node":
      return naturalKey(pod.node);
    default:
      return pod[column];
  }
}

/** Sort pods; equal ones by name. The list that came stays as it is. */
export function sortPods(pods: readonly Pod[], { column, descending }: Order): Pod[] {
  const sign = descending ? -1 : 1;
  return pods
    .map((pod) => ({ pod, value: valueOf(pod, column), name: nameKey(pod) }))
    .sort((one, other) => sign * compare(one.value, other.value) || compare(one.name, other.name))
    .map(({ pod }) => pod);
}

/**
 * The rows that stood before, each with what is known of it now: while the menu of one is open, rows that come wait, and rows that go
 * stay as they were, so that nothing moves under a hand that aims. When the menu's own row goes, it is over.
 */
export function heldInPlace(before: readonly Pod[], now: readonly Pod[], menu: string): readonly Pod[] {
  const known = new Map(now.map((pod) => [pod.key, pod]));
  return known.has(menu) ? before.map((pod) => known.get(pod.key) ?? pod) : now;
}

function compare(one: string | number, other: string | number): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
