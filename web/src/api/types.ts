/** The gateway's types by their short names, and rows with their defaults filled in (agents leave out what is empty). */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type DebugPlan = Schemas["DebugPlan"];
export type Me = Schemas["Me"];
export type Cluster = Schemas["Cluster"];
export type ClusterBody = Schemas["ClusterBody"];
export type Enrolment = Schemas["Enrolment"];
export type EventRow = Schemas["EventRow"];
export type Session = Schemas["Session"];
export type SessionEnd = Schemas["End"];
export type OpenSessionBody = Schemas["OpenSessionBody"];
export type OpenedSession = Schemas["OpenedSession"];
export type Ticket = Schemas["Ticket"];
export type SignedIn = Schemas["SignedIn"];
export type Topic = Schemas["LiveSubscribe"]["topic"];
export type WireContainer = Schemas["ContainerRow"];
export type WirePod = Schemas["PodRow"];

export type WirePodDetails = Schemas["PodDetails"];
export type ConditionRow = Required<Schemas["ConditionRow"]>;
export type TerminationRow = Schemas["TerminationRow"];

export type Container = Required<WireContainer>;
export type ContainerDetails = Required<Schemas["ContainerDetails"]>;

export interface Pod extends Omit<Required<WirePod>, "containers"> {
  containers: Container[];
  /** Which cluster it is in; added here. */
  cluster: string;
  /** Unique over clusters. */
  key: string;
}

const CONTAINER: Container = {
  name: "",
  role: "container",
  image: "",
  state: "unknown",
  reason: "",
  message: "",
  exit_code: null,
  ready: false,
  restarts: 0,
  started_at: "",
};

/** Fill a row of the cluster `cluster` with what was left out. */
export function podOf(row: WirePod, cluster: string): Pod {
  return {
    node: "",
    ip: "",
    owner_kind: "",
    owner: "",
    owner_uid: "",
    labels: {},
    default_container: "",
    os: "linux",
    shell_refusal: "",
    ...row,
    containers: (row.containers ?? []).map((container) => ({ ...CONTAINER, ...container })),
    cluster,
    key: `${cluster}/${row.uid}`,
  };
}

/** Everything that is known of a pod, with what was left out filled in. */
export interface PodDetails extends Omit<Required<WirePodDetails>, "containers"> {
  containers: ContainerDetails[];
  cluster: string;
}

const DETAILS_OF_CONTAINER: Omit<ContainerDetails, "name"> = {
  role: "container",
  image: "",
  image_id: "",
  container_id: "",
  state: "unknown",
  reason: "",
  message: "",
  ready: false,
  started: null,
  restarts: 0,
  started_at: "",
  termination: null,
  last_termination: null,
  command: [],
  args: [],
  ports: [],
  requests: {},
  limits: {},
  mounts: [],
  probes: [],
  environment: [],
  security: [],
  target: "",
};

export function podDetailsOf(row: WirePodDetails, cluster: string): PodDetails {
  return {
    started_at: "",
    deleted_at: "",
    grace_seconds: null,
    reason: "",
    message: "",
    node: "",
    ips: [],
    host_ip: "",
    service_account: "",
    qos: "",
    priority_class: "",
    runtime_class: "",
    scheduler: "",
    restart_policy: "",
    os: "linux",
    labels: {},
    annotations: {},
    annotations_left_out: [],
    node_selector: {},
    owners: [],
    conditions: [],
    default_container: "",
    volumes: [],
    tolerations: [],
    security: [],
    shell_refusal: "",
    ...row,
    containers: (row.containers ?? []).map((container) => ({ ...DETAILS_OF_CONTAINER, ...container })),
    cluster,
  };
}

/** The row that a list would show for a pod that is seen closely. */
export function podOfDetails(pod: PodDetails): Pod {
  const owner = pod.owners.at(-1);
  return {
    ...podOf(pod, pod.cluster),
    ip: pod.ips[0] ?? "",
    owner_kind: owner?.kind ?? "",
    owner: owner?.name ?? "",
    owner_uid: owner?.uid ?? "",
  };
}
