/** Which pods a page shows: pure functions over rows and what stands in the address. */

import type { Pod } from "../api/types";
import { podTone } from "./status";

export interface PodFilter {
  cluster: string;
  namespace: string;
  search: string;
  /** "", "running", "attention" or "ended". */
  status: string;
}

export const STATUSES = ["running", "attention", "ended"] as const;
export type StatusFilter = (typeof STATUSES)[number];

export function filterOf(query: string): PodFilter {
  const parameters = new URLSearchParams(query);
  const value = (name: string): string => parameters.get(name) ?? "";
  return { cluster: value("cluster"), namespace: value("namespace"), search: value("q"), status: value("status") };
}

/** Where the search looks: the name, and labels as `key=value`. Made once a row, since every key that is typed asks all rows. */
const haystacks = new WeakMap<Pod, string>();

function haystack(pod: Pod): string {
  let found = haystacks.get(pod);
  if (found === undefined) {
    const labels = Object.entries(pod.labels).map(([key, value]) => `${key}=${value}`);
    found = [pod.name, ...labels].join("\n").toLowerCase();
    haystacks.set(pod, found);
  }
  return found;
}

export function hasStatus(pod: Pod, status: string): boolean {
  switch (status) {
    case "running":
      return pod.status === "Running";
    case "attention":
      return ["bad", "unknown"].includes(podTone(pod));
    case "ended":
      return podTone(pod) === "done";
    default:
      return true;
  }
}

/** The pods in scope whose name or labels hold every word of the search. */
export function searchPods(pods: readonly Pod[], filter: PodFilter): Pod[] {
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  return pods.filter(
    (pod) =>
      (!filter.cluster || pod.cluster === filter.cluster) &&
      (!filter.namespace || pod.namespace === filter.namespace) &&
      words.every((word) => haystack(pod).includes(word)),
  );
}

export function filterPods(pods: readonly Pod[], filter: PodFilter): Pod[] {
  const found = searchPods(pods, filter);
  return filter.status ? found.filter((pod) => hasStatus(pod, filter.status)) : found;
}

/** How many pods each chip would show. */
export function countStatuses(pods: readonly Pod[]): Record<StatusFilter, number> {
  const counts: Record<StatusFilter, number> = { running: 0, attention: 0, ended: 0 };
  for (const pod of pods) for (const status of STATUSES) if (hasStatus(pod, status)) counts[status] += 1;
  return counts;
}
