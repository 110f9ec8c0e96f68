/** The nodes of clusters, one part a cluster, with what agents leave out filled in. */

import { live } from "../api/live";
import { LiveRows } from "../api/rows";
import type { components } from "../api/schema";

type WireNode = components["schemas"]["NodeRow"];

export interface ClusterNode extends Required<WireNode> {
  cluster: string;
  key: string;
}

export function nodeOf(row: WireNode, cluster: string): ClusterNode {
  return {
    roles: [],
    version: "",
    os: "linux",
    labels: {},
    taints: [],
    conditions: [],
    reason: "",
    unschedulable: false,
    pressure: [],
    pods: 0,
    runtime: "",
    os_image: "",
    kernel: "",
    architecture: "",
    addresses: [],
    ...row,
    cluster,
    key: `${cluster}/${row.uid}`,
  };
}

export const nodeRows = new LiveRows<ClusterNode>(
  live,
  "nodes",
  (wire, cluster) => nodeOf(wire as WireNode, cluster),
  (wire) => (wire as WireNode).uid,
);

/** True when every word of the search is in the node's name, a role, its version, a taint or a label as `key=value`. */
export function nodeMatches(node: ClusterNode, search: string): boolean {
  const texts = [node.name, node.version, ...node.roles, ...node.taints, ...node.addresses];
  for (const [key, value] of Object.entries(node.labels)) texts.push(`${key}=${value}`);
  const all = texts.join("\n").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
