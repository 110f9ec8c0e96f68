/** What the palette can find, and what choosing it does. */

import { useMemo } from "react";
import { useRows } from "../api/rows";
import type { Pod, Session } from "../api/types";
import type { IconName } from "../app/icons";
import { goTo, navigate } from "../app/location";
import { addressOf, type Place } from "../app/routes";
import { type Shortcut, useShortcuts } from "../app/shortcuts";
import { useClusters } from "../clusters/clusters";
import { tabName } from "../dock/dock";
import { opening } from "../dock/opening";
import { nodeRows } from "../nodes/rows";
import { podRows } from "../pods/rows";
import { workloadRows } from "../services/workloads";
import { sessionRows } from "../sessions/rows";
import { text } from "../text";

const words = text.palette;

export type Group = keyof typeof words.groups;

export interface Item {
  key: string;
  group: Group;
  icon: IconName;
  title: string;
  /** What else it can be found by, and what tells it from its like. */
  detail: string;
  /** What of the detail is shown beside the cluster. */
  shown: string;
  cluster: string;
  keys: string;
  does: string;
  run(): void;
  /** What Ctrl+Enter does instead. */
  look: (() => void) | null;
}

const PLAIN = { shown: "", cluster: "", keys: "", look: null };

function podItem(pod: Pod): Item {
  const look = (): void =>
    goTo({ page: "pods", pod: { cluster: pod.cluster, namespace: pod.namespace, name: pod.name } });
  const offered = pod.shell_refusal === "";
  return {
    key: pod.key,
    group: "pod",
    icon: "pods",
    title: pod.name,
    detail: `${pod.cluster} ${pod.namespace} ${pod.status}`,
    shown: `${pod.namespace} ${pod.status === "Running" ? "" : pod.status}`,
    cluster: pod.cluster,
    keys: "",
    does: offered ? words.does.shell : words.does.details,
    run: offered ? () => opening.start(pod) : look,
    look,
  };
}

function sessionItem(session: Session): Item {
  return {
    ...PLAIN,
    key: session.id,
    group: "session",
    icon: "terminal",
    title: tabName(session),
    detail: `${session.cluster} ${session.namespace}`,
    shown: session.namespace,
    cluster: session.cluster,
    does: words.does.resume,
    run: () => void opening.resume(session.id).catch((failure: unknown) => opening.report(tabName(session), failure)),
  };
}

function commandItem(shortcut: Shortcut): Item {
  return {
    ...PLAIN,
    key: shortcut.id,
    group: shortcut.id.startsWith("go.") ? "page" : "command",
    icon: shortcut.id.startsWith("go.") ? "list" : "keyboard",
    title: shortcut.title,
    detail: shortcut.group,
    keys: shortcut.keys,
    does: words.does.run,
    run: shortcut.run,
  };
}

/** Something that is gone to: a service, a node. */
function placeItem(group: Group, icon: IconName, place: Place, row: Placed): Item {
  return {
    ...PLAIN,
    key: `${group}/${row.key}`,
    group,
    icon,
    title: row.name,
    detail: [row.cluster, row.namespace, row.kind, row.status].filter(Boolean).join(" "),
    shown: [row.namespace, row.kind, row.status].filter(Boolean).join(" "),
    cluster: row.cluster,
    does: words.does.go,
    run: () => goTo(place),
  };
}

interface Placed {
  key: string;
  name: string;
  cluster: string;
  namespace?: string;
  kind?: string;
  status?: string;
}

const ALL = [""];

/** Everything that can be found, in the order in which equals are shown; `complete` once all lists have come. */
export function useItems(): { items: Item[]; complete: boolean } {
  const { clusters } = useClusters();
  const names = useMemo(() => clusters.map((cluster) => cluster.name), [clusters]);
  const shortcuts = useShortcuts();
  const pods = useRows(podRows, names);
  const workloads = useRows(workloadRows, names);
  const nodes = useRows(nodeRows, names);
  const sessions = useRows(sessionRows, ALL);
  const items = useMemo(
    () => [
      ...sessions.rows.filter((session) => session.state !== "ended").map(sessionItem),
      ...shortcuts.filter((shortcut) => shortcut.id !== "palette").map(commandItem),
      ...names.map(clusterItem),
      ...workloads.rows.map((row) => {
        const { cluster, namespace, kind, name } = row;
        const workload = { cluster, namespace, kind, name };
        return placeItem("service", "services", { page: "services", workload }, row);
      }),
      ...nodes.rows.map((row) =>
        placeItem("node", "nodes", { page: "nodes", node: { cluster: row.cluster, name: row.name } }, row),
      ),
      ...pods.rows.map(podItem),
    ],
    [sessions.rows, shortcuts, names, workloads.rows, nodes.rows, pods.rows],
  );
  return { items, complete: pods.complete && workloads.complete && nodes.complete };
}

function clusterItem(name: string): Item {
  return {
    ...PLAIN,
    key: `cluster/${name}`,
    group: "cluster",
    icon: "clusters",
    title: name,
    detail: text.clusters.label,
    cluster: name,
    does: words.does.scope,
    run: () => navigate(addressOf({ page: "pods", pod: null }, { cluster: name })),
  };
}
