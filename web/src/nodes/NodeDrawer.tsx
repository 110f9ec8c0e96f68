/** One node closely: facts and conditions, events, and the pods on it. */

import { useMemo } from "react";
import { useEvents } from "../api/events";
import { useRows } from "../api/rows";
import type { Pod } from "../api/types";
import { Empty } from "../app/Empty";
import { linkTo } from "../app/location";
import { Facts, Skeletons, Words } from "../app/PageParts";
import { RefusalText } from "../app/ProblemDialog";
import type { NodeName } from "../app/routes";
import { SidePanel } from "../app/SidePanel";
import { TabBar, TabPanel, useTab } from "../app/TabBar";
import { Timeline } from "../app/Timeline";
import { useTitle } from "../app/title";
import { ClusterName } from "../clusters/ClusterName";
import { PodTable } from "../pods/PodTable";
import { podRows } from "../pods/rows";
import { StatusMark } from "../pods/status";
import { timelineOf } from "../services/timeline";
import { text } from "../text";
import { conditionOf, nodeTone } from "./condition";
import { NodeShellAction } from "./NodeShellAction";
import { type ClusterNode, nodeRows } from "./rows";

const words = text.nodes;
const TABS = (["details", "events", "pods"] as const).map((name) => ({ name, title: words.tabs[name] }));

export function NodeDrawer({ name, onClose }: { name: NodeName; onClose(): void }) {
  const { rows, complete, refusals } = useRows(nodeRows, [name.cluster]);
  const node = rows.find((row) => row.name === name.name);
  const tab = useTab(TABS);
  useTitle("page", name.name);
  return (
    <SidePanel
      title={name.name}
      place={<ClusterName name={name.cluster} whole />}
      actions={node && <NodeShellAction node={node} />}
      onClose={onClose}
    >
      {node ? (
        <>
          <TabBar label={words.tabs.label} tabs={TABS} />
          <TabPanel name={tab}>
            {tab === "details" && <Details node={node} />}
            {tab === "events" && <Events node={node} />}
            {tab === "pods" && <Pods node={node} />}
          </TabPanel>
        </>
      ) : complete ? (
        <Empty icon="nodes" title={words.gone} live>
          <p>{words.goneText(name.cluster)}</p>
        </Empty>
      ) : refusals[0] ? (
        <div className="padded">
          <RefusalText refusal={refusals[0].refusal} />
        </div>
      ) : (
        <Skeletons label={words.loading} rows={6} />
      )}
    </SidePanel>
  );
}

function Details({ node }: { node: ClusterNode }) {
  const labels = Object.entries(node.labels).map(([key, value]) => (value ? `${key}=${value}` : key));
  const named = words.details;
  return (
    <div className="padded">
      <Facts
        facts={[
          [named.status, <StatusMark key="status" tone={nodeTone(node)} label={node.status} />],
          [named.reason, node.reason],
          [named.scheduling, node.unschedulable ? named.unschedulable : ""],
          [named.roles, node.roles.join(", ")],
          [named.version, node.version],
          [named.system, [node.os_image || node.os, node.architecture].filter(Boolean).join(", ")],
          [named.kernel, node.kernel],
          [named.runtime, node.runtime],
          [named.pods, String(node.pods)],
          [named.created, node.created_at],
        ]}
      />
      <h3>{named.conditions}</h3>
      <ul className="conditions">
        {node.conditions.map(conditionOf).map(({ type, status, reason, well }) => (
          <li key={type}>
            <StatusMark tone={well ? "good" : status === "Unknown" ? "unknown" : "bad"} label={type} />
            <span>{status}</span>
            <span className="dim cut" title={reason}>
              {reason}
            </span>
          </li>
        ))}
      </ul>
      <h3>{named.addresses}</h3>
      <Words words={node.addresses} />
      {node.taints.length > 0 && <h3>{named.taints}</h3>}
      <Words words={node.taints} />
      <h3>{named.labels}</h3>
      <Words words={labels} />
    </div>
  );
}

function Events({ node }: { node: ClusterNode }) {
  const { rows, complete, refusals } = useEvents([
    { cluster: node.cluster, namespace: "", kind: "Node", name: node.name },
  ]);
  const entries = useMemo(() => timelineOf(rows, [], []), [rows]);
  if (entries.length > 0) return <Timeline entries={entries} />;
  if (refusals[0])
    return (
      <div className="padded">
        <RefusalText refusal={refusals[0].refusal} />
      </div>
    );
  if (!complete) return <Skeletons label={text.services.timeline.loading} rows={4} />;
  return (
    <Empty icon="nodes" title={words.noEvents} live>
      <p>{words.noEventsText}</p>
    </Empty>
  );
}

const HIDDEN = ["cluster", "node", "owner"] as const;

/** A pod of a node is shown closely on the page of the pods. */
function drawerOf({ cluster, namespace, name }: Pod): string {
  return linkTo({ page: "pods", pod: { cluster, namespace, name } });
}

function Pods({ node }: { node: ClusterNode }) {
  const { rows, complete } = useRows(podRows, [node.cluster]);
  const pods = useMemo(() => rows.filter((pod) => pod.node === node.name), [rows, node.name]);
  if (pods.length > 0) return <PodTable pods={pods} hidden={HIDDEN} drawerOf={drawerOf} />;
  if (!complete) return <Skeletons label={text.pods.loading} rows={4} />;
  return (
    <Empty icon="pods" title={words.noPods} live>
      <p>{words.noPodsText}</p>
    </Empty>
  );
}
