/** The Kubernetes events of a pod, the newest first. */

import type { EventRow } from "../api/types";
import { ageText, useNow } from "../app/clock";
import { Empty } from "../app/Empty";
import { Skeletons } from "../app/PageParts";
import { RefusalText } from "../app/ProblemDialog";
import type { ObjectName } from "../app/routes";
import { usePodEvents } from "../pods/rows";
import { StatusMark } from "../pods/status";
import { text } from "../text";
import { momentText } from "./times";

const words = text.drawer.events;

export function EventList({ name }: { name: ObjectName }) {
  const { rows: events, complete, refusals } = usePodEvents(name);
  const refusal = refusals[0]?.refusal;
  if (refusal)
    return (
      <Empty icon="warning" title={words.refused} live>
        <RefusalText refusal={refusal} />
      </Empty>
    );
  if (events.length === 0)
    return complete ? (
      <Empty icon="describe" title={words.none} live>
        <p>{words.noneText}</p>
      </Empty>
    ) : (
      <Skeletons label={words.loading} rows={4} />
    );
  return (
    <ol className="event-list">
      {newestFirst(events).map((event) => (
        <Event key={event.uid} event={event} />
      ))}
    </ol>
  );
}

export function newestFirst(events: readonly EventRow[]): EventRow[] {
  return [...events].sort((one, other) => other.last_at.localeCompare(one.last_at));
}

function Event({ event }: { event: EventRow }) {
  const now = useNow();
  const facts = [
    event.container,
    event.source,
    event.count > 1 ? words.times(event.count, momentText(event.first_at)) : "",
  ].filter(Boolean);
  return (
    <li>
      <span className="event-age number dim" title={momentText(event.last_at)}>
        {ageText(event.last_at, now)}
      </span>
      <div className="event-body">
        <StatusMark tone={event.type === "Warning" ? "bad" : "done"} label={event.reason} />
        <p>{event.message}</p>
        {facts.length > 0 && <p className="dim">{facts.join(" · ")}</p>}
      </div>
    </li>
  );
}
