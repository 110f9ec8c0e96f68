/// <reference types="node" />
import { readFileSync } from "node:fs";
import { Terminal } from "@xterm/headless";
import { describe, expect, it, test } from "vitest";
import { type HintName, HintWatcher, RULES } from "./hints";
import { SafePoint } from "./safepoint";

interface Row {
  name: string;
  reads: string[];
  hints: HintName[][];
  end: HintName[];
}

const vectors = JSON.parse(readFileSync(new URL("../../../spec/vectors/hints.json", import.meta.url), "utf8")) as {
  patterns: Record<string, string>;
  outputs: Row[];
};
const rows = vectors.outputs.map((row) => [row.name, row] as const);
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

/** What comes of an output: told by a real terminal whether a full-screen program runs. */
async function given(reads: readonly Uint8Array[]): Promise<{ hints: HintName[][]; end: HintName[] }> {
  const terminal = new Terminal({ allowProposedApi: true });
  const watcher = new HintWatcher();
  const hints: HintName[][] = [];
  for (const read of reads) {
    watcher.receive(read);
    await new Promise<void>((parsed) => terminal.write(read, parsed));
    hints.push(watcher.take(terminal.buffer.active.type === "alternate"));
  }
  return { hints, end: watcher.finish() };
}

test("names and patterns are those of the command line", () => {
  const patterns = RULES.map(({ name, pattern }) => [name, pattern.source.replaceAll("\\/", "/")]);
  expect(Object.fromEntries(patterns)).toEqual(vectors.patterns);
});

describe("the outputs of the vectors", () => {
  it.each(rows)("%s", async (_, row) => {
    expect(await given(row.reads.map(bytes))).toEqual({ hints: row.hints, end: row.end });
  });

  it.each(rows)("%s: the same wherever it is cut", (_, row) => {
    const output = bytes(row.reads.join(""));
    const expected = [...row.hints.flat(), ...row.end].sort();
    for (let cut = 0; cut <= output.length; cut++) {
      const watcher = new HintWatcher();
      watcher.receive(output.subarray(0, cut));
      const early = watcher.take(false);
      watcher.receive(output.subarray(cut));
      expect([...early, ...watcher.take(false), ...watcher.finish()].sort()).toEqual(expected);
    }
  });

  it.each(rows)("%s: the same byte by byte", (_, row) => {
    const watcher = new HintWatcher();
    for (const byte of bytes(row.reads.join(""))) watcher.receive(Uint8Array.of(byte));
    expect(watcher.finish().sort()).toEqual([...row.hints.flat(), ...row.end].sort());
  });
});

test("an error is found wherever it stands in a large message", () => {
  const error = bytes("ping: socket: Operation not permitted\n");
  for (let at = 0; at < 1200; at++) {
    const data = new Uint8Array(2000).fill(0x61);
    data.set(error, at);
    const watcher = new HintWatcher();
    watcher.receive(data);
    expect([at, watcher.take(false)]).toEqual([at, ["ping"]]);
  }
});

test.each([
  ["numbers", "0123456789abcdef\n"],
  ["a log", '10.1.2.3 - - [26/Nov/2026:09:00:00 +0000] "GET /checkout HTTP/1.1" 200 512 "no referrer" 0.012\r\n'],
  ["errors of another kind", "find: '/proc/1/task/1/fd/5': No such file or directory\r\n"],
])("a flood of %s costs less than the look at each byte that a snapshot needs anyway", (_, line) => {
  const flood = bytes(line.repeat((64 * 1024) / line.length));
  const best = (look: () => void): number => {
    const times = Array.from({ length: 30 }, () => {
      const start = performance.now();
      for (let turn = 0; turn < 16; turn++) look();
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  const watcher = new HintWatcher();
  const safePoint = new SafePoint();
  const [hints, each] = [best(() => watcher.receive(flood)), best(() => safePoint.feed(flood))];
  expect(hints).toBeLessThan(each);
  watcher.receive(bytes("ping: socket: Operation not permitted\n"));
  expect(watcher.take(false)).toEqual(["ping"]);
});
