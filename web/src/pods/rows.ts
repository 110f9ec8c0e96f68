/** Pods as the pages share them: those of a cluster, one part a cluster, and single pods and their events, one part a pod. */

import { useEvents } from "../api/events";
import { live, type Subject } from "../api/live";
import { LiveRows, type RowsState, useRows } from "../api/rows";
import {
  type EventRow,
  type Pod,
  type PodDetails,
  podDetailsOf,
  podOf,
  type WirePod,
  type WirePodDetails,
} from "../api/types";
import type { ObjectName } from "../app/routes";
import type { Refusal } from "../wire/errors";

export const podRows = new LiveRows<Pod>(
  live,
  "pods",
  (wire, cluster) => podOf(wire as WirePod, cluster),
  (wire) => (wire as WirePod).uid,
);

/** A pod's name as the name of a part, and back. */
function partOf({ cluster, namespace, name }: ObjectName): string {
  return JSON.stringify([cluster, namespace, name]);
}

function subjectOf(part: string): Required<Omit<Subject, "kind">> {
  const [cluster = "", namespace = "", name = ""] = JSON.parse(part) as string[];
  return { cluster, namespace, name };
}

const detailRows = new LiveRows<PodDetails>(
  live,
  "pod",
  (wire, part) => podDetailsOf(wire as WirePodDetails, subjectOf(part).cluster),
  (wire) => (wire as WirePodDetails).uid,
  subjectOf,
);

export interface OnePod {
  /** Null: not there, or not known yet. */
  pod: PodDetails | null;
  complete: boolean;
  refusal: Refusal | null;
}

/** Follow one pod closely. */
export function usePod(name: ObjectName): OnePod {
  const { rows, complete, refusals } = useRows(detailRows, [partOf(name)]);
  return { pod: rows.at(-1) ?? null, complete, refusal: refusals[0]?.refusal ?? null };
}

/** Follow the Kubernetes events of a pod. */
export function usePodEvents({ cluster, namespace, name }: ObjectName): RowsState<EventRow> {
  return useEvents([{ cluster, namespace, kind: "Pod", name }]);
}
