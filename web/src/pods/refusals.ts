/** Why something cannot be done with a pod now: pure, from its row and its cluster's ceiling. Empty: it can. */

import type { Cluster, Container } from "../api/types";
import { text } from "../text";

const words = text.pods.why;

/** Why a container cannot be entered. */
export function containerRefusal(container: Pick<Container, "state" | "reason" | "role" | "exit_code">): string {
  const { state, reason, role, exit_code } = container;
  switch (state) {
    case "running":
      return "";
    case "waiting":
      return reason ? words.waitingFor(reason) : words.waiting;
    case "terminated":
      return role === "init" && exit_code === 0 ? words.initDone : words.ended(exit_code ?? 0, reason);
    default:
      return words.unknown;
  }
}

/** Why a pod of this cluster cannot be deleted. */
export function deleteRefusal(cluster: Cluster | undefined): string {
  if (!cluster || cluster.state === "offline") return words.offline;
  return cluster.ceiling.basic ? "" : words.noDelete;
}
