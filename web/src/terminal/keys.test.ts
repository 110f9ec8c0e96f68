import { describe, expect, test } from "vitest";
import { encodeKey, StickyModifiers, withModifiers } from "./keys";

const plain = { ctrl: false, alt: false };
const ctrl = { ctrl: true, alt: false };
const alt = { ctrl: false, alt: true };

describe("keys of the bar", () => {
  test("send what xterm sends", () => {
    expect(encodeKey("escape", plain, false)).toBe("\x1b");
    expect(encodeKey("tab", plain, false)).toBe("\t");
    expect(encodeKey("up", plain, false)).toBe("\x1b[A");
    expect(encodeKey("up", plain, true)).toBe("\x1bOA");
    expect(encodeKey("left", ctrl, true)).toBe("\x1b[1;5D");
    expect(encodeKey("right", alt, false)).toBe("\x1b[1;3C");
    expect(encodeKey("end", { ctrl: true, alt: true }, false)).toBe("\x1b[1;7F");
    expect(encodeKey("|", plain, false)).toBe("|");
    expect(encodeKey("/", ctrl, false)).toBe("\x1f");
    expect(encodeKey("-", alt, false)).toBe("\x1b-");
  });

  test("Ctrl and Alt change one typed character, and nothing longer", () => {
    expect(withModifiers("c", ctrl)).toBe("\x03");
    expect(withModifiers("C", ctrl)).toBe("\x03");
    expect(withModifiers("[", ctrl)).toBe("\x1b");
    expect(withModifiers(" ", ctrl)).toBe("\x00");
    expect(withModifiers("b", alt)).toBe("\x1bb");
    expect(withModifiers("c", { ctrl: true, alt: true })).toBe("\x1b\x03");
    expect(withModifiers("é", ctrl)).toBe("é");
    expect(withModifiers("\x1b[1;1R", ctrl)).toBe("\x1b[1;1R");
    expect(withModifiers("pasted", ctrl)).toBe("pasted");
  });
});

describe("modifiers that stick", () => {
  test("hold for one key after one tap, and until tapped again after two", () => {
    const modifiers = new StickyModifiers();
    modifiers.tap("ctrl");
    expect(modifiers.take()).toEqual(ctrl);
    expect(modifiers.take()).toEqual(plain);
    modifiers.tap("alt");
    modifiers.tap("alt");
    expect(modifiers.take()).toEqual(alt);
    expect(modifiers.take()).toEqual(alt);
    modifiers.tap("alt");
    expect(modifiers.take()).toEqual(plain);
  });

  test("tell who listens", () => {
    const modifiers = new StickyModifiers();
    const heard: string[] = [];
    modifiers.listen(() => heard.push(modifiers.summary()));
    modifiers.tap("ctrl");
    modifiers.take();
    modifiers.take();
    expect(heard).toEqual(["once off", "off off"]);
  });
});
