/**
 * One log as it is read: opens it, keeps its lines, acknowledges what was taken, and goes on after a break. Knows no DOM.
 *
 * What comes is taken at most once a frame and acknowledged then: a flood is read as fast as the page draws, no faster, and a page that
 * is not drawn stops it at its source.
 */

import type { LogReader, LogWanted, OpenLog } from "../api/live";
import type { Refusal } from "../wire/errors";
import { LogLines } from "./lines";

export type ReadingState = "opening" | "reading" | "broken" | "ended" | "refused";

export interface LogView {
  state: ReadingState;
  refusal: Refusal | null;
  lines: LogLines;
  /** Counts up with every change of the lines. */
  version: number;
}

/** What a reading needs from outside. */
export interface LogPorts {
  /** Null while there is no connection. */
  open(wanted: LogWanted, reader: LogReader): OpenLog | null;
  /** Call when there may be a connection again; answers how to stop. */
  onConnection(listener: () => void): () => void;
  /** Call before the next frame is drawn. */
  nextFrame(callback: () => void): void;
  later(callback: () => void, ms: number): () => void;
  now(): number;
}

/** After a break the log is asked for from this much earlier: clocks differ, and what is here already is skipped by its time. */
const OVERLAP_SECONDS = 90;
const AGAIN_MS = 1_000;
const BROKEN: ReadonlySet<string> = new Set(["link_lost", "agent_offline", "agent_busy", "going_away"]);

export class LogReading {
  private view: LogView;
  private readonly listeners = new Set<() => void>();
  private log: OpenLog | null = null;
  private waiting: string[] = [];
  private end = 0;
  private scheduled = false;
  private closed = false;
  private ended: { refusal: Refusal | null } | null = null;
  private stopTimer: () => void = () => {};
  private readonly stopListening: () => void;

  constructor(
    private readonly wanted: LogWanted,
    private readonly ports: LogPorts,
  ) {
    this.view = { state: "opening", refusal: null, lines: new LogLines(), version: 0 };
    this.stopListening = ports.onConnection(() => this.open());
    this.open();
  }

  readonly getView = (): LogView => this.view;

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  close(): void {
    this.closed = true;
    this.stopListening();
    this.stopTimer();
    this.log?.close();
    this.log = null;
  }

  search(words: string): void {
    this.view.lines.search(words);
    this.change({});
  }

  private open(): void {
    if (this.closed || this.log || ["ended", "refused"].includes(this.view.state)) return;
    const { latest } = this.view.lines;
    const since = latest ? Math.ceil((this.ports.now() - Date.parse(latest)) / 1000) + OVERLAP_SECONDS : null;
    const again = since !== null && Number.isFinite(since);
    if (again) this.view.lines.resume();
    this.ended = null;
    this.end = 0;
    this.waiting = [];
    const wanted = again ? { ...this.wanted, tailLines: null, sinceSeconds: Math.max(1, since) } : this.wanted;
    this.log = this.ports.open(wanted, {
      receive: (text, end) => {
        this.waiting.push(text);
        this.end = end;
        this.schedule();
      },
      end: (refusal) => {
        this.ended = { refusal };
        this.schedule();
      },
      cut: () => {
        this.take();
        this.log = null;
        this.change({ state: "broken" });
      },
    });
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.ports.nextFrame(() => {
      this.scheduled = false;
      if (!this.closed) this.take();
    });
  }

  private take(): void {
    if (this.waiting.length > 0) {
      this.view.lines.append(this.waiting.join(""));
      this.waiting = [];
      this.log?.acknowledge(this.end);
      this.change({ state: "reading", refusal: null });
    }
    if (this.ended) this.finish(this.ended.refusal);
  }

  private finish(refusal: Refusal | null): void {
    this.ended = null;
    this.log = null;
    if (refusal && BROKEN.has(refusal.code)) {
      this.change({ state: "broken", refusal });
      this.stopTimer = this.ports.later(() => this.open(), AGAIN_MS);
      return;
    }
    this.view.lines.finish();
    this.change({ state: refusal ? "refused" : "ended", refusal });
  }

  private change(part: Partial<LogView>): void {
    this.view = { ...this.view, ...part, version: this.view.version + 1 };
    for (const listener of this.listeners) listener();
  }
}
