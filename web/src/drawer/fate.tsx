/** What becomes of a pod while somebody looks at it: deleted, replaced by another of its name, out of reach. */

import { useEffect, useMemo, useRef, useState } from "react";
import { useRows } from "../api/rows";
import type { Pod, PodDetails } from "../api/types";
import { Icon } from "../app/icons";
import { follow, linkTo } from "../app/location";
import type { ObjectName } from "../app/routes";
import { useClusters } from "../clusters/clusters";
import { podRows, usePod } from "../pods/rows";
import { text } from "../text";
import type { Refusal } from "../wire/errors";
import { timeText } from "./times";

const words = text.drawer;

export interface Fate {
  /** What is known of it now or, when it is gone, was known last. */
  pod: PodDetails | null;
  complete: boolean;
  refusal: Refusal | null;
  /** When it was seen to be gone, in ms; null while it is there. */
  gone: number | null;
  /** Since when the pod is another one than at first. */
  replacedAt: number | null;
}

/** Follow a pod, and keep what was known of it when it goes. */
export function useFate(name: ObjectName): Fate {
  const { pod, complete, refusal } = usePod(name);
  const last = useRef<PodDetails | null>(null);
  const [gone, setGone] = useState<number | null>(null);
  const [replacedAt, setReplacedAt] = useState<number | null>(null);
  const absent = complete && !refusal && pod === null;
  useEffect(() => {
    if (absent && last.current) setGone((before) => before ?? Date.now());
    if (!pod) return;
    if (last.current && last.current.uid !== pod.uid) setReplacedAt(Date.now());
    last.current = pod;
    setGone(null);
  }, [absent, pod]);
  return { pod: pod ?? last.current, complete, refusal, gone: pod ? null : gone, replacedAt };
}

/** What has happened to the pod, above everything else in its drawer. */
export function Fates({ name, fate }: { name: ObjectName; fate: Fate }) {
  const { clusters } = useClusters();
  const offline = clusters.find((cluster) => cluster.name === name.cluster)?.state === "offline";
  const { pod, gone, replacedAt } = fate;
  if (!pod) return null;
  return (
    <div className="fates" role="status">
      {offline && (
        <Notice icon="cut" title={words.offline(name.cluster)}>
          {words.offlineText}
        </Notice>
      )}
      {gone !== null && (
        <Notice icon="warning" title={words.deleted(timeText(gone))}>
          <Replacement pod={pod} /> {words.deletedText}
        </Notice>
      )}
      {gone === null && replacedAt !== null && <Notice icon="warning" title={words.replaced(timeText(replacedAt))} />}
      {gone === null && pod.deleted_at && (
        <Notice icon="warning" title={words.deleting(timeText(Date.parse(pod.deleted_at)))} />
      )}
      {gone === null && !pod.deleted_at && pod.shell_refusal && (
        <Notice icon="terminal" title={words.noShell(pod.shell_refusal)} />
      )}
    </div>
  );
}

function Notice({
  icon,
  title,
  children,
}: {
  icon: "cut" | "warning" | "terminal";
  title: string;
  children?: React.ReactNode;
}) {
  return (
    <div className="notice">
      <Icon name={icon} size={14} />
      <span>
        <strong>{title}</strong> {children}
      </span>
    </div>
  );
}

/** The youngest other pod of the same owner, once there is one. */
function Replacement({ pod }: { pod: PodDetails }) {
  const parts = useMemo(() => [pod.cluster], [pod.cluster]);
  const { rows } = useRows(podRows, parts);
  const next = replacementOf(pod, rows);
  if (!next) return null;
  const place = { cluster: next.cluster, namespace: next.namespace, name: next.name };
  return (
    <>
      {words.replacement}{" "}
      <a className="place" href={linkTo({ page: "pods", pod: place })} onClick={follow}>
        {next.name}
      </a>
      .
    </>
  );
}

export function replacementOf(
  pod: Pick<PodDetails, "uid" | "owners" | "created_at">,
  rows: readonly Pod[],
): Pod | null {
  const owners = new Set(pod.owners.map((owner) => owner.uid).filter(Boolean));
  const younger = rows.filter(
    (row) => row.uid !== pod.uid && owners.has(row.owner_uid) && row.created_at > pod.created_at,
  );
  return younger.sort((one, other) => other.created_at.localeCompare(one.created_at))[0] ?? null;
}
