/** A pod closely: what it is, its logs, its events, what happened to it, and the ways to act on it. Follows the pod as it changes. */

import { Button } from "@mantine/core";
import { lazy, Suspense } from "react";
import { type Pod, type PodDetails, podOfDetails } from "../api/types";
import { Empty } from "../app/Empty";
import { Icon } from "../app/icons";
import { follow, linkTo, setParameters } from "../app/location";
import { Skeletons } from "../app/PageParts";
import { RefusalText } from "../app/ProblemDialog";
import type { ObjectName } from "../app/routes";
import { SidePanel } from "../app/SidePanel";
import { TabBar, TabPanel, useTab } from "../app/TabBar";
import { useTitle } from "../app/title";
import { ClusterName } from "../clusters/ClusterName";
import { useClusters } from "../clusters/clusters";
import { DebugButton } from "../debug/actions";
import { opening, useOpening } from "../dock/opening";
import { podDialogs } from "../pods/actions";
import { Explained } from "../pods/Explained";
import { deleteRefusal } from "../pods/refusals";
import { podTone, StatusMark } from "../pods/status";
import { text } from "../text";
import { Details } from "./Details";
import { EventList } from "./EventList";
import { type Fate, Fates, useFate } from "./fate";
import { Timeline } from "./Timeline";

const LogPanel = lazy(() => import("../logs/LogPanel"));
const words = text.drawer;
const TABS = (["details", "logs", "events", "timeline"] as const).map((name) => ({ name, title: words.tabs[name] }));

interface Props {
  name: ObjectName;
  onClose(): void;
  /** The parameter of the address that holds the tab. */
  parameter?: string;
}

export default function PodDrawer({ name, onClose, parameter = "tab" }: Props) {
  const fate = useFate(name);
  const { pod } = fate;
  useTitle("page", name.name);
  return (
    <SidePanel
      title={name.name}
      mark={
        pod && <StatusMark tone={fate.gone ? "done" : podTone(pod)} label={fate.gone ? text.pods.ended : pod.status} />
      }
      place={
        <>
          <ClusterName name={name.cluster} whole /> · {name.namespace}
        </>
      }
      actions={pod && <Actions pod={podOfDetails(pod)} gone={fate.gone !== null} />}
      onClose={onClose}
    >
      {pod ? <Body name={name} pod={pod} fate={fate} parameter={parameter} /> : <Nothing fate={fate} />}
    </SidePanel>
  );
}

function Body({ name, pod, fate, parameter }: { name: ObjectName; pod: PodDetails; fate: Fate; parameter: string }) {
  const tab = useTab(TABS, parameter);
  return (
    <>
      <Fates name={name} fate={fate} />
      <TabBar label={words.tabsLabel} tabs={TABS} parameter={parameter} />
      <TabPanel name={tab} parameter={parameter}>
        {tab === "details" && (
          <Details
            pod={pod}
            onLogs={(container) => setParameters({ [parameter]: "logs", container, previous: "" }, true)}
          />
        )}
        {tab === "logs" && (
          <Suspense fallback={null}>
            <LogPanel pod={pod} />
          </Suspense>
        )}
        {tab === "events" && <EventList name={name} />}
        {tab === "timeline" && <Timeline pod={pod} gone={fate.gone} />}
      </TabPanel>
    </>
  );
}

function Actions({ pod, gone }: { pod: Pod; gone: boolean }) {
  const { busy } = useOpening();
  const { clusters } = useClusters();
  const cluster = clusters.find((each) => each.name === pod.cluster);
  const noShell = gone ? text.drawer.deletedText : pod.shell_refusal;
  const noDelete = gone ? text.drawer.deletedText : deleteRefusal(cluster);
  return (
    <>
      <Explained why={noShell}>
        {(refused) => (
          <Button
            leftSection={<Icon name="terminal" size={14} />}
            loading={busy === pod.key}
            onClick={() => opening.start(pod)}
            {...refused}
          >
            {text.pods.shell}
          </Button>
        )}
      </Explained>
      <DebugButton pod={pod} gone={gone ? text.drawer.deletedText : ""} />
      <Button
        variant="default"
        leftSection={<Icon name="describe" size={14} />}
        onClick={() => podDialogs.describe(pod)}
      >
        {text.pods.describe}
      </Button>
      <Explained why={noDelete}>
        {(refused) => (
          <Button
            variant="default"
            className={noDelete ? "" : "danger"}
            leftSection={<Icon name="delete" size={14} />}
            onClick={() => podDialogs.delete(pod)}
            {...refused}
          >
            {text.pods.delete}
          </Button>
        )}
      </Explained>
    </>
  );
}

/** There is no pod to show: not yet, not any more, or not for this user. */
function Nothing({ fate }: { fate: Fate }) {
  if (fate.refusal)
    return (
      <Empty icon="warning" title={words.refused} live>
        <RefusalText refusal={fate.refusal} />
      </Empty>
    );
  if (!fate.complete) return <Skeletons label={words.loading} rows={8} />;
  return (
    <Empty icon="search" title={words.notFound} live>
      <p>{words.notFoundText}</p>
      <a className="place" href={linkTo({ page: "pods", pod: null })} onClick={follow}>
        {words.toPods}
      </a>
    </Empty>
  );
}
