/**
 * A link that opens a shell: it asks first, so that no link does anything by being followed. Enter opens. For a debug or node shell the
 * form asks, over the page of what the link is about.
 */

import { Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiFailure, fetchPod } from "../api/client";
import { type Pod, podOf } from "../api/types";
import { ClusterName } from "../clusters/ClusterName";
import { debugForm, type ToolsTarget } from "../debug/form";
import { choicesOf, opening } from "../dock/opening";
import { text } from "../text";
import { sentence } from "../texts/sentences";
import { Empty } from "./Empty";
import { goTo, useParameters } from "./location";
import { PlaceLink, Skeletons } from "./PageParts";
import { FailureText } from "./ProblemDialog";
import type { ObjectName, Parameters } from "./routes";

const words = text.open;

export default function OpenPage() {
  const parameters = useParameters();
  const { kind = "exec" } = parameters;
  const target = linkedTarget(parameters);
  if (target) return <Form target={target} />;
  return kind === "exec" ? <PodLink /> : <Missing />;
}

/** What the link of a debug or node shell names; null when it is none, or says not enough. */
function linkedTarget({ kind, cluster, namespace, pod, node }: Parameters): ToolsTarget | null {
  if (kind === "node" && cluster && node) return { kind, cluster, node };
  return kind === "debug" && cluster && namespace && pod ? { kind, cluster, namespace, pod } : null;
}

function Form({ target }: { target: ToolsTarget }) {
  const { cluster } = target;
  const key = JSON.stringify(target);
  useEffect(() => {
    debugForm.show(target);
    if (target.kind === "node") goTo({ page: "nodes", node: { cluster, name: target.node } }, { cluster }, true);
    else {
      const { namespace, pod } = target;
      goTo({ page: "pods", pod: { cluster, namespace, name: pod } }, { cluster, namespace }, true);
    }
    // Once for what the link says, whatever object says it.
  }, [key]);
  return null;
}

function Missing() {
  return (
    <Empty icon="link" title={words.missing} page>
      <p>{words.missingText}</p>
    </Empty>
  );
}

function PodLink() {
  const { cluster = "", namespace = "", pod: name = "", container = "" } = useParameters();
  const named = cluster !== "" && namespace !== "" && name !== "";
  const pod = useQuery({
    queryKey: ["pod", cluster, namespace, name],
    queryFn: () => fetchPod(cluster, namespace, name),
    enabled: named,
    staleTime: 0,
    gcTime: 0,
  });
  if (!named) return <Missing />;
  if (pod.error instanceof ApiFailure)
    return (
      <Empty icon="warning" title={words.failed} live page>
        <div className="problem">
          <FailureText failure={pod.error} />
        </div>
        <Button variant="default" onClick={() => void pod.refetch()} loading={pod.isFetching}>
          {text.retry}
        </Button>
      </Empty>
    );
  if (!pod.data) return <Skeletons label={words.looking(name)} rows={4} />;
  return <Question pod={podOf(pod.data, cluster)} container={container} />;
}

function Question({ pod, container }: { pod: Pod; container: string }) {
  const { cluster, namespace, name } = pod;
  const target = container ? `${name}/${container}` : name;
  const problem = whyNot(pod, container);
  const open = (): void => {
    if (container) void opening.open(pod, container);
    else opening.start(pod);
    goTo({ page: "pods", pod: null }, { cluster, namespace }, true);
  };
  return (
    <section className="page open-page" aria-labelledby="page-title">
      <div className="message">
        <h1 id="page-title">{problem ? words.refused : words.question(target)}</h1>
        <p className="open-place">
          <ClusterName name={cluster} whole />
          <span className="dim">{text.services.namespace}</span> {namespace}
          {problem && <span className="mono">{target}</span>}
        </p>
        {problem ? (
          <p>{sentence(problem)}</p>
        ) : (
          <p className="dim">
            {words.text} {!container && choicesOf(pod).length > 1 && words.chooseText}
          </p>
        )}
        <Group>
          {!problem && (
            <Button size="sm" autoFocus onClick={open}>
              {words.confirm}
            </Button>
          )}
          <InsteadLink pod={{ cluster, namespace, name }} />
        </Group>
      </div>
    </section>
  );
}

function InsteadLink({ pod }: { pod: ObjectName }) {
  return (
    <PlaceLink to={{ page: "pods", pod }} parameters={{ cluster: pod.cluster, namespace: pod.namespace }}>
      {words.instead}
    </PlaceLink>
  );
}

/** Why the link's shell cannot be opened, as sentences; empty when it can. */
function whyNot(pod: Pod, container: string): string {
  if (container && !pod.containers.some((each) => each.name === container)) {
    const names = pod.containers.map((each) => each.name).join(", ");
    return `${words.noContainer(container, pod.name)}. ${words.hasContainers(names)}`;
  }
  return pod.shell_refusal;
}
