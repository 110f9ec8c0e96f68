/** One container of a pod: its state and how its last run ended at once, the rest on demand. */

import { Button } from "@mantine/core";
import type { ContainerDetails, TerminationRow } from "../api/types";
import { Facts } from "../app/PageParts";
import { containerTone, StatusMark } from "../pods/status";
import { text } from "../text";
import { Lines, Moment, Pairs } from "./Parts";
import { momentText } from "./times";

const words = text.drawer.container;

interface Props {
  container: ContainerDetails;
  /** It is the one that `kubectl` takes when none is named. */
  preferred: boolean;
  onLogs(container: string): void;
}

export function ContainerCard({ container, preferred, onLogs }: Props) {
  const { name, role, state, reason, termination } = container;
  const exit = termination?.exit_code ?? null;
  const mark = text.choice.roles[role];
  return (
    <article className="container-card" aria-label={name}>
      <header>
        <strong className="mono">{name}</strong>
        {preferred && <span className="tag">{words.default}</span>}
        {mark && <span className="tag">{mark}</span>}
        <StatusMark tone={containerTone(state, exit, reason)} label={reason || state} />
        {state === "running" && !container.ready && role !== "ephemeral" && (
          <span className="tag">{words.notReady}</span>
        )}
        <Button size="compact-xs" variant="subtle" aria-label={words.logs(name)} onClick={() => onLogs(name)}>
          {words.showLogs}
        </Button>
      </header>
      {container.message && <p className="container-message">{container.message}</p>}
      <Facts
        facts={[
          [
            words.image,
            <span key="image" className="mono">
              {container.image}
            </span>,
          ],
          [words.since, container.started_at && <Moment key="since" at={container.started_at} />],
          [words.restarts, container.restarts > 0 && <span className="number">{container.restarts}</span>],
          [words.this, termination && <Termination key="this" run={termination} />],
          [words.last, container.last_termination && <Termination key="last" run={container.last_termination} />],
          [words.target, container.target],
          [words.ports, container.ports.join(", ")],
        ]}
      />
      <More container={container} />
    </article>
  );
}

function Termination({ run }: { run: TerminationRow }) {
  const { exit_code, reason = "", signal = 0, message = "", finished_at = "" } = run;
  const facts = [
    words.ended(exit_code, reason),
    signal ? words.signal(signal) : "",
    finished_at ? words.at(momentText(finished_at)) : "",
  ];
  return (
    <>
      {facts.filter(Boolean).join(", ")}
      {message && <p className="container-message">{message}</p>}
    </>
  );
}

function More({ container }: { container: ContainerDetails }) {
  const mounts = container.mounts.map(
    ({ path, volume, read_only }) => `${path} ← ${volume}${read_only ? ` (${words.readOnly})` : ""}`,
  );
  const none = (list: readonly unknown[], node: React.ReactNode): React.ReactNode => (list.length > 0 ? node : "");
  return (
    <details>
      <summary>{words.more}</summary>
      <Facts
        facts={[
          [words.command, none(container.command, <Lines lines={container.command} />)],
          [words.args, none(container.args, <Lines lines={container.args} />)],
          [words.requests, none(Object.keys(container.requests), <Pairs pairs={container.requests} />)],
          [words.limits, none(Object.keys(container.limits), <Pairs pairs={container.limits} />)],
          [words.probes, none(container.probes, <Lines lines={container.probes} />)],
          [words.mounts, none(mounts, <Lines lines={mounts} />)],
          [words.environment, none(container.environment, <Lines lines={container.environment} />)],
          [words.security, none(container.security, <Lines lines={container.security} />)],
          [words.imageId, container.image_id && <span className="mono">{container.image_id}</span>],
          [words.id, container.container_id && <span className="mono">{container.container_id}</span>],
        ]}
      />
    </details>
  );
}
