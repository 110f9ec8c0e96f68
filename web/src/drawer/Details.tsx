/** All that is known of a pod, what one looks for most often first. */

import type { ReactNode } from "react";
import type { ConditionRow, ContainerDetails, PodDetails } from "../api/types";
import { Facts, PlaceLink } from "../app/PageParts";
import type { Place } from "../app/routes";
import { ClusterName } from "../clusters/ClusterName";
import { StatusMark, type Tone } from "../pods/status";
import { text } from "../text";
import { ContainerCard } from "./ContainerCard";
import { Lines, Moment, Pairs, Section } from "./Parts";

const words = text.drawer;

export function Details({ pod, onLogs }: { pod: PodDetails; onLogs(container: string): void }) {
  const of = (...roles: string[]): ContainerDetails[] => pod.containers.filter(({ role }) => roles.includes(role));
  const known = ["container", "sidecar", "init", "ephemeral"];
  const running = [...of("container", "sidecar"), ...pod.containers.filter(({ role }) => !known.includes(role))];
  return (
    <div className="padded pod-details">
      <Facts facts={factsOf(pod)} />
      <Containers title={words.sections.containers} pod={pod} containers={running} onLogs={onLogs} />
      <Containers title={words.sections.init} pod={pod} containers={of("init")} onLogs={onLogs} />
      <Containers title={words.sections.ephemeral} pod={pod} containers={of("ephemeral")} onLogs={onLogs} />
      <Conditions conditions={pod.conditions as ConditionRow[]} />
      {pod.volumes.length > 0 && (
        <Section title={words.sections.volumes} count={pod.volumes.length}>
          <Facts
            facts={pod.volumes.map(({ name, kind = "", source = "" }) => [
              name,
              [kind, source].filter(Boolean).join(" "),
            ])}
          />
        </Section>
      )}
      <Texts title={words.sections.tolerations} texts={pod.tolerations} />
      <Texts title={words.sections.security} texts={pod.security} />
      <Values title={words.sections.nodeSelector} values={pod.node_selector} />
      <Values title={words.sections.labels} values={pod.labels} />
      <Values title={words.sections.annotations} values={pod.annotations}>
        {pod.annotations_left_out.length > 0 && (
          <p className="dim">{words.leftOut(pod.annotations_left_out.join(", "))}</p>
        )}
      </Values>
    </div>
  );
}

function factsOf(pod: PodDetails): [string, ReactNode][] {
  const names = words.facts;
  return [
    [names.type, "Pod"],
    [names.cluster, <ClusterName key="cluster" name={pod.cluster} whole />],
    [names.namespace, pod.namespace],
    [names.owner, <Owners key="owners" pod={pod} />],
    [names.reason, [pod.reason, pod.message].filter(Boolean).join(": ")],
    [names.created, <Moment key="created" at={pod.created_at} />],
    [names.started, pod.started_at && <Moment key="started" at={pod.started_at} />],
    [
      names.node,
      pod.node ? (
        <PlaceLink key="node" to={{ page: "nodes", node: { cluster: pod.cluster, name: pod.node } }}>
          {pod.node}
        </PlaceLink>
      ) : (
        <span key="node" className="dim">
          {names.noNode}
        </span>
      ),
    ],
    [names.address, pod.ips.join(", ")],
    [names.account, pod.service_account],
    [names.qos, pod.qos],
    [names.priority, pod.priority_class],
    [names.runtimeClass, pod.runtime_class],
    [names.restartPolicy, pod.restart_policy],
    [names.grace, pod.grace_seconds === null ? "" : names.graceSeconds(pod.grace_seconds)],
    [names.os, pod.os === "linux" ? "" : pod.os],
    [
      names.uid,
      <span key="uid" className="mono">
        {pod.uid}
      </span>,
    ],
  ];
}

const SHOWN_AS_SERVICES = ["Deployment", "StatefulSet", "DaemonSet", "Job"];

/** Whom the pod belongs to, the farthest first; those that have a page are links to it. */
function Owners({ pod }: { pod: PodDetails }) {
  if (pod.owners.length === 0) return <span className="dim">{words.facts.noOwner}</span>;
  return (
    <span className="owners">
      {pod.owners.toReversed().map(({ kind, name }, index) => (
        <span key={`${kind}/${name}`}>
          {index > 0 && <span className="dim"> › </span>}
          <span className="dim">{kind} </span>
          <Owner pod={pod} kind={kind} name={name} />
        </span>
      ))}
    </span>
  );
}

function Owner({ pod, kind, name }: { pod: PodDetails; kind: string; name: string }) {
  if (!SHOWN_AS_SERVICES.includes(kind)) return name;
  const place: Place = { page: "services", workload: { cluster: pod.cluster, namespace: pod.namespace, kind, name } };
  return <PlaceLink to={place}>{name}</PlaceLink>;
}

interface ContainersProps {
  title: string;
  pod: PodDetails;
  containers: ContainerDetails[];
  onLogs(container: string): void;
}

function Containers({ title, pod, containers, onLogs }: ContainersProps) {
  if (containers.length === 0) return null;
  return (
    <Section title={title} count={containers.length}>
      {containers.map((container) => (
        <ContainerCard
          key={container.name}
          container={container}
          preferred={container.name === pod.default_container}
          onLogs={onLogs}
        />
      ))}
    </Section>
  );
}

function conditionTone({ type, status }: ConditionRow): Tone {
  if (status === "Unknown") return "unknown";
  // DisruptionTarget and the like say something bad when they hold; all others when they do not.
  const bad = type === "DisruptionTarget" ? status === "True" : status !== "True";
  return bad ? "bad" : "good";
}

function Conditions({ conditions }: { conditions: ConditionRow[] }) {
  if (conditions.length === 0) return null;
  const { columns } = words.conditions;
  return (
    <Section title={words.sections.conditions} count={conditions.length}>
      <table className="plain-facts">
        <thead>
          <tr>
            <th>{columns.type}</th>
            <th>{columns.status}</th>
            <th>{columns.since}</th>
          </tr>
        </thead>
        <tbody>
          {conditions.map((condition) => (
            <tr key={condition.type}>
              <th scope="row">{condition.type}</th>
              <td>
                <StatusMark tone={conditionTone(condition)} label={condition.status} />
                {(condition.reason || condition.message) && (
                  <p className="dim">{[condition.reason, condition.message].filter(Boolean).join(": ")}</p>
                )}
              </td>
              <td>
                <Moment at={condition.since} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Texts({ title, texts }: { title: string; texts: readonly string[] }) {
  if (texts.length === 0) return null;
  return (
    <Section title={title}>
      <Lines lines={texts} />
    </Section>
  );
}

function Values({
  title,
  values,
  children,
}: {
  title: string;
  values: Readonly<Record<string, string>>;
  children?: ReactNode;
}) {
  if (Object.keys(values).length === 0 && !children) return null;
  return (
    <Section title={title}>
      <Pairs pairs={values} />
      {children}
    </Section>
  );
}
