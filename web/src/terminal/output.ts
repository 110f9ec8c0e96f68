/**
 * What a session has put out, on its way through the screen: offsets, replay, acknowledgements, snapshots (spec/terminal.md 3).
 *
 * Three offsets: `received` (handed to the screen), `parsed` (the screen's write callback has run), `acknowledged`. A generation number
 * tells callbacks of writes before a reset from those after it.
 */

import type { Screen, SnapshotStore, Timers } from "./ports";
import { SafePoint } from "./safepoint";
import { unfinishedBytes } from "./utf8";
import { AFTER_GAP, FULL_RESET, MODES_RESET } from "./sequences";

const ACK_BYTES = 32 * 1024;
const ACK_MS = 50;
/** A snapshot when output has been quiet for so long: often enough for a crash, too rarely to be felt. */
const QUIET_MS = 2_000;
/** Lines of scrollback in a snapshot, tried in turn until it fits into the storage. */
const SNAPSHOT_LINES = [5_000, 2_000, 500, 0];

export interface AttachFacts {
  epoch: string;
  start: number;
  head: number;
  incarnation: number;
  reset: boolean;
}

export interface OutputEvents {
  acknowledge(offset: number): void;
  firstByte(): void;
  /** Output came that is not a replay; it goes to the screen next. */
  news(data: Uint8Array): void;
  /** The screen has come so far. */
  parsed(offset: number): void;
}

export class OutputLog {
  epoch: string | null = null;
  /** The session was created by this page: nobody has answered the queries in its first output yet. */
  fresh = false;
  private received = 0;
  private parsed = 0;
  private acknowledged = 0;
  private replayUntil = 0;
  private restoring = false;
  private generation = 0;
  private anything = false;
  private modesResetAt: number | null = null;
  /** The first bytes of a character whose rest has not come yet (utf8.ts). */
  private unfinished = new Uint8Array(0);
  private savedAt = -1;
  private readonly safePoint = new SafePoint();
  private parsedSafe = true;
  private cancelAck: (() => void) | null = null;
  private cancelQuiet: (() => void) | null = null;

  constructor(
    private readonly screen: Screen,
    private readonly timers: Timers,
    private readonly snapshots: SnapshotStore,
    private readonly events: OutputEvents,
  ) {}

  /** How much has been handed to the screen. */
  get end(): number {
    return this.received;
  }

  /** What the terminal has, for HELLO; null before the first output log is known. */
  get position(): { epoch: string; offset: number } | null {
    return this.epoch === null ? null : { epoch: this.epoch, offset: this.received };
  }

  /** True while the screen still parses output from before the attach: what it replies now must not be sent. */
  get replaying(): boolean {
    return this.restoring || this.parsed < this.replayUntil;
  }

  /** Put back what an earlier page has shown. */
  restore(): boolean {
    const snapshot = this.snapshots.load();
    if (!snapshot) return false;
    this.epoch = snapshot.epoch;
    this.received = this.parsed = this.acknowledged = this.savedAt = snapshot.offset;
    this.restoring = true;
    this.anything = true;
    this.screen.resize(snapshot.cols, snapshot.rows);
    this.screen.write(snapshot.text, () => {
      this.restoring = false;
      this.screen.refit();
    });
    return true;
  }

  /** A socket is attached; the answer is how many bytes between what we have and its start are missing. */
  attach(attached: AttachFacts): number {
    let missing = 0;
    if (attached.reset || (this.epoch !== null && this.epoch !== attached.epoch)) this.startOver(attached.start);
    else if (this.epoch === null) this.received = this.parsed = attached.start;
    else if (attached.start > this.received) missing = this.skip(this.received, attached.start);
    this.epoch = attached.epoch;
    this.acknowledged = Math.min(this.parsed, attached.start);
    const nobodyAnswered = this.fresh && attached.start === 0 && attached.incarnation === 1;
    this.replayUntil = nobodyAnswered ? 0 : attached.head;
    this.fresh = false;
    return missing;
  }

