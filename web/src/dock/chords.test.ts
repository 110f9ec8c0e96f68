import { expect, test } from "vitest";
import { chordText, matches } from "./chords";
import { COMMANDS } from "./commands";

const pressed = { key: "", code: "", ctrlKey: false, altKey: false, shiftKey: false, metaKey: false };

test("a combination is that combination only: with Ctrl alone, or with AltGr, the key is the shell's", () => {
  const find = { key: "f", with: "ctrl" } as const;
  expect(matches(find, { ...pressed, key: "F", ctrlKey: true, shiftKey: true })).toBe(true);
  expect(matches(find, { ...pressed, key: "f", ctrlKey: true })).toBe(false);
  expect(matches(find, { ...pressed, key: "F", ctrlKey: true, shiftKey: true, altKey: true })).toBe(false);
  expect(matches(find, { ...pressed, key: "F", metaKey: true, ctrlKey: true, shiftKey: true })).toBe(false);
});

test("Alt with a letter counts by its place too: a Mac types another character", () => {
  const send = { key: "w", with: "alt" } as const;
  expect(matches(send, { ...pressed, key: "„", code: "KeyW", altKey: true, shiftKey: true })).toBe(true);
  expect(matches(send, { ...pressed, key: "„", code: "KeyW", altKey: true })).toBe(false);
});

test("no two commands have the same keys, and none takes a key that a browser keeps", () => {
  const texts = COMMANDS.flatMap(({ chord }) => (chord ? [chordText(chord)] : []));
  expect(new Set(texts).size).toBe(texts.length);
  for (const kept of ["W", "T", "N"]) expect(texts).not.toContain(`Ctrl+Shift+${kept}`);
  expect(texts).toEqual(expect.arrayContaining(["Alt+Shift+W", "Alt+Shift+T", "Alt+Shift+N"]));
});
