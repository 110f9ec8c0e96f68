/**
 * The lines of a log that a page keeps: the newest ones, up to a bound in lines and in characters. Pure.
 *
 * Lines have numbers that never change, so that what is found stays found while old lines go. The log comes with times; they are kept
 * beside the text, shown or not.
 */

export interface LogLine {
  number: number;
  /** RFC 3339 with nanoseconds; empty when the line had none. */
  at: string;
  text: string;
}

// Some hundred screens, and what a search passes over in a few ms.
export const LINE_LIMIT = 20_000;
// Two bytes a character in the worst case: 16 MiB.
export const CHARACTER_LIMIT = 8 * 1024 * 1024;
// A program that never ends its line: it is cut into lines of this length.
export const LINE_CHARACTERS = 32 * 1024;

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?/;

export class LogLines {
  private lines: LogLine[] = [];
  /** How many of `lines`, from the first, are dropped already. */
  private start = 0;
  private rest = "";
  private characters = 0;
  private counter = 0;
  private words = "";
  private hits: number[] = [];
  /** The newest time of a line; lines up to it are not taken again after a break. */
  latest = "";
  /** How many lines have the newest time: a burst may be cut between two of one time. */
  private withLatest = 0;
  private skipUntil = "";
  private skipWithLatest = 0;
  private skipping = false;

  constructor(
    private readonly lineLimit = LINE_LIMIT,
    private readonly characterLimit = CHARACTER_LIMIT,
  ) {}

  get count(): number {
    return this.lines.length - this.start;
  }

  /** How many lines are kept no more. */
  get dropped(): number {
    return this.lines[this.start]?.number ?? this.counter;
  }

  /** How many lines have come in all. */
  get total(): number {
    return this.counter;
  }

  at(index: number): LogLine | undefined {
    return this.lines[this.start + index];
  }

  /** Where a line stands now; below 0 when it was dropped. */
  indexOf(number: number): number {
    return number - this.dropped;
  }

  all(): LogLine[] {
    return this.lines.slice(this.start);
  }

  /** Take the next part of the log, cut anywhere. */
  append(text: string): void {
    const pieces = (this.rest + text).split("\n");
    this.rest = pieces.pop() ?? "";
    for (const piece of pieces) this.take(piece);
    while (this.rest.length > LINE_CHARACTERS) {
      this.take(this.rest.slice(0, LINE_CHARACTERS));
      this.rest = this.rest.slice(LINE_CHARACTERS);
    }
    this.drop();
  }

  /** The log is over: what came last is a line, whether it was ended or not. */
  finish(): void {
    if (this.rest) this.take(this.rest);
    this.rest = "";
    this.drop();
  }

  /** The log comes again from somewhat earlier: skip what is here already. */
  resume(): void {
    this.rest = "";
    this.skipUntil = this.latest;
    this.skipWithLatest = this.withLatest;
    this.skipping = this.latest !== "";
  }

  /** Whether a line that comes again was here before the break; what has no time is the rest of the line before it. */
  private isKnown(at: string): boolean {
    if (!at) return this.skipping;
    const order = compareTimes(at, this.skipUntil);
    if (order === 0) this.skipWithLatest -= 1;
    return order < 0 || (order === 0 && this.skipWithLatest >= 0);
  }

  private take(piece: string): void {
    const stamp = STAMP.exec(piece);
    const at = stamp?.[1] ?? "";
    if (this.skipUntil) {
      this.skipping = this.isKnown(at);
      if (this.skipping) return;
      if (compareTimes(at, this.skipUntil) > 0) this.skipUntil = "";
    }
    if (at) {
      this.withLatest = at === this.latest ? this.withLatest + 1 : 1;
      this.latest = at;
    }
    const text = piece.slice(stamp?.[0].length ?? 0, LINE_CHARACTERS).replace(/\r$/, "");
    this.lines.push({ number: this.counter, at, text });
    if (this.words && text.toLowerCase().includes(this.words)) this.hits.push(this.counter);
    this.counter += 1;
    this.characters += text.length;
  }

  private drop(): void {
    while (this.count > this.lineLimit || (this.characters > this.characterLimit && this.count > 1)) {
      this.characters -= this.lines[this.start]?.text.length ?? 0;
      this.start += 1;
    }
    // Taken out in one go now and then: one by one would move all others each time.
    if (this.start > this.lineLimit / 4) {
      this.lines = this.lines.slice(this.start);
      this.start = 0;
    }
    const first = this.dropped;
    let gone = 0;
    while (gone < this.hits.length && (this.hits[gone] as number) < first) gone += 1;
    if (gone > 0) this.hits = this.hits.slice(gone);
  }

  /** Look for words, without regard to case; empty: for nothing. Lines that come later are looked at as they come. */
  search(words: string): void {
    const wanted = words.toLowerCase();
    if (wanted === this.words) return;
    this.words = wanted;
    this.hits = [];
    if (!wanted) return;
    for (let index = this.start; index < this.lines.length; index += 1) {
      const line = this.lines[index] as LogLine;
      if (line.text.toLowerCase().includes(wanted)) this.hits.push(line.number);
    }
  }

  /** The numbers of the lines that hold what is looked for, in order. */
  get matches(): readonly number[] {
    return this.hits;
  }
}

/** Compare times as Kubernetes writes them: their fractions have 9 digits, or fewer when they end in zeros. */
export function compareTimes(one: string, other: string): number {
  const [a, b] = [normal(one), normal(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

function normal(time: string): string {
  const [, seconds = "", fraction = "", zone = ""] = /^(.{19})(?:\.(\d+))?(.*)$/.exec(time) ?? [];
  // One log has one zone: that of its node, which writes UTC.
  return `${seconds}.${fraction.padEnd(9, "0").slice(0, 9)}${zone}`;
}
