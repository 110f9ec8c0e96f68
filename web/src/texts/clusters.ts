/** Texts: Clusters. */

export const clusters = {
  all: "All clusters",
  label: "Cluster",
  none: "No cluster yet",
  noneText: "No agent has joined this gateway. As soon as one does, its pods show here.",
  offline: (name: string) => `${name}: agent offline`,
  offlineText: "Its agent is not connected: pods and shells of this cluster come back when it is.",
  offlineMark: "offline",
};
