/**
 * The Node Shell button, or why there is none. Whether a node shell may be opened is decided by the cluster's ceiling, the gateway's
 * policy and the cluster itself; here only what is known beforehand is said.
 */

import { Button, Tooltip } from "@mantine/core";
import { useClusters } from "../clusters/clusters";
import { Icon } from "../app/icons";
import { text } from "../text";
import type { ClusterNode } from "./rows";

const words = text.nodes;

/** Why no node shell can be opened from here now, as one sentence. */
function useRefusal(node: Pick<ClusterNode, "cluster" | "name">): string {
  const { clusters } = useClusters();
  const cluster = clusters.find((each) => each.name === node.cluster);
  if (!cluster || cluster.state === "offline") return words.offline(node.cluster);
  if (cluster.ceiling.nodeShell !== true) return words.notAllowed(node.cluster);
  return words.fromTerminal(node.name);
}

export function NodeShellAction({ node, compact = false }: { node: ClusterNode; compact?: boolean }) {
  const refusal = useRefusal(node);
  return (
    <Tooltip label={refusal} position="left" events={{ hover: true, focus: true, touch: true }}>
      <Button
        size={compact ? "compact-xs" : "xs"}
        variant={compact ? "subtle" : "filled"}
        leftSection={<Icon name="terminal" size={14} />}
        data-disabled
        aria-disabled
        aria-label={`${words.shellOf(node.name)}: ${refusal}`}
        onClick={(event) => event.preventDefault()}
      >
        {words.shell}
      </Button>
    </Tooltip>
  );
}
