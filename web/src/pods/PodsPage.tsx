/** The pods of one or all clusters, live; the page most people stay on. */

import { Button, Chip, Skeleton, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { useRows } from "../api/rows";
import { Empty } from "../app/Empty";
import { Icon } from "../app/icons";
import { setParameters, useQueryString } from "../app/location";
import { RefusalText } from "../app/ProblemDialog";
import { useClusters, useClustersInScope } from "../clusters/clusters";
import { opening, useOpening } from "../dock/opening";
import { text } from "../text";
import { filterOf, filterPods, type PodFilter } from "./filters";
import { PodTable } from "./PodTable";
import { podRows } from "./rows";

export function PodsPage() {
  const query = useQueryString();
  const filter = useMemo(() => filterOf(query), [query]);
  const { clusters, loading } = useClusters();
  const { busy } = useOpening();
  // An offline cluster is followed too: its rows come by themselves when its agent is back.
  const { rows, complete, refusals } = useRows(podRows, useClustersInScope());

  const shown = useMemo(() => filterPods(rows, filter), [rows, filter]);
  const inScope = useMemo(
    () => filterPods(rows, { cluster: filter.cluster, namespace: filter.namespace, search: "", status: "" }).length,
    [rows, filter.cluster, filter.namespace],
  );
  const offline = clusters.filter(
    (cluster) => cluster.state === "offline" && (!filter.cluster || cluster.name === filter.cluster),
  );
  const waiting = loading || (!complete && rows.length === 0 && offline.length < clusters.length);

  return (
    <section className="page" aria-labelledby="page-title">
      <header className="page-head">
        <h1 id="page-title">{text.pods.title}</h1>
        <span className="dim number" role="status">
          {waiting ? text.pods.loading : text.pods.count(shown.length, inScope)}
        </span>
      </header>
      <Filters filter={filter} />
      {offline.map((cluster) => (
        <p className="notice" key={cluster.name} role="status">
          <Icon name="cut" size={14} />
          <strong>{text.clusters.offline(cluster.name)}.</strong> {text.clusters.offlineText}
        </p>
      ))}
      {refusals
        .filter(({ part }) => !offline.some((cluster) => cluster.name === part))
        .map(({ part, refusal }) => (
          <div className="notice" key={part} role="status">
            <Icon name="warning" size={14} />
            <div>
              <strong>{text.pods.refused(part)}</strong>
              <RefusalText refusal={refusal} />
            </div>
          </div>
        ))}
      {waiting ? (
        <Waiting />
      ) : shown.length > 0 ? (
        <PodTable
          pods={shown}
          withCluster={!filter.cluster && clusters.length > 1}
          busy={busy}
          onShell={opening.start}
        />
      ) : (
        <NoPods clusters={clusters.length} any={inScope > 0} />
      )}
    </section>
  );
}

function Filters({ filter }: { filter: PodFilter }) {
  return (
    <search className="filters">
      <TextInput
        className="filter-search"
        aria-label={text.pods.search}
        placeholder={text.pods.search}
        leftSection={<Icon name="search" size={14} />}
        value={filter.search}
        onChange={(event) => setParameters({ q: event.currentTarget.value })}
      />
      <fieldset className="chips">
        <legend className="sr-only">{text.pods.status}</legend>
        {(["running", "attention"] as const).map((status) => (
          <Chip
            key={status}
            size="xs"
            variant="outline"
            checked={filter.status === status}
            onChange={(on) => setParameters({ status: on ? status : "" })}
          >
            {text.pods[status]}
          </Chip>
        ))}
      </fieldset>
    </search>
  );
}

function Waiting() {
  return (
    <div className="skeletons" aria-busy="true" aria-label={text.pods.loading} role="img">
      {Array.from({ length: 12 }, (_, index) => (
        <Skeleton key={index} height={12} width={`${92 - ((index * 17) % 38)}%`} radius="sm" />
      ))}
    </div>
  );
}

function NoPods({ clusters, any }: { clusters: number; any: boolean }) {
  if (clusters === 0)
    return (
      <Empty icon="pods" title={text.clusters.none} live>
        <p>{text.clusters.noneText}</p>
      </Empty>
    );
  if (!any)
    return (
      <Empty icon="pods" title={text.pods.empty} live>
        <p>{text.pods.emptyText}</p>
      </Empty>
    );
  return (
    <Empty icon="search" title={text.pods.noMatch} live>
      <p>{text.pods.noMatchText}</p>
      <Button variant="default" onClick={() => setParameters({ q: "", status: "", namespace: "" })}>
        {text.pods.clear}
      </Button>
    </Empty>
  );
}
