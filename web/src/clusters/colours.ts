/** One colour a cluster: chosen by its owner, else by its name, the same in every place. */

import { dictionary } from "../app/dictionary";

const PALETTE = ["#2f7dd1", "#b3541e", "#6d4fc2", "#2b8a3e", "#b03a6f", "#7a6a12", "#0b7f8c", "#8a4a8f"];
const NAMED = dictionary({
  red: "#d6336c",
  orange: "#d9660b",
  yellow: "#a67c00",
  green: "#2b8a3e",
  teal: "#0b7f8c",
  blue: "#2f7dd1",
  violet: "#6d4fc2",
  purple: "#8a4a8f",
  grey: "#6c757d",
  gray: "#6c757d",
});

/** Choose a CSS colour; what the owner wrote counts only when it is `#rrggbb` or a known name. */
export function clusterColour(name: string, chosen: string): string {
  if (/^#[0-9a-f]{6}$/i.test(chosen)) return chosen;
  const named = NAMED[chosen.toLowerCase()];
  if (named) return named;
  let hash = 0;
  for (const char of name) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return PALETTE[hash % PALETTE.length] as string;
}

/** Whether an owner's label says that people depend on this cluster: production, prod, prd-eu, PROD 2, live. */
export function isProduction(label: string): boolean {
  return /(^|[^a-z])(prod|production|prd|live)([^a-z]|$)/i.test(label);
}

/** Black or white, whichever can be read on `#rrggbb` (WCAG 2.2, relative luminance). */
export function inkOn(colour: string): "#000000" | "#ffffff" {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return (luminance + 0.05) ** 2 > 0.0525 ? "#000000" : "#ffffff";
}
