/** What the details of a pod are made of beside facts: sections, long words, names with values, moments. All of it is text. */

import type { ReactNode } from "react";
import { ageText, useNow } from "../app/clock";
import { momentText } from "./times";

export function Section({ title, count, children }: { title: string; count?: number; children: ReactNode }) {
  return (
    <section className="section">
      <h3>
        {title}
        {count !== undefined && <span className="dim number"> {count}</span>}
      </h3>
      {children}
    </section>
  );
}

/** Words, one a line when they are long; null when there are none. */
export function Lines({ lines }: { lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <ul className="lines">
      {lines.map((line, index) => (
        <li key={`${index} ${line}`}>{line}</li>
      ))}
    </ul>
  );
}

/** Names with values, such as labels. */
export function Pairs({ pairs }: { pairs: Readonly<Record<string, string>> }) {
  const entries = Object.entries(pairs);
  if (entries.length === 0) return null;
  return (
    <dl className="pairs">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A moment, with how long ago it was. */
export function Moment({ at }: { at: string }) {
  const now = useNow();
  if (!at) return null;
  return (
    <span className="number">
      {momentText(at)} <span className="dim">({ageText(at, now)})</span>
    </span>
  );
}
