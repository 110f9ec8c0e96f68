/** Texts: The command palette, shortcuts, and links that open a shell. */

import { plural } from "./words";

export const palette = {
  title: "Find and do",
  button: "Search",
  andCommands: "and commands",
  placeholder: "Find a pod, a service, a node, or something to do",
  results: (count: number) => (count === 0 ? "Nothing fits" : plural(count, "result", "results")),
  none: "Nothing fits",
  noneText: "Names of pods, services, nodes, clusters and open shells are searched, and commands.",
  loading: "More may come: the lists are still loading.",
  groups: {
    session: "Open shells",
    command: "Commands",
    page: "Pages",
    pod: "Pods",
    service: "Services",
    node: "Nodes",
    cluster: "Clusters",
  },
  hints: {
    move: "to choose",
    run: "to run",
    details: "for details",
    close: "to close",
  },
  does: {
    shell: "open a shell",
    details: "details",
    go: "go",
    resume: "resume",
    run: "run",
    scope: "show its pods",
  },
};

export const shortcuts = {
  title: "Keyboard shortcuts",
  groups: { everywhere: "Everywhere", pages: "Pages", look: "Look", shells: "Shells" },
  inTerminal: "in a terminal",
  then: "then",
  singles: "Single keys",
  singlesText: "Shortcuts of one key without a modifier, as ? and g p. Turn them off if you speak to your computer.",
  about:
    "While a terminal has the focus, every key that a shell can use is the shell's. Only the keys shown for terminals are the console's there.",
  palette: "Search and commands",
  help: "Keyboard shortcuts",
  go: (page: string) => `Go to ${page}`,
  scheme: (scheme: string) => `Colour scheme: ${scheme}`,
  allScope: "Show all clusters and namespaces",
};

export const open = {
  title: "Open a shell",
  question: (target: string) => `Open a shell in ${target}?`,
  text: "A link asks for it. Nothing is opened before you say so.",
  confirm: "Open the shell",
  chooseText: "It has several containers: you choose one next.",
  instead: "Show the pod instead",
  refused: "No shell can be opened there now",
  noContainer: (container: string, pod: string) => `${pod} has no container called ${container}`,
  hasContainers: (names: string) => `It has: ${names}.`,
  missing: "This link says not enough",
  missingText:
    "A link that opens a shell names cluster, namespace and pod: /open?cluster=…&namespace=…&pod=…&container=…. One with kind=debug opens the form for a debug container in that pod; one with kind=node names cluster and node.",
  failed: "The pod cannot be looked up",
  looking: (pod: string) => `Looking for ${pod}`,
};
