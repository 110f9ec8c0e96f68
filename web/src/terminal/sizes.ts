/** Tells the other end how large the screen is: once it has settled, and only when it has changed. */

import type { Screen, Timers } from "./ports";

const SETTLE_MS = 80;

export class SizeReports {
  private sent = "";
  private cancel: (() => void) | null = null;

  /** `send` answers false when there is nobody to tell now. */
  constructor(
    private readonly screen: Screen,
    timers: Timers,
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
