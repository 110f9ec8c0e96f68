/**
 * What happened to a workload, from what is known here: Kubernetes events of it and its pods, restarts of containers, and shells of this
 * user. Pure. Newest first.
 *
 * Kubernetes forgets events after about an hour, and a restart is known only as the last one of each container; so this is no history.
 */

import type { EventRow, Pod, Session } from "../api/types";
import { text } from "../text";

export const KINDS = ["rollout", "restart", "shell", "warning", "event"] as const;
export type Kind = (typeof KINDS)[number];

export interface Entry {
  key: string;
  kind: Kind;
  /** RFC 3339. */
  at: string;
  /** When it began, when it happened more than once. */
  since: string;
  count: number;
  title: string;
  message: string;
  /** What it happened to: a pod, a container, the workload itself. */
  where: string;
  pod: string;
  session: string;
}

/** Reasons by which controllers say that they replace, add or remove pods (kubernetes pkg/controller, event reasons). */
const ROLLOUT = new Set([
  "ScalingReplicaSet",
  "SuccessfulCreate",
  "SuccessfulDelete",
  "DeploymentRollback",
  "DeploymentRollbackRevisionNotFound",
  "SuccessfulUpdate",
  "Completed",
  "BackoffLimitExceeded",
  "FailedCreate",
]);

const words = text.services.timeline;

function fromEvent(event: EventRow): Entry {
  const { uid, reason, message, count, object_kind = "", object_name = "", container = "" } = event;
  const rollout = ROLLOUT.has(reason) && object_kind !== "Pod";
  return {
    key: uid,
    kind: event.type === "Warning" ? "warning" : rollout ? "rollout" : "event",
    at: event.last_at,
    since: count > 1 ? event.first_at : "",
    count,
    title: reason,
    message,
    where: container
      ? `${object_name}/${container}`
      : object_kind === "Pod"
        ? object_name
        : `${object_kind} ${object_name}`,
    pod: object_kind === "Pod" ? object_name : "",
    session: "",
  };
}

function restartsOf(pod: Pod): Entry[] {
  return pod.containers
    .filter((container) => container.restarts > 0 && container.started_at !== "")
    .map((container) => ({
      key: `${pod.uid}/${container.name}/${container.restarts}`,
      kind: "restart",
      at: container.started_at,
      since: "",
      count: 1,
      title: words.restarted(container.name, container.restarts),
      message: container.reason,
      where: `${pod.name}/${container.name}`,
      pod: pod.name,
      session: "",
    }));
}

function fromSession(session: Session): Entry {
  return {
    key: session.id,
    kind: "shell",
    at: session.created_at,
    since: "",
    count: 1,
    title: words.shellOpened(session.user, session.container),
    message: session.state === "ended" ? words.shellEnded : words.shellOpen,
    where: `${session.pod}/${session.container}`,
    pod: session.pod,
    session: session.state === "ended" ? "" : session.id,
  };
}

/** Put together what is known; `sessions` may be of other pods too. */
export function timelineOf(events: EventRow[], pods: Pod[], sessions: Session[]): Entry[] {
  const names = new Set(pods.map((pod) => `${pod.cluster}/${pod.namespace}/${pod.name}`));
  const entries = [
    ...new Map(events.map((event) => [event.uid, fromEvent(event)])).values(),
    ...pods.flatMap(restartsOf),
    ...sessions
      .filter((session) => names.has(`${session.cluster}/${session.namespace}/${session.pod}`))
      .map(fromSession),
  ];
  return entries.sort((one, other) => Date.parse(other.at) - Date.parse(one.at) || one.key.localeCompare(other.key));
}

/** The kinds that are chosen in the address, as a list; none chosen: all. */
export function chosenKinds(parameter: string): Set<Kind> {
  const chosen = parameter.split(",").filter((kind): kind is Kind => (KINDS as readonly string[]).includes(kind));
  return new Set(chosen.length > 0 ? chosen : KINDS);
}
