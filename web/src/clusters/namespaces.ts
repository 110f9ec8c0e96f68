/** The namespaces of the clusters in scope. */

import { live } from "../api/live";
import { LiveRows, useRows } from "../api/rows";
import type { components } from "../api/schema";
import { useClustersInScope } from "./clusters";

type NamespaceRow = components["schemas"]["NamespaceRow"];

const namespaceRows = new LiveRows<string>(
  live,
  "namespaces",
  (wire) => (wire as NamespaceRow).name,
  (wire) => (wire as NamespaceRow).uid,
);

/** Sorted names; `chosen` is among them even when there is no such namespace now. */
export function useNamespaces(chosen: string): string[] {
  const names = new Set(useRows(namespaceRows, useClustersInScope()).rows);
  if (chosen) names.add(chosen);
  return [...names].sort();
}
