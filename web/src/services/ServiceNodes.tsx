/** The Nodes tab of a service: where its pods are. */

import { useMemo } from "react";
import { useRows } from "../api/rows";
import type { Pod } from "../api/types";
import { Empty } from "../app/Empty";
import { type Column, ListTable } from "../app/ListTable";
import { PlaceLink } from "../app/PageParts";
import { nodeTone } from "../nodes/condition";
import { type ClusterNode, nodeRows } from "../nodes/rows";
import { StatusMark } from "../pods/status";
import { text } from "../text";

const words = text.services.nodes;

interface Spread {
  name: string;
  cluster: string;
  pods: number;
  node: ClusterNode | undefined;
}

const COLUMNS: Column<Spread>[] = [
  {
    id: "name",
    title: words.columns.name,
    width: "minmax(160px, 2fr)",
    value: (row) => row.name,
    cell: (row) =>
      row.name ? (
        <PlaceLink to={{ page: "nodes", node: { cluster: row.cluster, name: row.name } }}>{row.name}</PlaceLink>
      ) : (
        <span className="dim">{words.unscheduled}</span>
      ),
  },
  {
    id: "status",
    title: words.columns.status,
    width: "minmax(120px, 1fr)",
    value: (row) => row.node?.status ?? "",
    cell: (row) => row.node && <StatusMark tone={nodeTone(row.node)} label={row.node.status} />,
  },
  {
    id: "pods",
    title: words.columns.pods,
    width: "80px",
    end: true,
    value: (row) => row.pods,
    cell: (row) => row.pods,
  },
  {
    id: "version",
    title: words.columns.version,
    width: "minmax(100px, 1fr)",
    value: (row) => row.node?.version ?? "",
    cell: (row) => row.node?.version,
  },
];

export function ServiceNodes({ cluster, pods }: { cluster: string; pods: Pod[] }) {
  const { rows } = useRows(nodeRows, [cluster]);
  const spread = useMemo(() => {
    const counts = new Map<string, number>();
    for (const pod of pods) counts.set(pod.node, (counts.get(pod.node) ?? 0) + 1);
    return [...counts].map(([name, count]) => ({
      name,
      cluster,
      pods: count,
      node: rows.find((node) => node.name === name),
    }));
  }, [pods, rows, cluster]);
  if (spread.length === 0)
    return (
      <Empty icon="nodes" title={words.empty} live>
        <p>{words.emptyText}</p>
      </Empty>
    );
  return <ListTable label={words.label} columns={COLUMNS} rows={spread} keyOf={(row) => row.name} named="name" />;
}
