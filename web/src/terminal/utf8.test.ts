import { expect, test } from "vitest";
import { unfinishedBytes } from "./utf8";

test("only what a character still lacks its end of is kept back", () => {
  const bytes = new TextEncoder().encode("aß—🙂");
  const kept = Array.from(bytes, (_, at) => unfinishedBytes(bytes.subarray(0, at + 1)));
  expect(kept).toEqual([0, 1, 0, 1, 2, 0, 1, 2, 3, 0]);
});

test("bytes that are no UTF-8 are not kept back for ever", () => {
  expect(unfinishedBytes(Uint8Array.of(0x80, 0x80, 0x80, 0x80))).toBe(0);
  expect(unfinishedBytes(Uint8Array.of(0xff))).toBe(0);
  expect(unfinishedBytes(Uint8Array.of(0xe2, 0x41))).toBe(0);
});
