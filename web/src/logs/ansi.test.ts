import { expect, test } from "vitest";
import { piecesOf, plainText } from "./ansi";

test("colours become names, and text stays text", () => {
  expect(piecesOf("a \u001b[1;31mred\u001b[0m <b>b</b>")).toEqual([
    { text: "a ", style: "" },
    { text: "red", style: "log-red log-bold" },
    { text: " <b>b</b>", style: "" },
  ]);
  expect(piecesOf("\u001b[38;5;196mx\u001b[48;2;1;2;3my\u001b[93mz")).toEqual([
    { text: "xy", style: "" },
    { text: "z", style: "log-yellow" },
  ]);
});

test("no other sequence leaves anything behind", () => {
  for (const sequence of [
    "\u001b]0;title\u0007",
    "\u001b]8;;https://evil.example\u001b\\",
    "\u001b]52;c;ZXZpbA==\u0007",
    "\u001bP$q\u001b\\",
    "\u001b[2J",
    "\u001b[?25l",
    "\u009b31m",
    "\u001bc",
    "\u001b(B",
    "\u001b",
  ])
    expect(plainText(`a${sequence}b`.replace("\u001bb", "b"))).toBe("ab");
  expect(plainText("a\u001b]0;never ended")).toBe("a");
});

test("what would hide or turn text around is made visible", () => {
  expect(plainText("pod\u202egpj.exe\u202c")).toBe("pod<U+202E>gpj.exe<U+202C>");
  expect(plainText("progress 10%\rprogress 20%")).toBe("progress 10%␍progress 20%");
  expect(plainText("a\tb\u0000\u0007")).toBe("a\tb␀␇");
  expect(plainText("zero\u200bwidth")).toBe("zero<U+200B>width");
  expect(plainText("ümläut 日本語 🚀")).toBe("ümläut 日本語 🚀");
});
