import { expect, test } from "vitest";
import { isPress, keyCaps, type Press, type Shortcut, shortcutOf } from "./shortcuts";

const press = (key: string, ...held: ("ctrl" | "meta" | "alt" | "shift")[]): Press => ({
  key,
  ctrlKey: held.includes("ctrl"),
  metaKey: held.includes("meta"),
  altKey: held.includes("alt"),
  shiftKey: held.includes("shift"),
});

const shortcut = (id: string, keys: string, inTerminal?: string): Shortcut => ({
  id,
  title: id,
  group: "",
  keys,
  run: () => {},
  ...(inTerminal ? { inTerminal } : {}),
});

const ALL = [shortcut("palette", "Mod+K", "Mod+Shift+K"), shortcut("help", "?"), shortcut("pods", "g p")];

const found = (one: Press, where: "page" | "field" | "terminal", before = "", apple = false, singles = true) =>
  shortcutOf(one, before, where, ALL, apple, singles)?.id;

test("Mod is Ctrl, on Apple machines Command, and no other modifier may be held", () => {
  expect(isPress(press("k", "ctrl"), "Mod+K", false)).toBe(true);
  expect(isPress(press("k", "ctrl"), "Mod+K", true)).toBe(false);
  expect(isPress(press("k", "meta"), "Mod+K", true)).toBe(true);
  expect(isPress(press("K", "ctrl", "shift"), "Mod+K", false)).toBe(false);
  expect(isPress(press("k", "ctrl", "alt"), "Mod+K", false)).toBe(false);
});

test("a terminal keeps every key that shells use", () => {
  expect(found(press("k", "ctrl"), "terminal")).toBeUndefined();
  expect(found(press("?", "shift"), "terminal")).toBeUndefined();
  expect(found(press("p"), "terminal", "g")).toBeUndefined();
  expect(found(press("K", "ctrl", "shift"), "terminal")).toBe("palette");
});

test("single keys are for the page outside fields, and can be turned off", () => {
  expect(found(press("?", "shift"), "page")).toBe("help");
  expect(found(press("?", "shift"), "field")).toBeUndefined();
  expect(found(press("?", "shift"), "page", "", false, false)).toBeUndefined();
  expect(found(press("p"), "page", "g")).toBe("pods");
  expect(found(press("p"), "page", "x")).toBeUndefined();
  expect(found(press("p"), "page")).toBeUndefined();
  expect(found(press("k", "ctrl"), "field")).toBe("palette");
});

test("keys are shown as they are printed", () => {
  expect(keyCaps("Mod+Shift+K")).toEqual(["Ctrl", "Shift", "K"]);
  expect(keyCaps("g p")).toEqual(["G", "P"]);
});
