/**
 * The lines of a log, only those in sight in the document. Stays at the newest line while it is there; whoever scrolls up reads on in
 * peace and is told how much has come.
 */

import { Button } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { LogWanted } from "../api/live";
import { Icon } from "../app/icons";
import { RefusalText } from "../app/ProblemDialog";
import { text } from "../text";
import { sentence } from "../texts/sentences";
import { piecesOf } from "./ansi";
import type { LogLine, LogLines } from "./lines";
import type { Looks } from "./LogPanel";
import type { LogView as View } from "./reading";

const words = text.logs;
const LINE_PIXELS = 18;
// Longer lines are cut on the screen: a browser lays out a line of a megabyte for seconds.
const SHOWN_CHARACTERS = 4096;
const AT_END_PIXELS = 24;

interface Props {
  view: View;
  looks: Looks;
  /** The number of the line to show and mark. */
  at: number | null;
  label: string;
  wanted: LogWanted;
}

export function LogView({ view, looks, at, label, wanted }: Props) {
  const { lines } = view;
  const scroller = useRef<HTMLDivElement>(null);
  const only = looks.only && looks.search !== "";
  const count = only ? lines.matches.length : lines.count;
  const lineOf = (index: number): LogLine | undefined =>
    only ? lines.at(lines.indexOf(lines.matches[index] as number)) : lines.at(index);
  const { matches } = lines;
  const { dropped: gone } = lines;
  // Another function would make it work out the places of all lines again: only when lines stand elsewhere.
  const keyOf = useCallback(
    (index: number) => (only ? matches[index] : lines.at(index)?.number) ?? index,
    // Lines are the same object while they change: `gone` says that they have moved up.
    [only, matches, lines, gone],
  );
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PIXELS,
    getItemKey: keyOf,
    overscan: 20,
  });
  useEffect(() => virtual.measure(), [virtual, looks.wrap, looks.times]);
  const { atEnd, unseen, toEnd, onScroll } = useEnd(scroller, view, count);
  const dropped = useStayOnLine(scroller, lines, atEnd, only);
  useEffect(() => {
    if (at === null) return;
    const index = only ? lines.matches.indexOf(at) : lines.indexOf(at);
    if (index >= 0) virtual.scrollToIndex(index, { align: "center" });
  }, [at, only, lines, virtual]);

  return (
    <div className="log-area">
      <div
        className={`log-lines${looks.wrap ? " wrap" : ""}`}
        ref={scroller}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={label}
        tabIndex={0}
      >
        {dropped > 0 && !only && <p className="log-remark">{words.dropped(dropped)}</p>}
        <div className="log-sheet" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const line = lineOf(item.index);
            return line ? (
              <div
                key={item.key}
                className="log-row"
                data-index={item.index}
                ref={looks.wrap ? virtual.measureElement : undefined}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Line line={line} search={looks.search} times={looks.times} marked={line.number === at} />
              </div>
            ) : null;
          })}
        </div>
        <State view={view} wanted={wanted} />
      </div>
      {!atEnd && count > 0 && (
        <Button className="log-latest" size="compact-sm" onClick={toEnd} leftSection={<Icon name="down" size={14} />}>
          {words.latest(unseen)}
        </Button>
      )}
    </div>
  );
}

/** Whether the newest line is in sight; while it is, it stays so. */
function useEnd(scroller: React.RefObject<HTMLDivElement | null>, view: View, count: number) {
  const [atEnd, setAtEnd] = useState(true);
  const seen = useRef(0);
  const { total } = view.lines;
  if (atEnd) seen.current = total;
  useLayoutEffect(() => {
    const element = scroller.current;
    if (atEnd && element) element.scrollTop = element.scrollHeight;
  }, [atEnd, total, count, scroller, view.state]);
  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (element) setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < AT_END_PIXELS);
  }, [scroller]);
  return { atEnd, unseen: total - seen.current, toEnd: () => setAtEnd(true), onScroll };
}

/** While old lines go, what one reads stays where it is. Answers how many lines are gone. */
function useStayOnLine(
  scroller: React.RefObject<HTMLDivElement | null>,
  lines: LogLines,
  atEnd: boolean,
  only: boolean,
): number {
  const before = useRef(0);
  const { dropped } = lines;
  useLayoutEffect(() => {
    const gone = dropped - before.current;
    before.current = dropped;
    if (gone > 0 && !atEnd && !only && scroller.current) scroller.current.scrollTop -= gone * LINE_PIXELS;
  }, [dropped, atEnd, only, scroller]);
  return dropped;
}

const Line = memo(function Line({
  line,
  search,
  times,
  marked,
}: {
  line: LogLine;
  search: string;
  times: boolean;
  marked: boolean;
}) {
  const shown = line.text.slice(0, SHOWN_CHARACTERS);
  const more = line.text.length - shown.length;
  return (
    <span className={`log-line${marked ? " marked" : ""}`}>
      {times && line.at && <span className="log-time">{line.at} </span>}
      {piecesOf(shown).map(({ text: piece, style }, index) => (
        <span key={index} {...(style ? { className: style } : {})}>
          {search ? marks(piece, search.toLowerCase()) : piece}
        </span>
      ))}
      {more > 0 && <span className="dim"> {words.cut(more)}</span>}
    </span>
  );
});

/** The text with what was looked for marked. */
function marks(piece: string, wanted: string): ReactNode {
  const lower = piece.toLowerCase();
  // Where lower case is of another length, places would be wrong: then nothing is marked.
  if (lower.length !== piece.length || !lower.includes(wanted)) return piece;
  const parts: ReactNode[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(piece.slice(from, at), <mark key={at}>{piece.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  parts.push(piece.slice(from));
  return parts;
}

function State({ view, wanted }: { view: View; wanted: LogWanted }) {
  const { state, refusal, lines } = view;
  if (state === "refused" && refusal)
    return (
      <div className="log-remark" role="alert">
        <strong>{wanted.previous && refusal.code === "not_found" ? words.noPrevious : words.refused}</strong>
        <RefusalText refusal={refusal} />
      </div>
    );
  if (state === "broken")
    return (
      <p className="log-remark" role="status">
        <Icon name="cut" size={13} /> {words.reconnecting} {sentence(refusal?.message ?? "")}
      </p>
    );
  if (state === "ended")
    return (
      <p className="log-remark" role="status">
        {lines.count === 0 ? words.empty : `${words.ended}. ${words.endedText}`}
      </p>
    );
  if (lines.count > 0) return null;
  return (
    <p className="log-remark" role="status">
      {state === "opening" ? words.loading : words.emptyPart}
    </p>
  );
}
