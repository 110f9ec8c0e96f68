/** The nodes of one or all clusters, live, and one of them closely. */

import { Button } from "@mantine/core";
import { useMemo } from "react";
import { useRows } from "../api/rows";
import { ageText, useNow } from "../app/clock";
import { Empty } from "../app/Empty";
import { type Column, ListTable } from "../app/ListTable";
import { goTo, setParameters, useParameters, useScope } from "../app/location";
import { PageHead, PlaceLink, Search, Skeletons } from "../app/PageParts";
import type { NodeName, Place } from "../app/routes";
import { ClusterName } from "../clusters/ClusterName";
import { useClusters, useClustersInScope } from "../clusters/clusters";
import { Notices, useOffline } from "../clusters/Notices";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { nodeTone } from "./condition";
import { NodeDrawer } from "./NodeDrawer";
import { NodeShellAction } from "./NodeShellAction";
import { type ClusterNode, nodeMatches, nodeRows } from "./rows";
import "./nodes.css";

const words = text.nodes;

const placeOf = ({ cluster, name }: ClusterNode): Place => ({ page: "nodes", node: { cluster, name } });

export default function NodesPage({ node }: { node: NodeName | null }) {
  const { q = "", sort = "" } = useParameters();
  const { cluster } = useScope();
  const { clusters, loading } = useClusters();
  const { rows, complete, refusals } = useRows(nodeRows, useClustersInScope());
  const offline = useOffline();
  const now = useNow();
  const shown = useMemo(() => rows.filter((row) => nodeMatches(row, q)), [rows, q]);
  const waiting = loading || (!complete && rows.length === 0 && offline.length < clusters.length);
  const chosen = node && rows.find((row) => row.cluster === node.cluster && row.name === node.name);
  return (
    <section className="page" aria-labelledby="page-title">
      <PageHead title={words.title} status={waiting ? words.loading : words.count(shown.length, rows.length)} />
      <search className="filters">
        <Search label={words.search} value={q} />
      </search>
      <Notices refusals={refusals} refused={words.refused} />
      {waiting ? (
        <Skeletons label={words.loading} rows={6} />
      ) : shown.length > 0 ? (
        <ListTable
          label={words.title}
          columns={columnsOf(now, !cluster && clusters.length > 1)}
          rows={shown}
          keyOf={(row) => row.key}
          named="name"
          onRow={(row) => goTo(placeOf(row), { q, sort })}
          {...(chosen ? { chosen: chosen.key } : {})}
        />
      ) : (
        <Empty icon="nodes" title={rows.length > 0 ? words.noMatch : words.empty} live>
          <p>{rows.length > 0 ? words.noMatchText : words.emptyText}</p>
          {rows.length > 0 && (
            <Button variant="default" onClick={() => setParameters({ q: "" })}>
              {text.clear}
            </Button>
          )}
        </Empty>
      )}
      {node && (
        <NodeDrawer
          key={`${node.cluster}/${node.name}`}
          name={node}
          onClose={() => goTo({ page: "nodes", node: null }, { q, sort })}
        />
      )}
    </section>
  );
}

function columnsOf(now: number, withCluster: boolean): Column<ClusterNode>[] {
  const all: Column<ClusterNode>[] = [
    {
      id: "name",
      title: words.columns.name,
      width: "minmax(150px, 1.6fr)",
      value: (row) => row.name,
      cell: (row) => <PlaceLink to={placeOf(row)}>{row.name}</PlaceLink>,
    },
    {
      id: "cluster",
      title: words.columns.cluster,
      width: "minmax(110px, 1fr)",
      value: (row) => row.cluster,
      cell: (row) => <ClusterName name={row.cluster} />,
    },
    {
      id: "status",
      title: words.columns.status,
      width: "minmax(110px, 1fr)",
      value: (row) => row.status,
      cell: (row) => (
        <span title={row.reason}>
          <StatusMark tone={nodeTone(row)} label={row.status} />
        </span>
      ),
    },
    {
      id: "roles",
      title: words.columns.roles,
      width: "minmax(80px, 0.8fr)",
      only: "desk",
      value: (row) => row.roles.join(", "),
      cell: (row) => row.roles.join(", "),
    },
    {
      id: "version",
      title: words.columns.version,
      width: "minmax(76px, 0.6fr)",
      value: (row) => row.version,
      cell: (row) => <span className="number">{row.version}</span>,
    },
    {
      id: "system",
      title: words.columns.system,
      width: "minmax(110px, 1fr)",
      only: "wide",
      value: (row) => `${row.os} ${row.architecture}`,
      cell: (row) => `${row.os} ${row.architecture}`,
    },
    {
      id: "pressure",
      title: words.columns.pressure,
      width: "minmax(90px, 1fr)",
      only: "desk",
      value: (row) => row.pressure.join(", "),
      cell: (row) =>
        row.pressure.length > 0 ? (
          <StatusMark tone="bad" label={row.pressure.join(", ")} />
        ) : (
          <span className="dim">{words.noPressure}</span>
        ),
    },
    {
      id: "taints",
      title: words.columns.taints,
      width: "minmax(110px, 1.4fr)",
      only: "wide",
      value: (row) => row.taints.length,
      cell: (row) => (
        <span className="dim" title={row.taints.join("\n")}>
          {row.taints.join(", ")}
        </span>
      ),
    },
    {
      id: "pods",
      title: words.columns.pods,
      width: "52px",
      end: true,
      value: (row) => row.pods,
      cell: (row) => row.pods,
    },
    {
      id: "age",
      title: words.columns.age,
      width: "50px",
      end: true,
      value: (row) => -Date.parse(row.created_at),
      cell: (row) => <span title={row.created_at}>{ageText(row.created_at, now)}</span>,
    },
    {
      id: "actions",
      title: words.columns.actions,
      width: "104px",
      quiet: true,
      cell: (row) => <NodeShellAction node={row} compact />,
    },
  ];
  return withCluster ? all : all.filter((column) => column.id !== "cluster");
}
