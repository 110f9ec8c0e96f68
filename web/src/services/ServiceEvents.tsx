/** The Events tab of a service: a timeline with a filter by type in the address. */

import { Chip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchAllSessions } from "../api/client";
import { type EventSubject, useEvents } from "../api/events";
import { useRows } from "../api/rows";
import type { Pod, Session } from "../api/types";
import { Empty } from "../app/Empty";
import { setParameters, useParameters } from "../app/location";
import { PlaceLink, Skeletons } from "../app/PageParts";
import { RefusalText } from "../app/ProblemDialog";
import { Timeline } from "../app/Timeline";
import { podTone } from "../pods/status";
import { sessionRows } from "../sessions/rows";
import { text } from "../text";
import { chosenKinds, type Entry, KINDS, type Kind, timelineOf } from "./timeline";
import type { Workload } from "./workloads";

const words = text.services.timeline;
/** Events are followed object by object. 30: more than a person reads of, and little for a gateway. */
const PODS = 30;
const ALL = [""];
const NONE: Session[] = [];
const URGENCY = { bad: 0, unknown: 1, busy: 2, good: 3, done: 4 };

export function ServiceEvents({ workload, pods }: { workload: Workload; pods: Pod[] }) {
  const parameters = useParameters();
  const chosen = chosenKinds(parameters.type ?? "");
  const followed = useMemo(() => podsToFollow(pods), [pods]);
  const { rows, complete, refusals } = useEvents(subjectsOf(workload, followed));
  const sessions = useSessions();
  const all = useMemo(() => timelineOf(rows, pods, sessions), [rows, pods, sessions]);
  const shown = all.filter((entry) => chosen.has(entry.kind));
  return (
    <>
      <Filter chosen={parameters.type ? chosen : new Set()} all={all} />
      {refusals[0] && (
        <div className="notice" role="status">
          <div>
            <strong>{words.refused}</strong>
            <RefusalText refusal={refusals[0].refusal} />
          </div>
        </div>
      )}
      {followed.length < pods.length && <p className="note dim">{words.partOf(followed.length, pods.length)}</p>}
      {shown.length > 0 ? (
        <Timeline entries={shown.map((entry) => ({ ...entry, where: <Where entry={entry} workload={workload} /> }))} />
      ) : !complete ? (
        <Skeletons label={words.loading} rows={6} />
      ) : (
        <Empty icon="services" title={all.length > 0 ? words.noMatch : words.empty} live>
          {all.length === 0 && <p>{words.emptyText}</p>}
        </Empty>
      )}
    </>
  );
}

function Where({ entry, workload }: { entry: Entry; workload: Workload }) {
  const { cluster, namespace } = workload;
  if (entry.session) return <PlaceLink to={{ page: "sessions", id: entry.session }}>{entry.where}</PlaceLink>;
  if (!entry.pod) return <>{entry.where}</>;
  return <PlaceLink to={{ page: "pods", pod: { cluster, namespace, name: entry.pod } }}>{entry.where}</PlaceLink>;
}

function Filter({ chosen, all }: { chosen: Set<Kind>; all: Entry[] }) {
  const toggle = (kind: Kind, on: boolean): void => {
    const next = KINDS.filter((each) => (each === kind ? on : chosen.has(each)));
    setParameters({ type: next.join(",") });
  };
  return (
    <search className="filters">
      <fieldset className="chips">
        <legend className="sr-only">{words.filter}</legend>
        {KINDS.map((kind) => (
          <Chip key={kind} size="xs" variant="outline" checked={chosen.has(kind)} onChange={(on) => toggle(kind, on)}>
            {words.kinds[kind]} <span className="number dim">{all.filter((entry) => entry.kind === kind).length}</span>
          </Chip>
        ))}
      </fieldset>
    </search>
  );
}

/** The pods whose events are worth a subscription: those in trouble first, then the youngest. */
function podsToFollow(pods: Pod[]): Pod[] {
  return [...pods]
    .sort(
      (one, other) => URGENCY[podTone(one)] - URGENCY[podTone(other)] || other.created_at.localeCompare(one.created_at),
    )
    .slice(0, PODS);
}

function subjectsOf({ cluster, namespace, kind, name }: Workload, pods: Pod[]): EventSubject[] {
  const names = pods.map((pod) => pod.name).sort();
  return [{ cluster, namespace, kind, name }, ...names.map((pod) => ({ cluster, namespace, kind: "Pod", name: pod }))];
}

/** The user's sessions, also those that have ended: asked once, and kept fresh by the live rows. */
function useSessions(): Session[] {
  const { rows } = useRows(sessionRows, ALL);
  const known = useQuery({ queryKey: ["sessions", "all"], queryFn: fetchAllSessions, staleTime: 0 });
  return useMemo(() => {
    const all = new Map((known.data ?? NONE).map((session) => [session.id, session]));
    for (const session of rows) all.set(session.id, session);
    return [...all.values()];
  }, [known.data, rows]);
}
