import { expect, test } from "vitest";
import { noticeView } from "./notices";
import { FIRST_VIEW, type View } from "./view";

const after = (view: View, text: string): View => ({
  ...view,
  ...noticeView("progress", { phase: "starting", text }, view, 0),
});

test("what happens before the first output is told step by step, and the same step once", () => {
  const told = ["creating", "pulling", "pulling", "starting"].reduce(after, FIRST_VIEW);
  expect(told.steps).toEqual(["creating", "pulling", "starting"]);
  expect(told.progress).toBe("starting");
});

test("a start that never ends keeps its last steps only", () => {
  const told = Array.from({ length: 100 }, (_, index) => `step ${index}`).reduce(after, FIRST_VIEW);
  expect(told.steps).toHaveLength(8);
  expect(told.steps.at(-1)).toBe("step 99");
});

test("what a start says after the first output changes nothing", () => {
  expect(after({ ...FIRST_VIEW, shown: true }, "late").steps).toEqual([]);
});
