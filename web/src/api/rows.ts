/**
 * Rows of one or more subscriptions, one part each, as lists that React can read.
 *
 * Whoever shows a part holds it; a part that nobody holds any more stays for a while, so that going to another page and back costs
 * nothing. Changes are gathered and published at most once a frame. While a subscription starts again, the rows it had stay until the
 * new ones are complete, so that the page does not flicker.
 */

import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { Refusal } from "../wire/errors";
import type { Batch, LiveSocket, Subject } from "./live";
import type { Topic } from "./types";

/** Long enough for a look at another page, short enough that a forgotten page costs the agent nothing. */
const LINGER_MS = 30_000;

interface Part<Row> {
  rows: Map<string, Row>;
  /** Rows of a restarted subscription, until complete. */
  next: Map<string, Row> | null;
  complete: boolean;
  refusal: Refusal | null;
  /** What was published of it; null once that is old. */
  state: PartState<Row> | null;
  holders: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  stop: () => void;
}

export interface PartState<Row> {
  rows: Row[];
  /** True once all that exists has come. */
  complete: boolean;
  /** Why there is no news now. */
  refusal: Refusal | null;
}

export interface RowsState<Row> {
  rows: Row[];
  /** True once every part has sent all that exists. */
  complete: boolean;
  /** Why a part has no news now, by part. */
  refusals: { part: string; refusal: Refusal }[];
}

export class LiveRows<Row> {
  private readonly parts = new Map<string, Part<Row>>();
  private readonly listeners = new Set<() => void>();
  private state: ReadonlyMap<string, PartState<Row>> = new Map();
  private scheduled = false;

  /**
   * `keyOf` names a row as `removed` does; `rowOf` makes a row of what came, for the part it came from; `subjectOf` says what a part
   * subscribes to: without it, a part is the name of a cluster, or empty for what is of none.
   */
  constructor(
    private readonly socket: Pick<LiveSocket, "subscribe">,
    private readonly topic: Topic,
    private readonly rowOf: (wire: unknown, part: string) => Row,
    private readonly keyOf: (wire: unknown) => string,
    private readonly subjectOf: (part: string) => Subject = (part) => (part ? { cluster: part } : {}),
  ) {}

  readonly getState = (): ReadonlyMap<string, PartState<Row>> => this.state;

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Follow these parts until the answer is called. */
  hold(names: readonly string[]): () => void {
    const held = names.map((name) => this.parts.get(name) ?? this.add(name));
    for (const part of held) {
      part.holders += 1;
      clearTimeout(part.timer);
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      for (const [index, part] of held.entries()) this.release(names[index] as string, part);
    };
  }

  private release(name: string, part: Part<Row>): void {
    part.holders -= 1;
    if (part.holders > 0) return;
    part.timer = setTimeout(() => {
      part.stop();
      this.parts.delete(name);
      this.schedule();
    }, LINGER_MS);
  }

  private add(name: string): Part<Row> {
    const part: Part<Row> = {
      rows: new Map(),
      next: new Map(),
      complete: false,
      refusal: null,
      state: null,
      holders: 0,
      timer: undefined,
      stop: () => {},
    };
    this.parts.set(name, part);
    part.stop = this.socket.subscribe({
      topic: this.topic,
      ...this.subjectOf(name),
      receive: (batch) => this.receive(name, part, batch),
      restart: () => {
        part.next = new Map();
      },
    });
    this.schedule();
    return part;
  }

  private receive(name: string, part: Part<Row>, batch: Batch): void {
    if (batch.reset) part.next = new Map();
    const target = part.next ?? part.rows;
    for (const wire of batch.set) target.set(this.keyOf(wire), this.rowOf(wire, name));
    for (const key of batch.removed) target.delete(key);
    part.refusal = batch.refusal;
    if (batch.complete && part.next) {
      part.rows = part.next;
      part.next = null;
    }
    part.complete = part.complete || batch.complete;
    part.state = null;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.publish();
    });
  }

  private publish(): void {
    this.state = new Map([...this.parts].map(([name, part]) => [name, (part.state ??= stateOf(part))]));
    for (const listener of this.listeners) listener();
  }
}

function stateOf<Row>({ rows, next, complete, refusal }: Part<Row>): PartState<Row> {
  // Until the first rows are complete, show what has come so far.
  return { rows: [...(complete ? rows : (next ?? rows)).values()], complete, refusal };
}

/** Follow parts for as long as the component is shown, and put their rows together. */
export function useRows<Row>(source: LiveRows<Row>, names: readonly string[]): RowsState<Row> {
  const state = useSyncExternalStore(source.listen, source.getState);
  // Names come as a new list each time; what matters is which.
  const key = JSON.stringify(names);
  useEffect(() => source.hold(JSON.parse(key) as string[]), [source, key]);
  return useMemo(() => gather(state, JSON.parse(key) as string[]), [state, key]);
}

function gather<Row>(state: ReadonlyMap<string, PartState<Row>>, names: string[]): RowsState<Row> {
  const gathered: RowsState<Row> = { rows: [], complete: true, refusals: [] };
  for (const name of names) {
    const part = state.get(name);
    if (part) gathered.rows = gathered.rows.length ? [...gathered.rows, ...part.rows] : part.rows;
    if (part?.refusal) gathered.refusals.push({ part: name, refusal: part.refusal });
    else if (!part?.complete) gathered.complete = false;
  }
  return gathered;
}
