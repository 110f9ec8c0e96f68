/** The gateway's types by their short names, and rows with their defaults filled in (agents leave out what is empty). */

import type { components } from "./schema";

type Schemas = components["schemas"];

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

export type Container = Required<WireContainer>;

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
