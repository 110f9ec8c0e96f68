/** What happened to the pod, the newest first. */

import { useRows } from "../api/rows";
import type { PodDetails } from "../api/types";
import { ageText, useNow } from "../app/clock";
import { usePodEvents } from "../pods/rows";
import { StatusMark } from "../pods/status";
import { sessionRows } from "../sessions/rows";
import { text } from "../text";
import { happeningsOf } from "./happenings";
import { momentText } from "./times";

const ALL = [""];

export function Timeline({ pod, gone }: { pod: PodDetails; gone: number | null }) {
  const { rows: events } = usePodEvents(pod);
  const { rows: sessions } = useRows(sessionRows, ALL);
  const now = useNow();
  return (
    <>
      <ol className="event-list">
        {happeningsOf(pod, events, sessions, gone).map(({ key, at, tone, title, detail }) => (
          <li key={key}>
            <span className="event-age number dim" title={momentText(at)}>
              {ageText(at, now)}
            </span>
            <div className="event-body">
              <StatusMark tone={tone} label={title} />
              {detail && <p>{detail}</p>}
            </div>
          </li>
        ))}
      </ol>
      <p className="dim timeline-note">{text.drawer.timeline.yours}</p>
    </>
  );
}
