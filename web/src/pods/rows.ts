/** The pods of clusters, one part a cluster, as the pages share them. */

import { live } from "../api/live";
import { LiveRows } from "../api/rows";
import { type Pod, podOf, type WirePod } from "../api/types";

export const podRows = new LiveRows<Pod>(
  live,
  "pods",
  (wire, cluster) => podOf(wire as WirePod, cluster),
  (wire) => (wire as WirePod).uid,
);
