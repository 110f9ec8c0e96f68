/** Workloads seen as a whole: cards, or a dense list; which of them is in the address. */

import { Button, Chip, SegmentedControl, Select } from "@mantine/core";
import { useMemo } from "react";
import { useRows } from "../api/rows";
import { Empty } from "../app/Empty";
import { setParameters, useParameters } from "../app/location";
import { PageHead, Search, Skeletons } from "../app/PageParts";
import type { WorkloadName } from "../app/routes";
import { useClusters, useClustersInScope } from "../clusters/clusters";
import { Notices, useOffline } from "../clusters/Notices";
import { text } from "../text";
import { ServiceCards } from "./ServiceCards";
import { ServiceList } from "./ServiceList";
import { ServiceView } from "./ServiceView";
import {
  filterOf,
  filterWorkloads,
  HEALTHS,
  kindsOf,
  type Workload,
  type WorkloadFilter,
  workloadRows,
} from "./workloads";
import "./services.css";

const words = text.services;
const ALL = "*";

export default function ServicesPage({ workload }: { workload: WorkloadName | null }) {
  return workload ? <ServiceView key={JSON.stringify(workload)} name={workload} /> : <AllServices />;
}

function AllServices() {
  const parameters = useParameters();
  const filter = useMemo(() => filterOf(parameters), [parameters]);
  const view = parameters.view === "list" ? "list" : "cards";
  const { clusters, loading } = useClusters();
  const { rows, complete, refusals } = useRows(workloadRows, useClustersInScope());
  const offline = useOffline();
  const scoped = useMemo(() => filterWorkloads(rows, { ...filter, health: "", kind: "", search: "" }), [rows, filter]);
  const shown = useMemo(() => filterWorkloads(scoped, filter), [scoped, filter]);
  const waiting = loading || (!complete && rows.length === 0 && offline.length < clusters.length);
  return (
    <section className="page" aria-labelledby="page-title">
      <PageHead title={words.title} status={waiting ? words.loading : words.count(shown.length, scoped.length)} />
      <Filters filter={filter} view={view} scoped={scoped} sort={parameters.sort ?? "name"} />
      <Notices refusals={refusals} refused={words.refused} />
      {waiting ? (
        <Skeletons label={words.loading} />
      ) : shown.length === 0 ? (
        <Nothing any={scoped.length > 0} />
      ) : view === "list" ? (
        <ServiceList workloads={shown} withCluster={!filter.cluster && clusters.length > 1} />
      ) : (
        <ServiceCards workloads={shown} sort={parameters.sort ?? "name"} />
      )}
    </section>
  );
}

interface FiltersProps {
  filter: WorkloadFilter;
  view: "cards" | "list";
  scoped: Workload[];
  sort: string;
}

function Filters({ filter, view, scoped, sort }: FiltersProps) {
  const kinds = kindsOf(scoped, filter.kind);
  return (
    <search className="filters">
      <Search label={words.search} value={filter.search} />
      <fieldset className="chips">
        <legend className="sr-only">{words.health}</legend>
        {HEALTHS.map((health) => (
          <Chip
            key={health}
            size="xs"
            variant="outline"
            checked={filter.health === health}
            onChange={(on) => setParameters({ health: on ? health : "" }, true)}
          >
            {words.healths[health]}
          </Chip>
        ))}
      </fieldset>
      <Select
        className="filter-select"
        aria-label={words.kind}
        data={[{ value: ALL, label: words.allKinds }, ...kinds]}
        value={filter.kind || ALL}
        allowDeselect={false}
        checkIconPosition="right"
        onChange={(kind) => setParameters({ kind: kind === ALL ? "" : (kind ?? "") }, true)}
      />
      {view === "cards" && (
        <Select
          className="filter-select"
          aria-label={words.sort}
          data={Object.entries(words.sorts).map(([value, label]) => ({ value, label }))}
          value={sort in words.sorts ? sort : "name"}
          allowDeselect={false}
          checkIconPosition="right"
          onChange={(value) => setParameters({ sort: value === "name" ? "" : (value ?? "") })}
        />
      )}
      <SegmentedControl
        size="xs"
        className="filter-view"
        aria-label={words.view}
        data={(["cards", "list"] as const).map((value) => ({ value, label: words.views[value] }))}
        value={view}
        onChange={(value) => setParameters({ view: value === "list" ? value : "", sort: "" }, true)}
      />
    </search>
  );
}

function Nothing({ any }: { any: boolean }) {
  if (!any)
    return (
      <Empty icon="services" title={words.empty} live>
        <p>{words.emptyText}</p>
      </Empty>
    );
  return (
    <Empty icon="search" title={words.noMatch} live>
      <p>{words.noMatchText}</p>
      <Button variant="default" onClick={() => setParameters({ q: "", health: "", kind: "" })}>
        {text.clear}
      </Button>
    </Empty>
  );
}
