/** How a node is, from its row: shape and words. Pure. */

import type { Tone } from "../pods/status";
import type { ClusterNode } from "./rows";

export function nodeTone(node: Pick<ClusterNode, "status" | "pressure" | "unschedulable">): Tone {
  if (!node.status.startsWith("Ready")) return "bad";
  return node.pressure.length > 0 || node.unschedulable ? "busy" : "good";
}

export interface NodeCondition {
  type: string;
  status: string;
  reason: string;
  /** Whether this is how it should be: Ready, and nothing else. */
  well: boolean;
}

/** Read a condition as rows have it: `Ready=True (KubeletReady)`. */
export function conditionOf(line: string): NodeCondition {
  const [, type = line, status = "", reason = ""] = /^([^=]+)=(\w+)(?: \((.*)\))?$/s.exec(line) ?? [];
  return { type, status, reason, well: type === "Ready" ? status === "True" : status === "False" };
}
