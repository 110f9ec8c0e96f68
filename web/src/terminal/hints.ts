/**
 * Advice on errors that the output of a debug or node shell may show: which of them have come. Pure; it changes no byte.
 *
 * Twin of src/podshell/cli/hints.py: both run spec/vectors/hints.json, and names and patterns are the same. Each hint is given once, after
 * the line that it is about, and never while a full-screen program runs: then when that is left, or at the end.
 *
 * A flood is not held up by it: every pattern ends in one of a few texts, so that four bytes in every nine tell whether one of them is
 * there; only then the pattern is tried, on what stands before.
 */

export type HintName = "rights" | "bus" | "links" | "ping";

interface Rule {
  name: HintName;
  pattern: RegExp;
  /** What a match of the pattern ends in. */
  endings: readonly string[];
}

export const RULES: readonly Rule[] = [
  {
    name: "rights",
    pattern: /(?:Operation not permitted|Permission denied) \(you must be root\)/,
    endings: ["(you must be root)"],
  },
  {
    name: "bus",
    pattern: /Failed to connect to (?:\w+ scope )?bus(?: via \w+ transport)?: (?:No data available|Host is down)/,
    endings: ["No data available", "Host is down"],
  },
  {
    name: "links",
    pattern: /\/host\/[^\r\n\x00]{0,400}: No such file or directory/,
    endings: ["No such file or directory"],
  },
  {
    name: "ping",
    pattern: /(?<!ar)(?<!f)ping6?: (?:socket|socktype: SOCK_RAW)[^\x00]{0,40}?: Operation not permitted/,
    endings: ["Operation not permitted"],
  },
];

interface Ending {
  rule: Rule;
  bytes: Uint8Array;
}

const ENDINGS: readonly Ending[] = RULES.flatMap((rule) =>
  rule.endings.map((ending) => ({ rule, bytes: Uint8Array.from(ending, (char) => char.charCodeAt(0)) })),
);
/** Of so many places one after the other, at least one begins a sample within an ending that is there. */
const SAMPLE_BYTES = 4;
const STRIDE = Math.min(...ENDINGS.map(({ bytes }) => bytes.length)) - SAMPLE_BYTES + 1;
/** What may be cut between two messages: the longest of the texts, with the path before it. */
const KEPT_BYTES = 512;
/** How often patterns are tried in a message: more are a long list of errors, and the next message has another chance. */
const LOOKS = 16;
const NEWLINE = 10;
const ASCII = new TextDecoder("latin1");

/** In which endings a sample stands, and where. */
const PLACES = new Map<number, { ending: Ending; at: number }[]>();
/** Which samples may be among them, by their hashes: a table that stays in a processor's first cache. */
const HASH_BITS = 12;
const IS_LIKELY = new Uint8Array(1 << HASH_BITS);
for (const ending of ENDINGS)
  for (let at = 0; at + SAMPLE_BYTES <= ending.bytes.length; at++) {
    const sample = sampleAt(ending.bytes, at);
    IS_LIKELY[hashOf(sample)] = 1;
    PLACES.set(sample, [...(PLACES.get(sample) ?? []), { ending, at }]);
  }

function sampleAt(data: Uint8Array, at: number): number {
  return (
    (data[at] as number) |
    ((data[at + 1] as number) << 8) |
    ((data[at + 2] as number) << 16) |
    ((data[at + 3] as number) << 24)
  );
}

/** Knuth's multiplicative hash (The Art of Computer Programming 3, 6.4). */
function hashOf(sample: number): number {
  return Math.imul(sample, 0x9e3779b1) >>> (32 - HASH_BITS);
}

export class HintWatcher {
  private left: readonly Rule[] = RULES;
  private waiting: HintName[] = [];
  /** The line of what waits has ended. */
  private ended = false;
  private kept: Uint8Array = new Uint8Array(0);

  /** True while a hint is to be given as soon as no full-screen program runs. */
  get due(): boolean {
    return this.ended && this.waiting.length > 0;
  }

  /** Look at the next bytes. */
  receive(data: Uint8Array): void {
    if (this.left.length === 0 && (this.ended || this.waiting.length === 0)) return;
    const edge = joined(this.kept, data.subarray(0, KEPT_BYTES));
    const before = this.kept.length;
    this.kept = data.length < KEPT_BYTES ? edge.slice(-KEPT_BYTES) : data.slice(-KEPT_BYTES);
    let foundAt = this.look(edge) - before;
    if (data.length > KEPT_BYTES) foundAt = Math.max(foundAt, this.look(data));
    if (foundAt > 0) this.ended = false;
    if (this.waiting.length > 0 && !this.ended) this.ended = data.indexOf(NEWLINE, Math.max(0, foundAt)) >= 0;
  }

  /** Take what is to be said now: nothing while a full-screen program runs. */
  take(fullScreen: boolean): HintName[] {
    return fullScreen || !this.due ? [] : this.finish();
  }

  /** Take what is still to be said, at the session's end. */
  finish(): HintName[] {
    const hints = this.waiting;
    this.waiting = [];
    return RULES.map(({ name }) => name).filter((name) => hints.includes(name));
  }

  /** Find what has not been found before; answers where the last of it ends, 0: nothing was found. */
  private look(data: Uint8Array): number {
    let looks = LOOKS;
    let seen = 0;
    let foundAt = 0;
    const last = data.length - SAMPLE_BYTES;
    for (let at = 0; at <= last; at += STRIDE) {
      if (IS_LIKELY[hashOf(sampleAt(data, at))] === 0) continue;
      const ending = endingAt(data, at, this.left);
      if (!ending || ending.end <= seen) continue; // an ending has several samples
      seen = ending.end;
      if (this.judge(data, ending.end, ending.rule)) foundAt = seen;
      looks -= 1;
      if (looks === 0 || this.left.length === 0) break;
    }
    return foundAt;
  }

  private judge(data: Uint8Array, end: number, rule: Rule): boolean {
    const text = ASCII.decode(data.subarray(Math.max(0, end - KEPT_BYTES), end));
    if (!rule.pattern.test(text)) return false;
    this.left = this.left.filter((other) => other !== rule);
    this.waiting.push(rule.name);
    return true;
  }
}

/** The ending of one of the rules that the sample at `at` is part of. */
function endingAt(data: Uint8Array, at: number, rules: readonly Rule[]): { rule: Rule; end: number } | null {
  for (const { ending, at: within } of PLACES.get(sampleAt(data, at)) ?? []) {
    const start = at - within;
    if (start >= 0 && startsAt(data, start, ending.bytes) && rules.includes(ending.rule))
      return { rule: ending.rule, end: start + ending.bytes.length };
  }
  return null;
}

function startsAt(data: Uint8Array, start: number, text: Uint8Array): boolean {
  if (start + text.length > data.length) return false;
  for (let at = 0; at < text.length; at++) if (data[start + at] !== text[at]) return false;
  return true;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
