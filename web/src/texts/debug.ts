/** Texts: The form for debug and node shells. */

import { plural } from "./words";

/** How an action of the ceiling is called among the agent's options (docs/reference/options.md): --ceiling-pod-debug. */
const agentOption = (action: string): string =>
  `--ceiling-${action.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
const agentVariable = (action: string): string =>
  `PODSHELL_AGENT${agentOption(action).slice(1).replaceAll("-", "_").toUpperCase()}`;

export const debug = {
  titles: {
    debug: (pod: string) => `Debug container in ${pod}`,
    node: (node: string) => `Shell on the node ${node}`,
  },
  intro: {
    debug:
      "A tools container is added to the running pod: it sees the pod's network, and shares the processes that you choose.",
    node: "A tools pod is started on the node, on the node's own network.",
  },
  after: {
    debug: "A debug container cannot be removed from its pod again. It ends a minute after the last shell in it.",
    node: "The pod is removed as soon as its shell ends.",
  },
  ended: {
    debug: "The debug container stays listed in its pod; it ends within a minute of the last shell in it.",
    node: "The node pod of this shell is removed.",
  },

  profile: "What it may do",
  profiles: {
    debug: {
      "": ["Plain", "Looks only: no capability is added. Processes, files and names of the pod."],
      net: ["Network", "Captures traffic and changes the pod's network: tcpdump, iptables, nft, ping."],
      restricted: ["Restricted", "What the strictest Pod Security level allows: not root, nothing added."],
    },
    node: {
      "": ["Plain", "The node's network, and nothing else of the node."],
      net: ["Network", "Captures traffic and changes the node's network: tcpdump, iptables, nft, conntrack."],
      host: ["Host files", "The node's files at /host, read-only, and chroot into them."],
      systemd: ["Systemd", "systemctl, journalctl and crictl of the node, by chroot."],
      trace: ["Tracing", "bpftrace, bpftool and perf on the node's kernel: nearly everything."],
    },
  } as Record<string, Record<string, [string, string]>>,
  target: "Share the processes of",
  targetText: "Both sides can then see and signal each other. Needs the right to open a shell in that container too.",
  noTarget: "no container: the pod's network only",
  noContainers: "The pod's containers could not be looked up",

  advanced: "Advanced",
  chosen: (count: number) => plural(count, "choice", "choices"),
  capabilities: "Further capabilities",
  capabilitiesText: "Names as in man 7 capabilities, with commas between them.",
  unknownCapability: (name: string, near: string) =>
    `There is no capability ${name}${near ? `: did you mean ${near}?` : "; man 7 capabilities lists them."}`,
  system: "System",
  systems: { linux: "Linux", windows: "Windows (untested)" } as Record<string, string>,
  windowsText:
    "A HostProcess container: its shell runs as SYSTEM on the node itself. No Windows node has seen this yet.",
  linuxOnly: "Has no meaning on Windows: nothing confines a shell there.",
  image: "Image",
  imageText: "Empty: the tools image of the cluster. Others only where the cluster's agent allows them.",
  windowsImageText:
    "Empty: the base image of HostProcess containers. Others only where the cluster's agent allows them.",
  pullPolicy: "Pull the image",
  pullPolicies: {
    "": "As the cluster does",
    IfNotPresent: "If the node does not have it",
    Always: "Always",
    Never: "Never",
  } as Record<string, string>,
  life: "Longest life",
  lives: {
    "": "As the cluster does",
    "900": "15 minutes",
    "3600": "1 hour",
    "14400": "4 hours",
    "28800": "8 hours",
    "86400": "24 hours",
  } as Record<string, string>,
  lifeOf: (seconds: number) => `${seconds.toLocaleString("en")} seconds`,
  switchesLabel: "What of the node it gets",
  switches: {
    mount_host: ["The node's files at /host", "Read-only, and yet equal to root on the node."],
    host_write: ["Write to the node's files", "What is changed there stays."],
    host_pid: ["The node's processes", "All of them can be seen, and signalled."],
    enter: ["Enter the node", "The shell runs in the node's own namespaces, as root."],
    seccomp_unconfined: ["Without seccomp", "System calls are not filtered."],
    apparmor_unconfined: ["Without AppArmor", "File access is not confined."],
  } as Record<string, [string, string]>,
  reason: "Reason",
  reasonText: "Goes into the audit.",

  outcome: "What this makes",
  planning: "Asking the cluster what this would make",
  object: {
    job: (namespace: string) => `A pod on the node, by a Job in the namespace ${namespace}`,
    pod: (namespace: string) => `A pod on the node, in the namespace ${namespace}`,
    ephemeral_container: (namespace: string) => `A debug container in the pod, in the namespace ${namespace}`,
  } as Record<string, (namespace: string) => string>,
  made: "Makes",
  podSecurity: "Pod Security",
  noPodSecurity: "nothing enforced in that namespace",
  level: (level: string) => `${level}, enforced in that namespace`,
  needs: "Needs of the ceiling",
  livesFor: "Lives at most",
  risks: "What it means",
  danger: "Danger",
  manifest: "Manifest",
  refused: "This would be refused",
  failed: "The cluster could not be asked",
  notNow: "This cannot be opened as it stands",
  open: "Open the shell",
  why: (sentence: string) => `It would be refused: ${sentence}`,
  change: "Change the options",

  allow: (cluster: string, what: string, action: string) =>
    `${cluster} does not allow ${what}. Its owner can: ${agentOption(action)} for its agent (or ${agentVariable(action)}=true), or --allow ${action} with podshell up.`,
  kinds: { node: "node shells", debug: "debug containers" },
};
