/** Texts: The sessions page. */

import { plural, seconds } from "./words";

export const sessions = {
  title: "Sessions",
  count: (count: number) => plural(count, "open session", "open sessions"),
  columns: {
    target: "Pod / container",
    cluster: "Cluster",
    namespace: "Namespace",
    state: "State",
    kind: "Kind",
    started: "Opened",
    idle: "Idle",
    user: "User",
    reason: "Reason",
    actions: "Actions",
  },
  states: { opening: "Opening", running: "Running", restarting: "Restarting", ended: "Ended" } as Record<
    string,
    string
  >,
  kinds: { exec: "Pod shell", debug: "Debug shell", node: "Node shell" } as Record<string, string>,
  closesIn: (wait: number) => `closes in ${seconds(wait)}`,
  closesAfter: (limit: number) => `closes after ${limit % 60 === 0 ? `${limit / 60} min` : seconds(limit)}`,
  never: "never closes",
  outOfScope: (count: number) => `${plural(count, "session is", "sessions are")} in other clusters or namespaces.`,
  showAll: "Show all",
  resume: "Resume",
  show: "Show",
  end: "End",
  showOf: (target: string) => `Show the session in ${target}`,
  resumeOf: (target: string) => `Resume the session in ${target}`,
  endOf: (target: string) => `End the session in ${target}`,
  empty: "No open sessions",
  emptyText: "Shells that you open stay here, also when you close the page. Open one from a pod.",
  toPods: "Go to pods",
  loading: "Loading sessions",
  unknown: "This session is not there",
  unknownText: "It may have ended long ago, or it belongs to somebody else.",
};
