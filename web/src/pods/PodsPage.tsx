/** The pods of one or all clusters, live; the page most people stay on. A pod in the address has its drawer open over the list. */

import { Button, Chip } from "@mantine/core";
import { lazy, Suspense, useDeferredValue, useMemo } from "react";
import { useRows } from "../api/rows";
import type { Pod } from "../api/types";
import { Empty } from "../app/Empty";
import { navigate, setParameters, useParameters, useQueryString } from "../app/location";
import { Search, Skeletons } from "../app/PageParts";
import { addressOf, type ObjectName, type Parameters, parametersOf } from "../app/routes";
import { useClusters, useClustersInScope } from "../clusters/clusters";
import { Notices, useOffline } from "../clusters/Notices";
import { text } from "../text";
import { countStatuses, filterOf, hasStatus, type PodFilter, searchPods, STATUSES, type StatusFilter } from "./filters";
import { PodTable, useOrder } from "./PodTable";
import { podRows } from "./rows";
import { sortPods } from "./sorting";

const PodDrawer = lazy(() => import("../drawer/PodDrawer"));

export function PodsPage({ pod = null }: { pod?: ObjectName | null }) {
  const filter = useFilter();
  const { clusters, loading } = useClusters();
  // An offline cluster is followed too: its rows come by themselves when its agent is back.
  const { rows, complete, refusals } = useRows(podRows, useClustersInScope());
  // Sorted before it is filtered: what is typed leaves the order as it is, and to sort what is sorted costs next to nothing.
  const order = useOrder();
  const sorted = useMemo(() => sortPods(rows, order), [rows, order]);
  const found = useMemo(() => searchPods(sorted, filter), [sorted, filter]);
  const shown = useMemo(() => found.filter((each) => hasStatus(each, filter.status)), [found, filter.status]);
  const counts = useMemo(() => countStatuses(found), [found]);
  const inScope = useMemo(
    () => searchPods(rows, { ...filter, search: "" }).length,
    // The search does not matter here: what is typed costs one pass over the rows, not two.
    [rows, filter.cluster, filter.namespace],
  );
  const offline = useOffline();
  const waiting = loading || (!complete && rows.length === 0 && offline.length < clusters.length);
  const chosen = useMemo(() => keyOf(shown, pod), [shown, pod]);
  const drawerOf = useDrawerAddress();
  const close = useCloseDrawer();

  return (
    <section className="page with-drawer" aria-labelledby="page-title">
      <header className="page-head">
        <h1 id="page-title">{text.pods.title}</h1>
        <span className="dim number" role="status">
          {waiting ? text.pods.loading : text.pods.count(shown.length, inScope)}
        </span>
      </header>
      <Filters counts={counts} />
      <Notices refusals={refusals} refused={text.pods.refused} />
      {waiting ? (
        <Skeletons label={text.pods.loading} />
      ) : shown.length > 0 ? (
        <PodTable
          pods={shown}
          hidden={filter.cluster || clusters.length < 2 ? HIDE_CLUSTER : SHOW_ALL}
          drawerOf={drawerOf}
          chosen={chosen}
        />
      ) : refusals.length > 0 && inScope === 0 ? null : (
        <NoPods clusters={clusters.length} any={inScope > 0} />
      )}
      {pod && (
        <Suspense fallback={null}>
          <PodDrawer key={`${pod.cluster}/${pod.namespace}/${pod.name}`} name={pod} onClose={close} />
        </Suspense>
      )}
    </section>
  );
}

const HIDE_CLUSTER = ["cluster"] as const;
const SHOW_ALL: readonly [] = [];

/** What stands in the address, a moment later when there is much to draw: typing is never held up by the table. */
function useFilter(): PodFilter {
  const query = useDeferredValue(useQueryString());
  const { cluster, namespace, search, status } = filterOf(query);
  return useMemo(() => ({ cluster, namespace, search, status }), [cluster, namespace, search, status]);
}

/** The same list with a pod's drawer open. */
function useDrawerAddress(): (pod: Pod) => string {
  const query = useDeferredValue(useQueryString());
  return useMemo(() => {
    const kept = listParameters(parametersOf(query));
    return ({ cluster, namespace, name }: Pod) => addressOf({ page: "pods", pod: { cluster, namespace, name } }, kept);
  }, [query]);
}

function useCloseDrawer(): () => void {
  const kept = listParameters(useParameters());
  return () => navigate(addressOf({ page: "pods", pod: null }, kept));
}

/** The parameters that are the list's, not the drawer's. */
function listParameters({ cluster = "", namespace = "", status = "", q = "", sort = "" }: Parameters): Parameters {
  return { cluster, namespace, status, q, sort };
}

function keyOf(pods: readonly Pod[], name: ObjectName | null): string {
  if (!name) return "";
  const pod = pods.find(
    (each) => each.name === name.name && each.namespace === name.namespace && each.cluster === name.cluster,
  );
  return pod?.key ?? "";
}

function Filters({ counts }: { counts: Record<StatusFilter, number> }) {
  const { q = "", status = "" } = useParameters();
  return (
    <search className="filters">
      <Search label={text.pods.search} value={q} />
      <fieldset className="chips">
        <legend className="sr-only">{text.pods.status}</legend>
        {STATUSES.map((each) => (
          <Chip
            key={each}
            size="xs"
            variant="outline"
            checked={status === each}
            onChange={(on) => setParameters({ status: on ? each : "" })}
          >
            {text.pods[each]} <span className="chip-count number">{counts[each].toLocaleString("en")}</span>
          </Chip>
        ))}
      </fieldset>
    </search>
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
        {text.clear}
      </Button>
    </Empty>
  );
}
