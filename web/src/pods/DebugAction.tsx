/**
 * Debug, wherever a pod offers it: the item of the row's menu, and the offer where a container has no shell of its own.
 *
 * The one place that knows whether it can be done now and says why not; the form for debug containers takes its place here.
 */

import { Button, Menu } from "@mantine/core";
import type { Pod } from "../api/types";
import { Icon } from "../app/icons";
import { useClusters } from "../clusters/clusters";
import { text } from "../text";
import { Explained } from "./Explained";
import { debugRefusal } from "./refusals";

/** Why no debug container can be opened in this cluster now. */
function useDebugRefusal(cluster: string): string {
  const { clusters } = useClusters();
  return debugRefusal(clusters.find((each) => each.name === cluster)) || text.pods.why.debugLater;
}

export function DebugItem({ pod }: { pod: Pod }) {
  const why = useDebugRefusal(pod.cluster);
  return (
    <Menu.Item
      leftSection={<Icon name="terminal" size={14} />}
      aria-disabled={true}
      data-disabled={true}
      closeMenuOnClick={false}
    >
      {text.pods.debug}
      <span className="menu-why">{why}</span>
    </Menu.Item>
  );
}

/** What stands where a container has no shell while nobody offers a debug container: what it would be, and why not. */
export function DebugRefused({ cluster }: { cluster: string }) {
  const why = useDebugRefusal(cluster);
  return (
    <Explained why={why}>
      {(refused) => (
        <Button variant="default" leftSection={<Icon name="terminal" size={14} />} {...refused}>
          {text.pods.openDebug}
        </Button>
      )}
    </Explained>
  );
}
