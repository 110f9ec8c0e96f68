import { expect, test } from "vitest";
import { clusterColour } from "../clusters/colours";
import { healthTone } from "../services/workloads";
import { text } from "../text";
import { dictionary } from "./dictionary";

const INHERITED = ["constructor", "__proto__", "toString", "hasOwnProperty"];

test("a dictionary knows its own words only", () => {
  const words = dictionary({ red: "rot" });
  expect([words.red, ...INHERITED.map((name) => words[name])]).toEqual([
    "rot",
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("words of a cluster that every object has are no words of ours", () => {
  for (const name of INHERITED) {
    for (const table of [text.terminal.causes, text.terminal.reasons, text.choice.roles, text.sessions.kinds])
      expect((table as Record<string, unknown>)[name]).toBeUndefined();
    expect(healthTone(name)).toBe("unknown");
    expect(clusterColour("east", name)).toBe(clusterColour("east", ""));
  }
});
