/** What the form holds, and the request that it becomes: pure. What the options mean is the agent's to say (its plan), not this page's. */

import type { OpenSessionBody } from "../api/types";
import { text } from "../text";
import { CAPABILITIES, nearest } from "./capabilities";
import type { DebugOptions, ToolsTarget } from "./form";

export type Profile = NonNullable<DebugOptions["profile"]>;
export type PullPolicy = NonNullable<DebugOptions["pull_policy"]>;
export type System = NonNullable<DebugOptions["system"]>;

/** In the order in which they are offered. */
export const PROFILES: Record<ToolsTarget["kind"], readonly Profile[]> = {
  debug: ["net", "restricted", ""],
  node: ["", "net", "host", "systemd", "trace"],
};

/** Choices of a node's shell alone: a pod has no host file system, and its namespaces are its own. */
export const SWITCHES = [
  "mount_host",
  "host_write",
  "host_pid",
  "enter",
  "seccomp_unconfined",
  "apparmor_unconfined",
] as const;
export type Switch = (typeof SWITCHES)[number];

export interface Choices {
  profile: Profile;
  /** A container of the pod whose processes are shared; empty: none. */
  target: string;
  /** As typed: names with commas or spaces between them. */
  capabilities: string;
  /** The operating system of a node; empty: nobody has said, which is taken for Linux. */
  system: System;
  image: string;
  pullPolicy: PullPolicy;
  switches: Readonly<Record<Switch, boolean>>;
  /** The container's longest life in seconds; empty: the cluster's own. */
  life: string;
  reason: string;
  /** What a session had that the form does not ask for; it is asked for again as it was. */
  kept: Pick<DebugOptions, "start_seconds"> & { command?: readonly string[] };
}

/** What the form shows at first. Without a word from anybody the least is asked for. */
export function choicesOf(options: DebugOptions, reason: string, command: readonly string[] = []): Choices {
  const { start_seconds } = options;
  return {
    profile: options.profile ?? "",
    target: options.target ?? "",
    capabilities: (options.capabilities ?? []).join(", "),
    system: options.system ?? "",
    image: options.image ?? "",
    pullPolicy: options.pull_policy ?? "",
    switches: Object.fromEntries(SWITCHES.map((name) => [name, options[name] === true])) as Record<Switch, boolean>,
    life: options.ttl_seconds ? String(options.ttl_seconds) : "",
    reason,
    kept: {
      ...(start_seconds ? { start_seconds } : {}),
      ...(command.length > 0 ? { command } : {}),
    },
  };
}

/** Kubernetes' names of what was typed: `cap_net_raw` is NET_RAW. Each once. */
export function capabilitiesOf(typed: string): string[] {
  const names = typed.split(/[\s,]+/).map((name) => name.toUpperCase().replace(/^CAP_/, ""));
  return [...new Set(names.filter(Boolean))];
}

/** What is wrong with the typed capabilities, as one sentence; empty: nothing. */
export function capabilityProblem(typed: string): string {
  const unknown = capabilitiesOf(typed).find((name) => !CAPABILITIES.includes(name));
  return unknown === undefined ? "" : text.debug.unknownCapability(unknown, nearest(unknown));
}

/** True when a shell on Windows is asked for: profiles, capabilities and the switches are Linux' and have no meaning there. */
export function onWindows(target: ToolsTarget, { system }: Pick<Choices, "system">): boolean {
  return target.kind === "node" && system === "windows";
}

/** Write the request. What is left as it is, and what has no meaning for the target, is left out. */
export function bodyOf(target: ToolsTarget, choices: Choices): OpenSessionBody {
  const { command, ...options }: Choices["kept"] & DebugOptions = { ...choices.kept };
  const linux = !onWindows(target, choices);
  const capabilities = linux ? capabilitiesOf(choices.capabilities) : [];
  if (choices.system) options.system = choices.system;
  if (linux && choices.profile) options.profile = choices.profile;
  if (capabilities.length > 0) options.capabilities = capabilities;
  if (choices.image.trim()) options.image = choices.image.trim();
  if (choices.pullPolicy) options.pull_policy = choices.pullPolicy;
  if (choices.life) options.ttl_seconds = Number(choices.life);
  if (target.kind === "debug" && choices.target) options.target = choices.target;
  if (target.kind === "node" && linux) for (const name of SWITCHES) if (choices.switches[name]) options[name] = true;
  const reason = choices.reason.trim();
  return {
    ...target,
    debug: options,
    ...(command ? { command: [...command] } : {}),
    ...(reason ? { reason } : {}),
  };
}

/** How many of the choices under "Advanced" are made. */
export function advancedCount(target: ToolsTarget, choices: Choices): number {
  const system = onWindows(target, choices) ? "windows" : "";
  const { debug } = bodyOf(target, { ...choices, system, profile: "", target: "", kept: {} });
  return Object.keys(debug ?? {}).length;
}
