/**
 * The same shell as a command to copy: kubectl's, with the user's own context and rights, and podshell's, through the gateway.
 *
 * Shells of tools containers are opened by `kubectl shell` and `podshell shell`, which are one program (docs/reference/shell.md); the first
 * without a gateway, so that it asks for no reason. What was left to a default when the session was opened is left to it here, too.
 */

import type { Session } from "../api/types";
import type { Named } from "./names";

/** What a command line is written from. */
export type Told = Named & {
  command: readonly string[];
  reason?: string;
  debug?: Session["debug"];
};

type Options = NonNullable<Session["debug"]>;

/** By the API's name; those that are true or false. A writable mount implies the mount. */
const SWITCHES: readonly [keyof Options, string][] = [
  ["mount_host", "--mount-host-filesystem"],
  ["host_write", "--allow-host-filesystem-write"],
  ["host_pid", "--host-pid"],
  ["enter", "--enter"],
  ["seccomp_unconfined", "--seccomp-unconfined"],
  ["apparmor_unconfined", "--apparmor-unconfined"],
];

/** The same shell by kubectl; the user's own context decides about the cluster. */
export function kubectlCommand(told: Told): string {
  if (isTools(told)) return line("kubectl", "shell", ...toolsWords(told), ...oneCommand(told, []));
  const container = told.container ? ["-c", told.container] : [];
  return line("kubectl", "exec", "-it", "-n", told.namespace, told.pod, ...container, ...oneCommand(told, ["sh"]));
}

/** The same shell by podshell, through the gateway that it knows. */
export function podshellCommand(told: Told): string {
  const reason = told.reason ? ["--reason", told.reason] : [];
  if (isTools(told)) {
    const place = ["--gateway", "--cluster", told.cluster];
    return line("podshell", "shell", ...place, ...toolsWords(told), ...reason, ...oneCommand(told, []));
  }
  const place = ["--cluster", told.cluster, "-n", told.namespace];
  const container = told.container ? ["-c", told.container] : [];
  return line("podshell", "exec", ...place, ...container, ...reason, `pods/${told.pod}`, ...oneCommand(told, []));
}

function isTools({ kind }: Told): boolean {
  return kind === "node" || kind === "debug";
}

/** Target and options of a tools container. */
function toolsWords({ kind, namespace, pod, node, debug }: Told): string[] {
  const target = kind === "node" ? [`node/${node || pod}`] : ["-n", namespace, `pods/${pod}`];
  return [...target, ...(debug ? optionWords(debug) : [])];
}

function optionWords(options: Options): string[] {
  const named = (flag: string, value: string | undefined): string[] => (value ? [flag, value] : []);
  const lasting = (flag: string, seconds: number | null | undefined): string[] =>
    seconds ? [flag, `${seconds}s`] : [];
  return [
    ...named("--profile", options.profile),
    ...named("--capabilities", options.capabilities?.join(",")),
    ...named("--target", options.target),
    ...SWITCHES.flatMap(([name, flag]) =>
      options[name] === true && !(name === "mount_host" && options.host_write) ? [flag] : [],
    ),
    ...named("--os", options.system),
    ...named("--image", options.image),
    ...named("--pull-policy", options.pull_policy),
    ...lasting("--ttl", options.ttl_seconds),
    ...lasting("--timeout", options.start_seconds),
  ];
}

function oneCommand({ command }: Told, otherwise: readonly string[]): string[] {
  const words = command.length > 0 ? command : otherwise;
  return words.length > 0 ? ["--", ...words] : [];
}

function line(...words: string[]): string {
  return words.map(quoted).join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
