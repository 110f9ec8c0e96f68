/** Kubernetes events of single objects, one subscription an object. */

import { live } from "./live";
import { LiveRows, type RowsState, useRows } from "./rows";
import type { EventRow } from "./types";

export interface EventSubject {
  cluster: string;
  /** Empty for nodes. */
  namespace: string;
  kind: string;
  name: string;
}

const eventRows = new LiveRows<EventRow>(
  live,
  "events",
  (wire) => wire as EventRow,
  (wire) => (wire as EventRow).uid,
  (part) => JSON.parse(part) as EventSubject,
);

/** Follow the events of these objects; each refusal's `part` is its subject as JSON. */
export function useEvents(subjects: EventSubject[]): RowsState<EventRow> {
  return useRows(
    eventRows,
    subjects.map(({ cluster, namespace, kind, name }) => JSON.stringify({ cluster, namespace, kind, name })),
  );
}
