/** The ways to the form for debug and node shells, wherever a pod, a node or a shell offers it; or why it is not there now. */

import { Button, Menu } from "@mantine/core";
import type { Session } from "../api/types";
import { Icon } from "../app/icons";
import { useClusters } from "../clusters/clusters";
import { Explained } from "../pods/Explained";
import { text } from "../text";
import { debugForm, type ToolsTarget } from "./form";
import { toolsRefusal } from "./refusals";

/** Why no such shell can be opened in a cluster now, as one sentence; empty: it can be asked for. */
export function useToolsRefusal(kind: ToolsTarget["kind"], cluster: string): string {
  const { clusters } = useClusters();
  return toolsRefusal(
    kind,
    cluster,
    clusters.find((each) => each.name === cluster),
  );
}

interface PodProps {
  pod: { cluster: string; namespace: string; name: string };
}

function targetIn({ cluster, namespace, name }: PodProps["pod"]): ToolsTarget {
  return { kind: "debug", cluster, namespace, pod: name };
}

/** The item of a pod's menu. */
export function DebugItem({ pod }: PodProps) {
  const why = useToolsRefusal("debug", pod.cluster);
  return (
    <Menu.Item
      leftSection={<Icon name="wrench" size={14} />}
      {...(why ? { "aria-disabled": true, "data-disabled": true, closeMenuOnClick: false } : {})}
      onClick={() => !why && debugForm.show(targetIn(pod))}
    >
      {text.pods.debug}
      {why && <span className="menu-why">{why}</span>}
    </Menu.Item>
  );
}

/** The button of a pod's drawer. `gone`: why there is no pod to debug any more. */
export function DebugButton({ pod, gone }: PodProps & { gone: string }) {
  const why = useToolsRefusal("debug", pod.cluster);
  return (
    <Explained why={gone || why}>
      {(refused) => (
        <Button
          variant="default"
          leftSection={<Icon name="wrench" size={14} />}
          onClick={() => debugForm.show(targetIn(pod))}
          {...refused}
        >
          {text.pods.debug}
        </Button>
      )}
    </Explained>
  );
}

/** What stands where a container has no shell of its own: a debug container that sees its processes. */
export function DebugOffer({ session }: { session: Session }) {
  const { cluster, namespace, pod, container } = session;
  const why = useToolsRefusal("debug", cluster);
  return (
    <Explained why={why}>
      {(refused) => (
        <Button
          {...(why ? { variant: "default" } : {})}
          leftSection={<Icon name="wrench" size={14} />}
          onClick={() =>
            debugForm.show({ kind: "debug", cluster, namespace, pod }, { target: container }, session.reason)
          }
          {...refused}
        >
          {text.pods.openDebug}
        </Button>
      )}
    </Explained>
  );
}
