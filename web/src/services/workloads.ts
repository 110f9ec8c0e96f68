/** Workloads seen as a whole, what S1 calls services: rows, and which of them a page shows. */

import { live } from "../api/live";
import { LiveRows } from "../api/rows";
import type { components } from "../api/schema";
import { dictionary } from "../app/dictionary";
import { inScope, type Parameters, scopeOf } from "../app/routes";
import type { Tone } from "../pods/status";

type WireWorkload = components["schemas"]["WorkloadRow"];

export interface Workload extends Required<WireWorkload> {
  cluster: string;
  key: string;
}

export function workloadOf(row: WireWorkload, cluster: string): Workload {
  return {
    ready: 0,
    desired: 0,
    images: [],
    labels: {},
    selector: {},
    health: "",
    reason: "",
    updated: 0,
    pods: 0,
    paused: false,
    ...row,
    cluster,
    key: `${cluster}/${row.uid}`,
  };
}

export const workloadRows = new LiveRows<Workload>(
  live,
  "workloads",
  (wire, cluster) => workloadOf(wire as WireWorkload, cluster),
  (wire) => (wire as WireWorkload).uid,
);

export const HEALTHS = ["healthy", "progressing", "unhealthy"] as const;

const TONES = dictionary<Tone>({ healthy: "good", progressing: "busy", unhealthy: "bad" });

export const healthTone = (health: string): Tone => TONES[health] ?? "unknown";

export interface WorkloadFilter {
  cluster: string;
  namespace: string;
  health: string;
  kind: string;
  search: string;
}

export function filterOf(parameters: Parameters): WorkloadFilter {
  const { health = "", kind = "", q = "" } = parameters;
  return { ...scopeOf(parameters), health, kind, search: q };
}

/** True when every word of the search is in the name, the kind, an image, or a label as `key=value`. */
function matches(workload: Workload, words: string[]): boolean {
  if (words.length === 0) return true;
  const labels = Object.entries(workload.labels).map(([key, value]) => `${key}=${value}`);
  const all = [workload.name, workload.kind, ...workload.images, ...labels].join("\n").toLowerCase();
  return words.every((word) => all.includes(word));
}

export function filterWorkloads(workloads: Workload[], filter: WorkloadFilter): Workload[] {
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  return workloads.filter(
    (workload) =>
      inScope(filter, workload.cluster, workload.namespace) &&
      (!filter.health || workload.health === filter.health) &&
      (!filter.kind || workload.kind === filter.kind) &&
      matches(workload, words),
  );
}

export function kindsOf(workloads: Workload[], chosen: string): string[] {
  const kinds = new Set(workloads.map((workload) => workload.kind));
  if (chosen) kinds.add(chosen);
  return [...kinds].sort();
}

/** An image without its registry and digest: what tells two apart in a list. */
export function imageName(image: string): string {
  return image.replace(/@sha256:[0-9a-f]+$/, "").replace(/^.*\//, "");
}
