/** The clusters of this gateway, kept fresh by the live socket. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchClusters } from "../api/client";
import { live } from "../api/live";
import { queries } from "../api/queries";
import type { Cluster } from "../api/types";
import { useScope } from "../app/location";
import { clusterColour, isProduction } from "./colours";

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

/** The names of the clusters that the pages show now. One that is in the address alone is among them, so that its refusal is seen. */
export function useClustersInScope(): string[] {
  const { clusters } = useClusters();
  const { cluster: chosen } = useScope();
  return useMemo(() => (chosen ? [chosen] : clusters.map((cluster) => cluster.name)), [clusters, chosen]);
}

/** How a cluster is marked everywhere: by the colour and the label that its owner chose. */
export interface ClusterMark {
  colour: string;
  label: string;
  production: boolean;
}

export function useClusterMark(name: string): ClusterMark {
  const { clusters } = useClusters();
  const cluster = clusters.find((each) => each.name === name);
  const label = cluster?.label ?? "";
  return { colour: clusterColour(name, cluster?.colour ?? ""), label, production: isProduction(label) };
}

export function useClusterColour(name: string): string {
  return useClusterMark(name).colour;
}
