/** What happened, newest first, as a table of time, type, words and place. */

import type { ReactNode } from "react";
import { text } from "../text";
import { ageText, useNow } from "./clock";
import { dictionary } from "./dictionary";
import { Icon, type IconName } from "./icons";

const words = text.services.timeline;

export interface TimelineEntry {
  key: string;
  kind: string;
  at: string;
  since: string;
  count: number;
  title: string;
  message: string;
  where: ReactNode;
}

const ICONS = dictionary<IconName>({
  event: "dot",
  warning: "warning",
  rollout: "rollout",
  restart: "restart",
  shell: "terminal",
});

export function Timeline({ entries }: { entries: TimelineEntry[] }) {
  const now = useNow();
  return (
    <div className="timeline" role="table" aria-label={words.label}>
      <div role="rowgroup" className="timeline-head">
        <div role="row">
          {(["when", "kind", "what", "where"] as const).map((column) => (
            <div role="columnheader" key={column} className={`t-${column}`}>
              {words.columns[column]}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup">
        {entries.map((entry) => (
          <div role="row" key={entry.key} className={`timeline-${entry.kind}`}>
            <div role="cell" className="t-when number" title={entry.at}>
              <time dateTime={entry.at}>{words.ago(ageText(entry.at, now))}</time>
            </div>
            <div role="cell" className="t-kind">
              <Icon name={ICONS[entry.kind] ?? "dot"} size={14} />
              {words.kind[entry.kind] ?? entry.kind}
            </div>
            <div role="cell" className="t-what">
              <strong>{entry.title}</strong> {entry.message}
              {entry.count > 1 && (
                <span className="dim number">
                  {" "}
                  {words.times(entry.count)}
                  {entry.since && ` ${words.since(words.ago(ageText(entry.since, now)))}`}
                </span>
              )}
            </div>
            <div role="cell" className="t-where cut">
              {entry.where}
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}
