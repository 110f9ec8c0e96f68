/** Why a debug or node shell cannot be asked for in a cluster: pure. What depends on the choices is said by the plan. */

import type { Cluster } from "../api/types";
import { text } from "../text";
import type { ToolsTarget } from "./form";

const ACTIONS = { node: "nodeShell", debug: "podDebug" } as const;

/** One sentence; empty: it can be asked for. */
export function toolsRefusal(kind: ToolsTarget["kind"], name: string, cluster: Cluster | undefined): string {
  if (!cluster || cluster.state === "offline") return text.nodes.offline(name);
  const action = ACTIONS[kind];
  return cluster.ceiling[action] === true ? "" : text.debug.allow(name, text.debug.kinds[kind], action);
}
