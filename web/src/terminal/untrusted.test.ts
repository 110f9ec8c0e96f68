import { expect, test } from "vitest";
import { cleanPaste, cleanTitle, clipboardText, lineCount, needsConfirmation, safeLink } from "./untrusted";

test("only http, https and mailto links are offered", () => {
  expect(safeLink("https://example.com/a?b#c")).toBe("https://example.com/a?b#c");
  expect(safeLink("mailto:a@b.example")).toBe("mailto:a@b.example");
  for (const bad of [
    "javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "blob:https://x/1",
    "https://bank.example@evil.example/",
    "nothing",
    `https://x/${"a".repeat(3000)}`,
  ])
    expect(safeLink(bad), bad).toBe("");
});

test("a link's target is shown as the browser will take it", () => {
  expect(safeLink("https://аpple.com/")).toBe("https://xn--pple-43d.com/");
});

test("titles lose control and bidirectional characters, and are cut", () => {
  expect(cleanTitle("a\u202eb\u0007c\u200bd\u2066e")).toBe("abcde");
  expect(Array.from(cleanTitle("🙂".repeat(500))).length).toBe(80);
});

test("an OSC 52 write is decoded, a read and rubbish are not", () => {
  expect(clipboardText("c;aGVsbG8=")).toBe("hello");
  expect(clipboardText("c;?")).toBe("");
  expect(clipboardText("c;***")).toBe("");
  expect(clipboardText(`c;${"QUFB".repeat(40_000)}`)).toBe("");
});

test("pasted text cannot end its own bracket", () => {
  expect(cleanPaste("a\x1b[201~b\x1b[20\x1b[201~1~c\u009b201~d")).toBe("ab[201~cd");
  expect(cleanPaste("a\x1b[201~b\x1b[20\x1b[201~1~c")).not.toContain("\x1b");
});

test("several lines are asked about, unless the program brackets pastes", () => {
  expect(needsConfirmation("one", false)).toBe(false);
  expect(needsConfirmation("one\n", false)).toBe(false);
  expect(needsConfirmation("one\ntwo", false)).toBe(true);
  expect(needsConfirmation("one\rtwo", false)).toBe(true);
  expect(needsConfirmation("one\ntwo", true)).toBe(false);
});

test("the lines of a paste are counted as people do", () => {
  expect(lineCount("one\ntwo")).toBe(2);
  expect(lineCount("one\r\ntwo\r\n")).toBe(2);
  expect(lineCount("one\n\n")).toBe(2);
});
