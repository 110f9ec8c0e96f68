import { expect, test } from "vitest";
import { compareTimes, LINE_CHARACTERS, LogLines } from "./lines";

const texts = (lines: LogLines): string[] => lines.all().map(({ text }) => text);

test("a log that is cut anywhere has the lines that it was printed with", () => {
  const log =
    "2026-01-01T00:00:00.1Z one\n2026-01-01T00:00:00.2Z two\r\n2026-01-01T00:00:00.3Z \n2026-01-01T00:00:01Z three";
  for (let size = 1; size < log.length; size += 1) {
    const lines = new LogLines();
    for (let at = 0; at < log.length; at += size) lines.append(log.slice(at, at + size));
    lines.finish();
    expect(texts(lines)).toEqual(["one", "two", "", "three"]);
    expect(lines.all().map(({ at }) => at)[3]).toBe("2026-01-01T00:00:01Z");
  }
});

test("old lines go, and those that stay keep their numbers", () => {
  const lines = new LogLines(10);
  for (let number = 0; number < 1000; number += 1) lines.append(`line ${number}\n`);
  expect(texts(lines)).toEqual(Array.from({ length: 10 }, (_, index) => `line ${990 + index}`));
  expect([lines.dropped, lines.total, lines.count]).toEqual([990, 1000, 10]);
  expect(lines.at(lines.indexOf(995))?.text).toBe("line 995");
});

test("long lines count by their characters, and a line that never ends is cut", () => {
  const lines = new LogLines(1000, 100);
  for (let number = 0; number < 20; number += 1) lines.append(`${"x".repeat(20)}\n`);
  expect(lines.count).toBe(5);
  const endless = new LogLines();
  endless.append("y".repeat(LINE_CHARACTERS * 2 + 5));
  expect(endless.count).toBe(2);
});

test("after a break nothing is twice and nothing is missing", () => {
  const at = (second: number): string => `2026-01-01T00:00:0${second}.000000001Z`;
  const lines = new LogLines();
  lines.append(`${at(1)} a\n${at(2)} b\n${at(3)} half of`);
  lines.resume();
  lines.append(`${at(1)} a\n${at(2)} b\n${at(3)} half of it\n${at(4)} c\n`);
  expect(texts(lines)).toEqual(["a", "b", "half of it", "c"]);
});

test("a break between two lines of one time costs neither, and the rest of a long line is not there twice", () => {
  const at = "2026-01-01T00:00:01.000000001Z";
  const long = `${at} ${"z".repeat(2 * LINE_CHARACTERS)}\n`;
  const lines = new LogLines();
  lines.append(`${at} a\n${long}${at} b\n`);
  const before = lines.count;
  lines.resume();
  lines.append(`${at} a\n${long}${at} b\n${at} c\n`);
  expect(lines.count).toBe(before + 1);
  expect(texts(lines).slice(-2)).toEqual(["b", "c"]);
  lines.resume();
  lines.append(`${at} a\n${long}${at} b\n${at} c\n${at} d\n`);
  expect(texts(lines).slice(-3)).toEqual(["b", "c", "d"]);
});

test("times with shorter fractions are compared as times", () => {
  expect(compareTimes("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.49Z")).toBe(1);
  expect(compareTimes("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000000Z")).toBe(0);
  expect(compareTimes("2026-01-01T00:00:00.000000001Z", "2026-01-01T00:00:00.000000002Z")).toBe(-1);
});

test("a search finds what is there and what comes later, and forgets what goes", () => {
  const lines = new LogLines(5);
  lines.append("Error one\nfine\n");
  lines.search("error");
  expect(lines.matches).toEqual([0]);
  lines.append("an ERROR\nfine\nfine\nfine\n");
  expect(lines.matches).toEqual([2]);
  lines.search("");
  expect(lines.matches).toEqual([]);
});
