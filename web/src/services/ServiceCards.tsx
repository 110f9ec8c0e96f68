/** Services as cards: how each is, and why when it is not well. */

import { memo } from "react";
import { dictionary } from "../app/dictionary";
import { sortRows } from "../app/ListTable";
import { PlaceLink } from "../app/PageParts";
import { ClusterName } from "../clusters/ClusterName";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { healthTone, imageName, type Workload } from "./workloads";

const words = text.services;
const BADNESS = dictionary({ unhealthy: 0, progressing: 1, "": 2, healthy: 3 });

const ORDERS = [
  { id: "name", value: (workload: Workload) => workload.name },
  { id: "health", value: (workload: Workload) => BADNESS[workload.health] ?? 2 },
  { id: "created", value: (workload: Workload) => Date.parse(workload.created_at) },
];

/** Sort as the address says; equal ones by name. */
export function ServiceCards({ workloads, sort }: { workloads: Workload[]; sort: string }) {
  const byName = sortRows(workloads, ORDERS, { id: "name", descending: false });
  const sorted = sortRows(byName, ORDERS, { id: sort.replace(/^-/, ""), descending: sort.startsWith("-") });
  return (
    <ul className="service-cards" aria-label={words.title}>
      {sorted.map((workload) => (
        <Card key={workload.key} workload={workload} />
      ))}
    </ul>
  );
}

const Card = memo(function Card({ workload }: { workload: Workload }) {
  const { cluster, namespace, kind, name, health } = workload;
  const image = workload.images[0] ?? "";
  return (
    <li className={`service-card is-${health || "unknown"}`}>
      <div className="service-card-head">
        <StatusMark tone={healthTone(health)} label={words.healths[health] ?? health} />
        <span className="number" title={words.readyLong(workload.ready, workload.desired)}>
          {words.ready(workload.ready, workload.desired)}
          <span className="sr-only"> {words.columns.ready}</span>
        </span>
      </div>
      <h2 className="cut">
        <PlaceLink to={{ page: "services", workload: { cluster, namespace, kind, name } }} className="stretched">
          {name}
        </PlaceLink>
      </h2>
      <p className="dim cut" title={workload.images.join(", ")}>
        {kind} · {image ? imageName(image) : ""}
        {workload.images.length > 1 && ` ${words.images(workload.images.length - 1)}`}
      </p>
      <p className="service-reason" title={workload.reason}>
        {health === "healthy" && workload.desired > 0 ? "" : workload.reason}
      </p>
      <p className="service-place">
        <ClusterName name={cluster} />
        <span className="cut">
          <span className="dim">{words.namespace} </span>
          {namespace}
        </span>
      </p>
    </li>
  );
});
