/** The clusters of this gateway, kept fresh by the live socket. */

import { useQuery } from "@tanstack/react-query";
import { fetchClusters } from "../api/client";
import { live } from "../api/live";
import { queries } from "../api/queries";
import type { Cluster } from "../api/types";
import { clusterColour } from "./colours";

const NONE: Cluster[] = [];

/** Follow the clusters' presence for as long as the page lives. */
export function followClusters(): () => void {
  return live.subscribe({
    topic: "clusters",
    restart: () => void queries.invalidateQueries({ queryKey: ["clusters"] }),
    receive: (batch) => {
      queries.setQueryData<Cluster[]>(["clusters"], (before) => {
        const rows = new Map((batch.reset ? [] : (before ?? [])).map((cluster) => [cluster.name, cluster]));
        for (const cluster of batch.set as Cluster[]) rows.set(cluster.name, cluster);
        for (const name of batch.removed) rows.delete(name);
        return [...rows.values()].sort((one, other) => one.name.localeCompare(other.name));
      });
    },
  });
}

export function useClusters() {
  const query = useQuery({ queryKey: ["clusters"], queryFn: fetchClusters });
  return { clusters: query.data ?? NONE, loading: query.isPending, failed: query.isError };
}

export function useClusterColour(name: string): string {
  const { clusters } = useClusters();
  return clusterColour(name, clusters.find((cluster) => cluster.name === name)?.colour ?? "");
}
