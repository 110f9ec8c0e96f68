import { expect, test } from "vitest";
import { parseKept } from "./kept";

const tabs = [
  { id: "a", name: "mine", number: 2, minimised: false },
  { id: "b", name: "", number: 1, minimised: true },
];

test("a kept dock comes back as it was", () => {
  const kept = { tabs, shown: ["a"], active: "a", mode: "drawer", side: "below", height: 0.6, width: 0.4 };
  expect(parseKept(JSON.stringify(kept))).toEqual(kept);
});

test("what is not sound in it is left out, and nothing throws", () => {
  for (const json of [null, "", "{", "[]", "7", "{}", '{"tabs":5}']) expect(parseKept(json)).toBeNull();
  const kept = parseKept(
    JSON.stringify({
      tabs: [...tabs, { id: 5 }, null, { id: "c", number: -1, name: "x".repeat(500) }],
      shown: ["b", "nobody", "a", "a", 7],
      active: "b",
      mode: "sideways",
      height: 7,
      width: "wide",
    }),
  );
  expect(kept?.tabs.map((tab) => tab.id)).toEqual(["a", "b", "c"]);
  expect(kept?.tabs[2]).toEqual({ id: "c", name: "x".repeat(60), number: 1, minimised: false });
  expect(kept).toMatchObject({ shown: ["a"], active: "a", mode: "half", side: "beside", height: 0.9, width: 0.5 });
});
