/** The Pods tab of a service: the same table as the pods page, with both of its ways into a shell. */

import type { Pod } from "../api/types";
import { Empty } from "../app/Empty";
import { Skeletons } from "../app/PageParts";
import { opening, useOpening } from "../dock/opening";
import { PodTable } from "../pods/PodTable";
import { text } from "../text";

const words = text.services;

export function ServicePods({ pods, complete, reason }: { pods: Pod[]; complete: boolean; reason: string }) {
  const { busy } = useOpening();
  if (pods.length > 0) return <PodTable pods={pods} withCluster={false} busy={busy} onShell={opening.start} />;
  if (!complete) return <Skeletons label={text.pods.loading} rows={4} />;
  return (
    <Empty icon="pods" title={words.noPodsTitle} live>
      <p>{reason}</p>
    </Empty>
  );
}
