/** What happens after a pod is deleted: pure. */

import { text } from "../text";

const words = text.pods.deleting;

/** One sentence. `kind` and `name` are those of whoever controls the pod; a pod that a kubelet runs by itself is controlled by its Node. */
export function returnText(kind: string, name: string): string {
  const owner = `${kind} ${name}`;
  switch (kind) {
    case "":
      return words.gone;
    case "Deployment":
    case "ReplicaSet":
    case "ReplicationController":
    case "DaemonSet":
      return words.returns(owner);
    case "StatefulSet":
      return words.returnsSame(owner);
    case "Job":
    case "CronJob":
      return words.job(owner);
    case "Node":
      return words.mirror(name);
    default:
      return words.other(owner);
  }
}
