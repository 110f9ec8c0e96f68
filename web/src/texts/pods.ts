/** Texts: The pods page. */

import { plural } from "./words";

export const pods = {
  title: "Pods",
  namespace: "Namespace",
  allNamespaces: "All namespaces",
  search: "Search by name or label",
  status: "Status",
  running: "Running",
  attention: "Needs attention",
  count: (shown: number, all: number) =>
    shown === all ? plural(all, "pod", "pods") : `${shown.toLocaleString("en")} of ${plural(all, "pod", "pods")}`,
  columns: {
    name: "Name",
    cluster: "Cluster",
    namespace: "Namespace",
    ready: "Ready",
    status: "Status",
    restarts: "Restarts",
    age: "Age",
    owner: "Controlled by",
    node: "Node",
    actions: "Actions",
  },
  sortBy: (column: string) => `Sort by ${column}`,
  shell: "Pod Shell",
  shellOf: (pod: string) => `Pod Shell in ${pod}`,
  loading: "Loading pods",
  empty: "No pods here",
  emptyText: "This namespace has no pods now. New ones appear by themselves.",
  noMatch: "No pod matches",
  noMatchText: "Nothing fits this search and these filters.",
  clear: "Clear filters",
  refused: (cluster: string) => `The pods of ${cluster} cannot be listed`,
};
