import { expect, test } from "vitest";
import type { LogReader, LogWanted } from "../api/live";
import type { Refusal } from "../wire/errors";
import { downloadLog } from "./download";
import { LogReading } from "./reading";

const WANTED: LogWanted = {
  cluster: "east",
  namespace: "shop",
  pod: "web",
  container: "main",
  follow: true,
  previous: false,
  tailLines: 1000,
  sinceSeconds: null,
};
const NOW = Date.parse("2026-01-01T00:01:00Z");

function refusal(code: Refusal["code"]): Refusal {
  return { code, refused_by: "agent", message: code, next_step: "", details: {} };
}

/** A gateway with one log, and a page whose frames are drawn when the test says so. */
class FakeLog {
  opened: LogWanted[] = [];
  reader: LogReader | null = null;
  acknowledged: number[] = [];
  closed = 0;
  connected = true;
  frames: (() => void)[] = [];
  timers: (() => void)[] = [];
  connection: () => void = () => {};

  readonly ports = {
    open: (wanted: LogWanted, reader: LogReader) => {
      if (!this.connected) return null;
      this.opened.push(wanted);
      this.reader = reader;
      return { acknowledge: (end: number) => void this.acknowledged.push(end), close: () => void (this.closed += 1) };
    },
    onConnection: (listener: () => void) => {
      this.connection = listener;
      return () => {};
    },
    nextFrame: (callback: () => void) => void this.frames.push(callback),
    later: (callback: () => void) => {
      this.timers.push(callback);
      return () => {};
    },
    now: () => NOW,
  };

  draw(): void {
    for (const frame of this.frames.splice(0)) frame();
  }
}

const texts = (reading: LogReading) =>
  reading
    .getView()
    .lines.all()
    .map(({ text }) => text);

test("what comes between two frames is taken, and acknowledged, with the next frame", () => {
  const log = new FakeLog();
  const reading = new LogReading(WANTED, log.ports);
  log.reader?.receive("2026-01-01T00:00:00Z a\n", 23);
  log.reader?.receive("2026-01-01T00:00:01Z b\n", 46);
  expect(log.acknowledged).toEqual([]);
  log.draw();
  expect(log.acknowledged).toEqual([46]);
  expect(texts(reading)).toEqual(["a", "b"]);
});

test("after a break it goes on from a little earlier, and skips what it has", () => {
  const log = new FakeLog();
  const reading = new LogReading(WANTED, log.ports);
  log.reader?.receive("2026-01-01T00:00:00Z a\n", 23);
  log.draw();
  log.connected = false;
  log.reader?.cut();
  expect(reading.getView().state).toBe("broken");
  log.connected = true;
  log.connection();
  expect(log.opened[1]).toMatchObject({ tailLines: null, sinceSeconds: 150 });
  log.reader?.receive("2026-01-01T00:00:00Z a\n2026-01-01T00:00:30Z b\n", 46);
  log.draw();
  expect(texts(reading)).toEqual(["a", "b"]);
  expect(reading.getView().state).toBe("reading");
});

test("a log whose agent is away is tried again; one that is refused is not", () => {
  const log = new FakeLog();
  const reading = new LogReading(WANTED, log.ports);
  log.reader?.end(refusal("link_lost"));
  log.draw();
  expect(reading.getView().state).toBe("broken");
  log.timers.pop()?.();
  expect(log.opened.length).toBe(2);
  log.reader?.end(refusal("forbidden_by_kubernetes"));
  log.draw();
  log.connection();
  expect(log.opened.length).toBe(2);
  expect(reading.getView()).toMatchObject({ state: "refused", refusal: { code: "forbidden_by_kubernetes" } });
});

test("the end of a log comes after its last line, ended or not", () => {
  const log = new FakeLog();
  const reading = new LogReading(WANTED, log.ports);
  log.reader?.receive("2026-01-01T00:00:00Z last words", 31);
  log.reader?.end(null);
  log.draw();
  expect(texts(reading)).toEqual(["last words"]);
  expect(reading.getView().state).toBe("ended");
});

test("a reading that is closed takes nothing more", () => {
  const log = new FakeLog();
  const reading = new LogReading(WANTED, log.ports);
  log.reader?.receive("2026-01-01T00:00:00Z a\n", 23);
  reading.close();
  log.draw();
  log.connection();
  expect([log.closed, log.opened.length, texts(reading)]).toEqual([1, 1, []]);
});

test("a download reads all of the log, and stops at its bound", async () => {
  const log = new FakeLog();
  const whole = downloadLog(WANTED, log.ports.open, () => {});
  expect(log.opened[0]).toMatchObject({ follow: false, tailLines: null });
  log.reader?.receive("abc", 3);
  log.reader?.end(null);
  expect(await whole).toEqual({ parts: ["abc"], bytes: 3, cut: false });
  const some = downloadLog(WANTED, log.ports.open, () => {}, 4);
  log.reader?.receive("abcd", 4);
  expect(await some).toMatchObject({ bytes: 4, cut: true });
  const broken = downloadLog(WANTED, log.ports.open, () => {});
  log.reader?.cut();
  await expect(broken).rejects.toBeNull();
});
