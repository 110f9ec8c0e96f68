import { expect, test } from "vitest";
import { FIRST_COMFORT, parseComfort } from "./comfort";
import { SCHEMES } from "./themes";

test("what was kept comes back; what is not sound is as at first", () => {
  const liked = {
    ...FIRST_COMFORT,
    fontSize: 16,
    theme: "sand",
    copyOnSelect: true,
    keyBar: "never",
    hints: false,
    guardLeaving: false,
  };
  expect(parseComfort(JSON.parse(JSON.stringify(liked)))).toEqual(liked);
  for (const value of [null, 7, "x", [], {}, { theme: "toString", keyBar: 1, fontSize: Number.NaN, notify: "yes" }])
    expect(parseComfort(value)).toEqual(FIRST_COMFORT);
  expect(parseComfort({ fontSize: 900 }).fontSize).toBe(32);
  expect(parseComfort({ fontSize: 1 }).fontSize).toBe(8);
});

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test.each(Object.entries(SCHEMES))(
  "text of the scheme %s is readable on its ground (WCAG AA)",
  (_name, { colours }) => {
    const {
      background = "",
      foreground = "",
      selectionBackground: _,
      black: _black,
      ...others
    } = colours as Record<string, string>;
    for (const [name, colour] of Object.entries({ foreground, ...others })) {
      if (["cursor", "cursorAccent", "selectionForeground"].includes(name)) continue;
      const [light = 0, dark = 0] = [luminance(colour), luminance(background)].sort((one, other) => other - one);
      expect((light + 0.05) / (dark + 0.05), `${name} ${colour}`).toBeGreaterThanOrEqual(4.5);
    }
  },
);
