/** What happened to a pod, as one list: its own life, its containers' runs, its events, and this user's shells in it. Pure. */

import type { EventRow, PodDetails, Session } from "../api/types";
import type { Tone } from "../pods/status";
import { text } from "../text";

const words = text.drawer.timeline;

export interface Happening {
  key: string;
  /** RFC 3339. */
  at: string;
  tone: Tone;
  title: string;
  detail: string;
}

/** The newest first. `gone`: when the pod was seen to be gone, in ms. */
export function happeningsOf(
  pod: PodDetails,
  events: readonly EventRow[],
  sessions: readonly Session[],
  gone: number | null,
): Happening[] {
  const found: Happening[] = [
    ...lifeOf(pod, gone),
    ...pod.containers.flatMap(runsOf),
    ...events.map(ofEvent),
    ...sessions.filter((session) => isIn(session, pod)).flatMap(ofSession),
  ];
  return found
    .filter(({ at }) => Number.isFinite(Date.parse(at)))
    .sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
}

function isIn(session: Session, pod: PodDetails): boolean {
  return session.cluster === pod.cluster && session.namespace === pod.namespace && session.pod === pod.name;
}

function lifeOf(pod: PodDetails, gone: number | null): Happening[] {
  const life: Happening[] = [
    { key: "created", at: pod.created_at, tone: "done", title: words.created, detail: "" },
    { key: "started", at: pod.started_at, tone: "done", title: words.started, detail: pod.node },
  ];
  if (pod.deleted_at) {
    // The API server writes down when the time to stop is over, not when the deletion was asked for.
    const asked = Date.parse(pod.deleted_at) - (pod.grace_seconds ?? 0) * 1000;
    if (Number.isFinite(asked))
      life.push({
        key: "deletion",
        at: new Date(asked).toISOString(),
        tone: "busy",
        title: words.deletion,
        detail: "",
      });
  }
  if (gone !== null)
    life.push({ key: "gone", at: new Date(gone).toISOString(), tone: "done", title: words.gone, detail: "" });
  return life;
}

function runsOf(container: PodDetails["containers"][number]): Happening[] {
  const { name, restarts, started_at, termination, last_termination } = container;
  const runs: Happening[] = [
    {
      key: `start ${name}`,
      at: started_at,
      tone: "good",
      title: words.containerStarted(name),
      detail: restarts > 0 ? words.restarts(restarts) : "",
    },
  ];
  for (const [which, run] of Object.entries({ this: termination, last: last_termination })) {
    if (!run) continue;
    const { exit_code, reason = "", message = "", finished_at = "" } = run;
    runs.push({
      key: `${which} ${name}`,
      at: finished_at,
      tone: exit_code === 0 ? "done" : "bad",
      title: words.containerEnded(name),
      detail: [text.drawer.container.ended(exit_code, reason), message].filter(Boolean).join(": "),
    });
  }
  return runs;
}

function ofEvent(event: EventRow): Happening {
  const often = event.count > 1 ? ` (× ${event.count})` : "";
  return {
    key: `event ${event.uid}`,
    at: event.last_at,
    tone: event.type === "Warning" ? "bad" : "done",
    title: event.reason + often,
    detail: event.message,
  };
}

function ofSession(session: Session): Happening[] {
  const opened: Happening = {
    key: `open ${session.id}`,
    at: session.created_at,
    tone: session.state === "ended" ? "done" : "good",
    title: words.shellOpened(session.container),
    detail: words.by(session.user),
  };
  if (session.state !== "ended" || !session.ended_at) return [opened];
  const why = session.end ? text.terminal.reasons[session.end.reason] : "";
  return [
    opened,
    {
      key: `end ${session.id}`,
      at: session.ended_at,
      tone: "done",
      title: words.shellEnded(session.container),
      detail: why ?? session.end?.reason ?? "",
    },
  ];
}
