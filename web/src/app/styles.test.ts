/// <reference types="node" />
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const sources = import.meta.glob<string>("../**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const imports = readFileSync(new URL("./mantine.css", import.meta.url), "utf8");
const STYLES = new URL("../../node_modules/@mantine/core/styles/", import.meta.url);

function used(): Set<string> {
  const names = new Set<string>();
  for (const source of Object.values(sources)) {
    for (const [, list = ""] of source.matchAll(/import \{([^}]*)\} from "@mantine\/core"/g))
      for (const name of list.split(",")) names.add(name.trim());
  }
  return names;
}

test("every Mantine component that is used has its styles", () => {
  const all = used();
  expect(all.has("Button"), "the imports are found").toBe(true);
  const styled = [...all].filter((name) => existsSync(new URL(`${name}.css`, STYLES)));
  expect(styled.length).toBeGreaterThan(5);
  for (const name of styled) expect(imports).toContain(`@mantine/core/styles/${name}.css`);
});
