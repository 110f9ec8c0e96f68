/** Which pods a page shows: pure functions over rows and what stands in the address. */

import type { Pod } from "../api/types";
import { podTone } from "./status";

export interface PodFilter {
  cluster: string;
  namespace: string;
  search: string;
  /** "", "running" or "attention". */
  status: string;
}

export function filterOf(query: string): PodFilter {
  const parameters = new URLSearchParams(query);
  const value = (name: string): string => parameters.get(name) ?? "";
  return { cluster: value("cluster"), namespace: value("namespace"), search: value("q"), status: value("status") };
}

/** True when every word of the search is in the pod's name, or in one of its labels as `key=value`. */
function matches(pod: Pod, words: string[]): boolean {
  return words.every(
    (word) =>
      pod.name.toLowerCase().includes(word) ||
      Object.entries(pod.labels).some(([key, value]) => `${key}=${value}`.toLowerCase().includes(word)),
  );
}

export function filterPods(pods: Pod[], filter: PodFilter): Pod[] {
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  return pods.filter(
    (pod) =>
      (!filter.cluster || pod.cluster === filter.cluster) &&
      (!filter.namespace || pod.namespace === filter.namespace) &&
      (filter.status !== "running" || pod.status === "Running") &&
      (filter.status !== "attention" || ["bad", "unknown"].includes(podTone(pod))) &&
      matches(pod, words),
  );
}
