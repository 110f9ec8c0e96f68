/** Services as a dense list with aligned columns. */

import { ageText, useNow } from "../app/clock";
import { type Column, ListTable } from "../app/ListTable";
import { goTo } from "../app/location";
import { PlaceLink } from "../app/PageParts";
import type { Place } from "../app/routes";
import { ClusterName } from "../clusters/ClusterName";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { healthTone, imageName, type Workload } from "./workloads";

const words = text.services;

function placeOf({ cluster, namespace, kind, name }: Workload): Place {
  return { page: "services", workload: { cluster, namespace, kind, name } };
}

function columnsOf(now: number, withCluster: boolean): Column<Workload>[] {
  const all: Column<Workload>[] = [
    {
      id: "name",
      title: words.columns.name,
      width: "minmax(150px, 1.6fr)",
      value: (row) => row.name,
      cell: (row) => <PlaceLink to={placeOf(row)}>{row.name}</PlaceLink>,
    },
    {
      id: "health",
      title: words.columns.health,
      width: "118px",
      value: (row) => row.health,
      cell: (row) => <StatusMark tone={healthTone(row.health)} label={words.healths[row.health] ?? row.health} />,
    },
    {
      id: "ready",
      title: words.columns.ready,
      width: "58px",
      end: true,
      value: (row) => (row.desired ? row.ready / row.desired : 1),
      cell: (row) => words.ready(row.ready, row.desired),
    },
    {
      id: "kind",
      title: words.columns.kind,
      width: "minmax(84px, 0.7fr)",
      value: (row) => row.kind,
      cell: (row) => row.kind,
    },
    {
      id: "cluster",
      title: words.columns.cluster,
      width: "minmax(110px, 1fr)",
      value: (row) => row.cluster,
      cell: (row) => <ClusterName name={row.cluster} />,
    },
    {
      id: "namespace",
      title: words.columns.namespace,
      width: "minmax(90px, 0.9fr)",
      value: (row) => row.namespace,
      cell: (row) => row.namespace,
    },
    {
      id: "image",
      title: words.columns.image,
      width: "minmax(110px, 1.1fr)",
      only: "desk",
      value: (row) => row.images[0] ?? "",
      cell: (row) => <span title={row.images.join(", ")}>{imageName(row.images[0] ?? "")}</span>,
    },
    {
      id: "reason",
      title: words.columns.reason,
      width: "minmax(120px, 1.8fr)",
      only: "wide",
      cell: (row) => (
        <span className="dim" title={row.reason}>
          {row.health === "healthy" && row.desired > 0 ? "" : row.reason}
        </span>
      ),
    },
    {
      id: "age",
      title: words.columns.age,
      width: "50px",
      end: true,
      value: (row) => -Date.parse(row.created_at),
      cell: (row) => <span title={row.created_at}>{ageText(row.created_at, now)}</span>,
    },
  ];
  return withCluster ? all : all.filter((column) => column.id !== "cluster");
}

export function ServiceList({ workloads, withCluster }: { workloads: Workload[]; withCluster: boolean }) {
  return (
    <ListTable
      label={words.title}
      columns={columnsOf(useNow(), withCluster)}
      rows={workloads}
      keyOf={(row) => row.key}
      named="name"
      onRow={(row) => goTo(placeOf(row))}
    />
  );
}
