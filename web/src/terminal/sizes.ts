/** Tells the other end how large the screen is: once it has settled, and only when it has changed. */

import type { Screen, Timers } from "./ports";

const SETTLE_MS = 80;
/** Within so long after a new size a program draws itself anew: that is no news for somebody who has minimised it. */
const REDRAW_MS = 1_000;

export class SizeReports {
  private sent = "";
  private sentAt = Number.NEGATIVE_INFINITY;
  private cancel: (() => void) | null = null;

  /** `send` answers false when there is nobody to tell now. */
  constructor(
    private readonly screen: Screen,
    private readonly timers: Timers,
    private readonly send: (cols: number, rows: number) => boolean,
  ) {
    screen.onResize(() => {
      this.cancel?.();
      this.cancel = timers.after(SETTLE_MS, () => this.report());
    });
  }

  /** The present size was told by other means. */
  told(): void {
    this.sent = `${this.screen.cols}x${this.screen.rows}`;
    this.sentAt = this.timers.now();
  }

  /** True while what comes may be an answer to a new size only. */
  get redrawing(): boolean {
    return this.timers.now() - this.sentAt < REDRAW_MS;
  }

  report(): void {
    const { cols, rows } = this.screen;
    if (cols < 1 || rows < 1 || this.sent === `${cols}x${rows}`) return;
    if (this.send(cols, rows)) this.told();
  }

  dispose(): void {
    this.cancel?.();
  }
}
