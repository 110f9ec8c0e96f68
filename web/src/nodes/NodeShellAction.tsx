/**
 * The Node Shell button, or why it cannot be used. Here only what is known beforehand is said; whether a node shell may be opened with what
 * is chosen is decided by the cluster's ceiling, the gateway's policy and the cluster itself, and the form says it.
 */

import { Button, Tooltip } from "@mantine/core";
import { Icon } from "../app/icons";
import { useToolsRefusal } from "../debug/actions";
import { debugForm } from "../debug/form";
import { text } from "../text";
import type { ClusterNode } from "./rows";

const words = text.nodes;

interface Props {
  node: Pick<ClusterNode, "cluster" | "name" | "os">;
  compact?: boolean;
}

export function NodeShellAction({ node: { cluster, name, os }, compact = false }: Props) {
  const refusal = useToolsRefusal("node", cluster);
  const label = words.shellOf(name);
  const button = (
    <Button
      size={compact ? "compact-xs" : "xs"}
      variant={compact ? "subtle" : "filled"}
      leftSection={<Icon name="terminal" size={14} />}
      {...(refusal ? { "data-disabled": true, "aria-disabled": true } : {})}
      aria-label={refusal ? `${label}: ${refusal}` : label}
      onClick={(event) => {
        event.preventDefault();
        if (!refusal)
          debugForm.show({ kind: "node", cluster, node: name }, os === "windows" ? { system: "windows" } : {});
      }}
    >
      {words.shell}
    </Button>
  );
  return refusal ? (
    <Tooltip label={refusal} position="left" events={{ hover: true, focus: true, touch: true }}>
      {button}
    </Tooltip>
  ) : (
    button
  );
}
