/** The clusters of this gateway: whether they can be reached, through which agents, and what each allows at most. */

import { Button } from "@mantine/core";
import { useState } from "react";
import type { Cluster } from "../api/types";
import { ageText, useNow } from "../app/clock";
import { Empty } from "../app/Empty";
import { Icon } from "../app/icons";
import { useScope } from "../app/location";
import { PageHead, PlaceLink, Skeletons } from "../app/PageParts";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { AddCluster } from "./AddCluster";
import { ClusterTag } from "./ClusterName";
import { useClusterMark, useClusters } from "./clusters";
import "./clusters.css";

const words = text.clusters;

export default function ClustersPage() {
  const { clusters, loading, failed } = useClusters();
  const [adding, setAdding] = useState(false);
  return (
    <section className="page" aria-labelledby="page-title">
      <PageHead title={words.title} status={loading ? words.loading : words.count(clusters.length)}>
        <Button variant="default" leftSection={<Icon name="plus" size={14} />} onClick={() => setAdding(true)}>
          {words.add}
        </Button>
      </PageHead>
      {loading && <Skeletons label={words.loading} rows={6} />}
      {failed && (
        <Empty icon="cut" title={words.failed} live>
          <p>{text.unreachable.text}</p>
        </Empty>
      )}
      {!loading && !failed && clusters.length === 0 && (
        <Empty icon="clusters" title={words.none} live>
          <p>{words.noneText}</p>
        </Empty>
      )}
      {clusters.length > 0 && (
        <div className="cluster-cards">
          {clusters.map((cluster) => (
            <ClusterCard key={cluster.name} cluster={cluster} />
          ))}
        </div>
      )}
      {adding && <AddCluster onClose={() => setAdding(false)} />}
    </section>
  );
}

function ClusterCard({ cluster }: { cluster: Cluster }) {
  const mark = useClusterMark(cluster.name);
  const chosen = useScope().cluster === cluster.name;
  const id = `cluster-${cluster.name}`;
  return (
    <article className="cluster-card" aria-labelledby={id} style={{ "--cluster": mark.colour } as React.CSSProperties}>
      <header>
        <h2 id={id} className="cut">
          {cluster.name}
        </h2>
        <ClusterTag mark={mark} />
        {chosen && <span className="dim">{words.chosen}</span>}
        <StatusMark tone={cluster.state === "online" ? "good" : "bad"} label={words.states[cluster.state]} />
      </header>
      {cluster.state === "offline" && <p className="cluster-offline">{words.offlineSince}</p>}
      <dl className="facts">
        <div>
          <dt>{words.version}</dt>
          <dd className="number">{cluster.kubernetes_version || words.versionUnknown}</dd>
        </div>
      </dl>
      <h3>{words.agents}</h3>
      <Agents cluster={cluster} />
      <h3>{words.ceiling}</h3>
      <p className="dim">{words.ceilingText}</p>
      <Ceiling ceiling={cluster.ceiling} />
      <footer>
        {(["pods", "services", "nodes"] as const).map((page) => (
          <PlaceLink
            key={page}
            to={
              page === "pods" ? { page, pod: null } : page === "nodes" ? { page, node: null } : { page, workload: null }
            }
            parameters={{ cluster: cluster.name }}
          >
            {words.goTo[page]}
            <span className="sr-only"> {cluster.name}</span>
          </PlaceLink>
        ))}
      </footer>
    </article>
  );
}

function Agents({ cluster }: { cluster: Cluster }) {
  const now = useNow();
  if (cluster.agents.length === 0) return <p className="dim">{words.noAgents}</p>;
  return (
    <table className="agents">
      <thead>
        <tr>
          <th>{words.agent.instance}</th>
          <th>{words.agent.version}</th>
          <th>{words.agent.state}</th>
          <th className="end">{words.agent.since}</th>
        </tr>
      </thead>
      <tbody>
        {cluster.agents.map((agent) => (
          <tr key={agent.instance + agent.epoch}>
            <th scope="row" className="mono cut" title={`${agent.instance} ${agent.epoch}`}>
              {agent.instance}
            </th>
            <td className="number">{agent.version}</td>
            <td {...(agent.draining ? { title: words.agent.drainingText } : {})}>
              <StatusMark
                tone={agent.draining ? "busy" : "good"}
                label={agent.draining ? words.agent.draining : words.agent.serving}
              />
            </td>
            <td className="number end" title={agent.connected_at}>
              {words.agent.sinceAge(ageText(agent.connected_at, now))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What the owner allows, in the order of what it means; kinds that this console does not know stand last by their names. */
function Ceiling({ ceiling }: { ceiling: Cluster["ceiling"] }) {
  const unknown = Object.keys(ceiling).filter((kind) => !(kind in words.kinds));
  return (
    <ul className="ceiling">
      {[...Object.keys(words.kinds), ...unknown].map((kind) => {
        const allowed = ceiling[kind] === true;
        const [title, more] = words.kinds[kind] ?? [kind, ""];
        return (
          <li key={kind} className={allowed ? "allowed" : "refused"}>
            <Icon name={allowed ? "check" : "none"} size={14} />
            <span>
              {title}
              {more && <span className="dim">, {more}</span>}
              <span className="sr-only">: {allowed ? words.allowed : words.refused}</span>
            </span>
            <code className="mono dim">{kind}</code>
          </li>
        );
      })}
    </ul>
  );
}
