/** Texts: The sessions page. */

import { plural } from "./words";

export const sessions = {
  title: "Sessions",
  count: (count: number) => plural(count, "open session", "open sessions"),
  columns: {
    target: "Pod / container",
    cluster: "Cluster",
    namespace: "Namespace",
    state: "State",
    started: "Opened",
    user: "User",
    actions: "Actions",
  },
  states: { opening: "Opening", running: "Running", restarting: "Restarting", ended: "Ended" } as Record<
    string,
    string
  >,
  resume: "Resume",
  show: "Show",
  end: "End",
  resumeOf: (target: string) => `Resume the session in ${target}`,
  endOf: (target: string) => `End the session in ${target}`,
  empty: "No open sessions",
  emptyText: "Shells that you open stay here, also when you close the page. Open one from a pod.",
  toPods: "Go to pods",
  loading: "Loading sessions",
  unknown: "This session is not there",
  unknownText: "It may have ended long ago, or it belongs to somebody else.",
};
