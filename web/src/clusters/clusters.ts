/** The clusters of this gateway, kept fresh by the live socket. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchClusters } from "../api/client";
import { type Batch, live } from "../api/live";
import { queries } from "../api/queries";
import type { Cluster } from "../api/types";
import { useScope } from "../app/location";
import { clusterColour, isProduction } from "./colours";

const NONE: Cluster[] = [];
const KEY = ["clusters"];
/** Counts what the live socket has told: an answer that was asked for before is older. */
let told = 0;

/** Follow the clusters' presence for as long as the page lives. */
export function followClusters(): () => void {
  return live.subscribe({
    topic: "clusters",
    restart: () => void queries.invalidateQueries({ queryKey: KEY }),
    receive: receiveClusters,
  });
}

/** Change what is known by what the live socket tells; a change of what nobody has asked for yet has it asked for. */
export function receiveClusters(batch: Batch): void {
  const before = queries.getQueryData<Cluster[]>(KEY);
  if (before === undefined && !batch.reset) {
    void queries.invalidateQueries({ queryKey: KEY });
    return;
  }
  told += 1;
  const rows = new Map((batch.reset ? [] : (before ?? [])).map((cluster) => [cluster.name, cluster]));
  for (const cluster of batch.set as Cluster[]) rows.set(cluster.name, cluster);
  for (const name of batch.removed) rows.delete(name);
  queries.setQueryData<Cluster[]>(
    KEY,
    [...rows.values()].sort((one, other) => one.name.localeCompare(other.name)),
  );
}

/** Ask for the clusters; what the live socket has told meanwhile is newer than the answer. */
export async function askForClusters(): Promise<Cluster[]> {
  const before = told;
  const answer = await fetchClusters();
  return told === before ? answer : (queries.getQueryData<Cluster[]>(KEY) ?? answer);
}

export function useClusters() {
  const query = useQuery({ queryKey: KEY, queryFn: askForClusters });
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
