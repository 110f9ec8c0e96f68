/** One workload seen as a whole: what happened to it, its pods, the nodes they are on, and its facts. */

import { Button, Menu, Tooltip } from "@mantine/core";
import { lazy, Suspense, useMemo } from "react";
import { useRows } from "../api/rows";
import type { Pod } from "../api/types";
import { Empty } from "../app/Empty";
import { Icon } from "../app/icons";
import { setParameters, useParameters } from "../app/location";
import { PlaceLink, Skeletons } from "../app/PageParts";
import type { WorkloadName } from "../app/routes";
import { TabBar, TabPanel, useTab } from "../app/TabBar";
import { useTitle } from "../app/title";
import { ClusterName } from "../clusters/ClusterName";
import { Notices } from "../clusters/Notices";
import { opening } from "../dock/opening";
import { podRows } from "../pods/rows";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { sentence } from "../texts/sentences";
import { ServiceEvents } from "./ServiceEvents";
import { ServiceInfo } from "./ServiceInfo";
import { ServiceNodes } from "./ServiceNodes";
import { ServicePods } from "./ServicePods";
import { healthTone, type Workload, workloadRows } from "./workloads";

const PodDrawer = lazy(() => import("../drawer/PodDrawer"));
const words = text.services;
const TABS = (["events", "pods", "nodes", "info"] as const).map((name) => ({ name, title: words.tabs[name] }));

export function ServiceView({ name }: { name: WorkloadName }) {
  const clusters = [name.cluster];
  const { rows, complete, refusals } = useRows(workloadRows, clusters);
  const workload = rows.find(
    (row) => row.namespace === name.namespace && row.kind === name.kind && row.name === name.name,
  );
  const allPods = useRows(podRows, clusters);
  const pods = useMemo(
    () => (workload ? allPods.rows.filter((pod) => pod.owner_uid === workload.uid) : []),
    [allPods.rows, workload],
  );
  const { pod: opened = "" } = useParameters();
  useTitle("page", name.name);
  return (
    <section className="page service with-drawer" aria-labelledby="page-title">
      <header className="page-head service-head">
        <PlaceLink to={{ page: "services", workload: null }} className="place back" title={words.back}>
          <Icon name="back" size={16} />
          <span className="sr-only">{words.back}</span>
        </PlaceLink>
        <h1 id="page-title" className="cut">
          {name.name}
        </h1>
        {workload && (
          <>
            <StatusMark tone={healthTone(workload.health)} label={words.healths[workload.health] ?? workload.health} />
            <span className="dim number">{words.readyLong(workload.ready, workload.desired)}</span>
          </>
        )}
        <div className="page-actions">{workload && <ShellMenu pods={pods} reason={whyNoShell(workload, pods)} />}</div>
        <p className="service-where">
          <span className="dim">{name.kind}</span>
          <ClusterName name={name.cluster} whole />
          <span className="dim">{name.namespace}</span>
        </p>
      </header>
      <Notices refusals={[...refusals, ...allPods.refusals].slice(0, 1)} refused={words.refused} />
      {workload ? (
        <Tabs workload={workload} pods={pods} complete={allPods.complete} />
      ) : complete ? (
        <Empty icon="search" title={words.gone} live>
          <p>{words.goneText(name.kind, name.name, name.namespace)}</p>
          <PlaceLink to={{ page: "services", workload: null }}>{words.back}</PlaceLink>
        </Empty>
      ) : (
        refusals.length === 0 && <Skeletons label={words.waiting} rows={6} />
      )}
      {opened && (
        <Suspense fallback={null}>
          <PodDrawer
            key={opened}
            name={{ cluster: name.cluster, namespace: name.namespace, name: opened }}
            parameter="show"
            onClose={() => setParameters({ pod: "", show: "", container: "" }, true)}
          />
        </Suspense>
      )}
    </section>
  );
}

function Tabs({ workload, pods, complete }: { workload: Workload; pods: Pod[]; complete: boolean }) {
  const tab = useTab(TABS);
  const reason = whyNoShell(workload, pods);
  const titled = TABS.map(({ name, title }) => ({
    name,
    title:
      name === "pods" ? (
        <>
          {title} <span className="number dim">{pods.length}</span>
        </>
      ) : (
        title
      ),
  }));
  return (
    <>
      {complete && reason && workload.desired > 0 && (
        <div className="notice" role="status">
          <Icon name="warning" size={14} />
          <div>
            <strong>{words.noHealthy}.</strong> {reason}
            <p className="notice-links">
              {tab !== "events" && <TabLink tab="" title={words.seeEvents} />}
              {tab !== "pods" && pods.length > 0 && <TabLink tab="pods" title={words.seePods} />}
            </p>
          </div>
        </div>
      )}
      {workload.health !== "healthy" && !(complete && reason) && (
        <p className="service-why dim" role="status">
          {workload.reason}
        </p>
      )}
      <TabBar label={words.tabs.label} tabs={titled} />
      <TabPanel name={tab}>
        {tab === "events" && <ServiceEvents workload={workload} pods={pods} />}
        {tab === "pods" && <ServicePods pods={pods} complete={complete} reason={reason} />}
        {tab === "nodes" && <ServiceNodes cluster={workload.cluster} pods={pods} />}
        {tab === "info" && <ServiceInfo workload={workload} />}
      </TabPanel>
    </>
  );
}

function TabLink({ tab, title }: { tab: string; title: string }) {
  return (
    <Button size="compact-xs" variant="default" onClick={() => setParameters({ tab }, true)}>
      {title}
    </Button>
  );
}

/** Why no pod of it offers a shell now, as sentences; empty when one does. */
export function whyNoShell(workload: Workload, pods: Pod[]): string {
  if (pods.some((pod) => pod.shell_refusal === "")) return "";
  if (pods.length === 0)
    return workload.desired === 0 ? words.noPodsWanted : `${words.noPods} ${sentence(workload.reason)}`;
  const reasons = [...new Set(pods.map((pod) => pod.shell_refusal))].slice(0, 3);
  return `${words.noHealthyText} ${reasons.join("; ")}.`;
}

/** A shell in the one pod that offers one, or in one of several; says why when there is none. */
function ShellMenu({ pods, reason }: { pods: Pod[]; reason: string }) {
  const offered = pods.filter((pod) => pod.shell_refusal === "").sort((a, b) => a.name.localeCompare(b.name));
  const [only] = offered;
  const icon = <Icon name="terminal" size={14} />;
  if (!only)
    return (
      <Tooltip label={reason} position="bottom-end" events={{ hover: true, focus: true, touch: true }}>
        <Button
          leftSection={icon}
          data-disabled
          aria-disabled
          aria-label={`${words.shell}: ${reason}`}
          onClick={(event) => event.preventDefault()}
        >
          {words.shell}
        </Button>
      </Tooltip>
    );
  if (offered.length === 1)
    return (
      <Button leftSection={icon} aria-label={words.shellIn(only.name)} onClick={() => opening.start(only)}>
        {words.shell}
      </Button>
    );
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button leftSection={icon} rightSection={<Icon name="down" size={12} />}>
          {words.shell}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={320} style={{ overflowY: "auto" }}>
        <Menu.Label>{words.choosePod}</Menu.Label>
        {offered.slice(0, 50).map((pod) => (
          <Menu.Item key={pod.key} onClick={() => opening.start(pod)}>
            {pod.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
