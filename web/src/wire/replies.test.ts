import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { isTerminalReply } from "./replies";

interface Row {
  name: string;
  bytes: string;
}
const vectors = JSON.parse(readFileSync(new URL("../../../spec/vectors/replies.json", import.meta.url), "utf8")) as {
  replies: Row[];
  keys: Row[];
};
const rows = (list: Row[]) => list.map((row) => [row.name, Buffer.from(row.bytes, "hex")] as const);

it.each(rows(vectors.replies))("%s is a reply", (_, bytes) => {
  expect(isTerminalReply(Uint8Array.from(bytes))).toBe(true);
  expect(isTerminalReply(bytes.toString("latin1"))).toBe(true);
});

it.each(rows(vectors.keys))("%s is no reply", (_, bytes) => {
  expect(isTerminalReply(Uint8Array.from(bytes))).toBe(false);
  expect(isTerminalReply(bytes.toString("utf8"))).toBe(false);
});
