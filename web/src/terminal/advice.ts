/** When a session's hints are given: not before the screen has parsed their line, and not while a full-screen program runs on it. */

import { type HintName, HintWatcher } from "./hints";
import type { SessionPorts } from "./ports";

export class Advice {
  private readonly watcher = new HintWatcher();
  /** The screen must have come so far before it tells whether a hint would come into a full-screen program. */
  private from = 0;

  /** `give` gets what is to be shown now. */
  constructor(
    private readonly ports: Pick<SessionPorts, "screen" | "wantsHints">,
    private readonly give: (hints: readonly HintName[]) => void,
  ) {}

  /** Look at output that ends at the offset `end`, before the screen parses it. */
  receive(data: Uint8Array, end: number): void {
    if (!this.ports.wantsHints()) return;
    const { due } = this.watcher;
    this.watcher.receive(data);
    if (this.watcher.due && !due) this.from = end;
  }

  /** The screen has parsed everything up to `offset`. */
  parsed(offset: number): void {
    if (this.watcher.due && offset >= this.from) this.tell(this.watcher.take(this.ports.screen.fullScreen));
  }

  /** Offsets count anew. */
  startOver(): void {
    this.from = 0;
  }

  /** Nothing more comes. */
  finish(): void {
    this.tell(this.watcher.finish());
  }

  private tell(hints: readonly HintName[]): void {
    if (hints.length > 0) this.give(hints);
  }
}
