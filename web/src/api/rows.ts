/**
 * Rows of one or more subscriptions as one list that React can read.
 *
 * Changes are gathered and published at most once a frame. While a subscription starts again, the rows it had stay until the new ones
 * are complete, so that the page does not flicker.
 */

import type { Refusal } from "../wire/errors";
import type { Batch, LiveSocket } from "./live";
import type { Topic } from "./types";

interface Part<Row> {
  rows: Map<string, Row>;
  /** Rows of a restarted subscription, until complete. */
  next: Map<string, Row> | null;
  complete: boolean;
  refusal: Refusal | null;
  stop: () => void;
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
  private state: RowsState<Row> = { rows: [], complete: false, refusals: [] };
  private scheduled = false;

  /** `keyOf` names a row as `removed` does; `rowOf` makes a row of what came, for the part (cluster) it came from. */
  constructor(
    private readonly socket: LiveSocket,
    private readonly topic: Topic,
    private readonly rowOf: (wire: unknown, part: string) => Row,
    private readonly keyOf: (wire: unknown) => string,
  ) {}

  readonly getState = (): RowsState<Row> => this.state;

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Subscribe to exactly these parts: names of clusters, or one empty name for what is not of a cluster. */
  follow(names: string[]): void {
    for (const [name, part] of this.parts) {
      if (names.includes(name)) continue;
      part.stop();
      this.parts.delete(name);
      this.schedule();
    }
    for (const name of names) if (!this.parts.has(name)) this.add(name);
  }

  private add(name: string): void {
    const part: Part<Row> = { rows: new Map(), next: new Map(), complete: false, refusal: null, stop: () => {} };
    this.parts.set(name, part);
    part.stop = this.socket.subscribe({
      topic: this.topic,
      cluster: name,
      receive: (batch) => this.receive(name, part, batch),
      restart: () => {
        part.next = new Map();
      },
    });
    this.schedule();
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
    const rows: Row[] = [];
    const refusals: RowsState<Row>["refusals"] = [];
    let complete = true;
    for (const [name, part] of this.parts) {
      // Until the first rows are complete, show what has come so far.
      rows.push(...(part.complete ? part.rows : (part.next ?? part.rows)).values());
      if (part.refusal) refusals.push({ part: name, refusal: part.refusal });
      else if (!part.complete) complete = false;
    }
    this.state = { rows, complete, refusals };
    for (const listener of this.listeners) listener();
  }
}
