/** A pod and its events as plain text, in the manner of `kubectl describe`. Pure. */

import type { ContainerDetails, EventRow, PodDetails, TerminationRow } from "../api/types";

type Line = readonly [string, string | readonly string[]];

/** Write it; fields that are empty are left out. */
export function describe(pod: PodDetails, events: readonly EventRow[]): string {
  return [
    ...block(0, [
      ["Name", pod.name],
      ["Namespace", pod.namespace],
      ["Cluster", pod.cluster],
      ["Status", [pod.status, pod.reason, pod.message].filter(Boolean).join(", ")],
      ["Ready", pod.ready],
      ["Restarts", String(pod.restarts)],
      ["Created", pod.created_at],
      ["Started", pod.started_at],
      ["Deletion", pod.deleted_at],
      ["Node", pod.node],
      ["IPs", pod.ips],
      ["Controlled by", pod.owners.map(({ kind, name }) => `${kind}/${name}`)],
      ["Service account", pod.service_account],
      ["QoS class", pod.qos],
      ["Priority class", pod.priority_class],
      ["Restart policy", pod.restart_policy],
      ["Labels", pairs(pod.labels)],
      ["Annotations", pairs(pod.annotations)],
      ["Node selector", pairs(pod.node_selector)],
      ["Tolerations", pod.tolerations],
      ["Security", pod.security],
    ]),
    "Conditions:",
    ...pod.conditions.map(({ type, status, reason = "", message = "" }) =>
      `  ${type}  ${status}  ${[reason, message].filter(Boolean).join(": ")}`.trimEnd(),
    ),
    "Containers:",
    ...pod.containers.flatMap(ofContainer),
    "Volumes:",
    ...pod.volumes.map(({ name, kind = "", source = "" }) => `  ${name}  ${kind} ${source}`.trimEnd()),
    "Events:",
    ...events.map(
      ({ last_at, type, reason, message, count }) => `  ${last_at}  ${type}  ${reason}  (x${count})  ${message}`,
    ),
    "",
  ].join("\n");
}

function ofContainer(container: ContainerDetails): string[] {
  return [
    `  ${container.name}${container.role === "container" ? "" : ` (${container.role})`}:`,
    ...block(4, [
      ["Image", container.image],
      ["Image ID", container.image_id],
      ["State", [container.state, container.reason, container.message].filter(Boolean).join(", ")],
      ["Started", container.started_at],
      ["Ended", ended(container.termination)],
      ["Last time", ended(container.last_termination)],
      ["Ready", String(container.ready)],
      ["Restarts", String(container.restarts)],
      ["Command", container.command],
      ["Args", container.args],
      ["Ports", container.ports],
      ["Requests", pairs(container.requests)],
      ["Limits", pairs(container.limits)],
      ["Probes", container.probes],
      ["Environment", container.environment],
      [
        "Mounts",
        container.mounts.map(({ path, volume, read_only }) => `${path} from ${volume}${read_only ? " (ro)" : ""}`),
      ],
      ["Security", container.security],
    ]),
  ];
}

function ended(run: TerminationRow | null): string {
  if (!run) return "";
  const { exit_code, reason = "", message = "", finished_at = "" } = run;
  return [`exit code ${exit_code}`, reason, finished_at, message].filter(Boolean).join(", ");
}

function pairs(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `${name}=${value}`);
}

function block(indent: number, lines: readonly Line[]): string[] {
  const shown = lines.filter(([, value]) => value.length > 0);
  const width = Math.max(0, ...shown.map(([name]) => name.length)) + 2;
  return shown.flatMap(([name, value]) => {
    const [first = "", ...rest] = typeof value === "string" ? [value] : value;
    const head = " ".repeat(indent) + `${name}:`.padEnd(width);
    return [head + first, ...rest.map((line) => " ".repeat(indent + width) + line)];
  });
}
