/** The Pods tab of a service: the same table as the pods page, with both of its ways into a shell. */

import type { Pod } from "../api/types";
import { Empty } from "../app/Empty";
import { hereWith, useParameters } from "../app/location";
import { Skeletons } from "../app/PageParts";
import { PodTable } from "../pods/PodTable";
import { text } from "../text";

const words = text.services;
const HIDDEN = ["cluster", "namespace", "owner"] as const;

/** This page, with a pod's drawer open. */
const drawerOf = (pod: Pod): string => hereWith({ pod: pod.name, show: "", container: "" });

export function ServicePods({ pods, complete, reason }: { pods: Pod[]; complete: boolean; reason: string }) {
  const { pod: opened = "" } = useParameters();
  const chosen = pods.find((pod) => pod.name === opened)?.key ?? "";
  if (pods.length > 0) return <PodTable pods={pods} hidden={HIDDEN} drawerOf={drawerOf} chosen={chosen} />;
  if (!complete) return <Skeletons label={text.pods.loading} rows={4} />;
  return (
    <Empty icon="pods" title={words.noPodsTitle} live>
      <p>{reason}</p>
    </Empty>
  );
}