  private startOver(start: number): void {
    if (this.anything) this.screen.write(FULL_RESET);
    this.generation += 1;
    this.received = this.parsed = this.acknowledged = start;
    this.startCharacter();
    this.modesResetAt = null;
    this.savedAt = -1;
    this.snapshots.remove();
  }

  /** Bytes at `offset`: duplicates are trimmed, a hole that was not announced counts as a gap. */
  receive(offset: number, data: Uint8Array): void {
    const skipped = this.received - offset;
    if (skipped >= data.length) return;
    if (skipped < 0) this.skip(this.received, offset);
    const fresh = skipped > 0 ? data.subarray(skipped) : data;
    for (const border of [this.modesResetAt, this.replayUntil]) {
      // Cut where the meaning changes, so that a write callback tells exactly when the screen has come so far.
      if (border !== null && border > this.received && border < this.received + fresh.length) {
        const size = border - this.received;
        this.write(fresh.subarray(0, size));
        this.receive(this.received, fresh.subarray(size));
        return;
      }
    }
    this.write(fresh);
  }

  private write(data: Uint8Array): void {
    if (this.modesResetAt !== null && this.received >= this.modesResetAt) this.resetModes();
    this.received += data.length;
    if (!this.anything) {
      this.anything = true;
      this.events.firstByte();
    }
    if (this.received > this.replayUntil) this.events.news(data);
    const whole = joined(this.unfinished, data);
    const kept = unfinishedBytes(whole);
    this.unfinished = whole.slice(whole.length - kept);
    if (whole.length === kept) return;
    const complete = whole.subarray(0, whole.length - kept);
    this.safePoint.feed(complete);
    const safe = this.safePoint.safe;
    const end = this.received - kept;
    const generation = this.generation;
    this.screen.write(complete, () => generation === this.generation && this.advance(end, safe));
  }

  private advance(offset: number, safe: boolean): void {
    this.parsed = offset;
    this.parsedSafe = safe;
    this.events.parsed(offset);
    if (this.parsed - this.acknowledged >= ACK_BYTES) this.acknowledge();
    else this.cancelAck ??= this.timers.after(ACK_MS, () => this.acknowledge());
    this.cancelQuiet?.();
    this.cancelQuiet = this.timers.after(QUIET_MS, () => this.save());
  }

  private acknowledge(): void {
    this.cancelAck?.();
    this.cancelAck = null;
    if (this.parsed <= this.acknowledged) return;
    this.acknowledged = this.parsed;
    this.events.acknowledge(this.parsed);
  }

  /** Bytes from `start` to `end` are gone; the answer is how many of them the screen misses. */
  skip(start: number, end: number): number {
    if (end <= this.received) return 0;
    const missing = end - Math.max(start, this.received);
    this.startCharacter();
    this.received = end;
    const generation = this.generation;
    this.screen.write(AFTER_GAP, () => generation === this.generation && this.advance(end, true));
    return missing;
  }

  /** A new shell starts at `offset`: what the old one had switched on goes off there. */
  resetModesAt(offset: number): void {
    if (offset <= this.received) this.resetModes();
    else this.modesResetAt = offset;
  }

  resetModes(): void {
    this.modesResetAt = null;
    this.startCharacter();
    if (this.anything) this.screen.write(MODES_RESET);
  }

  private startCharacter(): void {
    this.unfinished = new Uint8Array(0);
    this.safePoint.reset();
  }

  /** Save once everything written so far is parsed. */
  saveWhenParsed(): void {
    this.screen.write("", () => this.save());
  }

  /** Keep the screen for the next page. Between sequences only: the rest of one would be replayed as text. */
  save(): void {
    this.cancelQuiet?.();
    this.cancelQuiet = null;
    if (this.epoch === null || !this.anything || !this.parsedSafe || this.replaying || this.savedAt === this.parsed)
      return;
    const { cols, rows } = this.screen;
    for (const lines of SNAPSHOT_LINES) {
      const text = this.screen.serialize(lines);
      if (this.snapshots.save({ epoch: this.epoch, offset: this.parsed, cols, rows, text })) {
        this.savedAt = this.parsed;
        return;
      }
    }
  }

  dispose(): void {
    this.cancelAck?.();
    this.cancelQuiet?.();
    this.generation += 1;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
