import { describe, expect, test } from "vitest";
import * as layouts from "./layout";
import { EMPTY, type Layout } from "./layout";

function open(...ids: string[]): Layout {
  return ids.reduce((layout, id) => layouts.withAdded(layout, id), EMPTY);
}

const order = (layout: Layout): string[] => layout.order.map((place) => place.id);
const minimised = (layout: Layout): string[] =>
  layout.order.filter((place) => place.minimised).map((place) => place.id);

describe("the layout", () => {
  test("shows what was opened last, once however often it is opened", () => {
    const layout = layouts.withAdded(open("a", "b"), "a");
    expect(order(layout)).toEqual(["a", "b"]);
    expect(layout.shown).toEqual(["a"]);
  });

  test("gives a shell that is opened again the place of the old one, also in its pane", () => {
    const split = layouts.withSplit(open("a", "b"), "a", "b");
    const layout = layouts.withAdded(split, "c", "a");
    expect(order(layout)).toEqual(["c", "b"]);
    expect(layout.shown).toEqual(["c", "b"]);
    expect(layout.active).toBe("c");
  });

  test("minimises one shell and shows its neighbour; the last one leaves nothing in front", () => {
    let layout = layouts.withMinimised(open("a", "b", "c"), "c");
    expect([layout.active, minimised(layout)]).toEqual(["b", ["c"]]);
    layout = layouts.withMinimised(layouts.withMinimised(layout, "b"), "a");
    expect([layout.active, layout.shown]).toEqual(["", []]);
    layout = layouts.withActive(layout, "b");
    expect([layout.active, minimised(layout)]).toEqual(["b", ["a", "c"]]);
  });

  test("shows no minimised shell in the place of one that is closed", () => {
    const layout = layouts.withRemoved(layouts.withMinimised(open("a", "b", "c"), "a"), "c");
    expect(layout.active).toBe("b");
    expect(layouts.withRemoved(layout, "b").active).toBe("");
  });

  test("splits in two panes, and has one again when one of them goes", () => {
    const split = layouts.withSplit(open("a", "b", "c"), "a", "c");
    expect(split).toMatchObject({ shown: ["a", "c"], active: "c" });
    expect(layouts.withActive(split, "b").shown).toEqual(["a", "b"]);
    expect(layouts.withActive(split, "a")).toMatchObject({ shown: ["a", "c"], active: "a" });
    expect(layouts.withMinimised(split, "c")).toMatchObject({ shown: ["a"], active: "a" });
    expect(layouts.withRemoved(split, "a")).toMatchObject({ shown: ["c"], active: "c" });
    expect(layouts.withoutSplit(split).shown).toEqual(["c"]);
  });

  test("moves tabs within their row only", () => {
    expect(order(layouts.withMoved(open("a", "b", "c"), "a", 1))).toEqual(["b", "a", "c"]);
    expect(order(layouts.withMoved(open("a", "b", "c"), "a", -5))).toEqual(["a", "b", "c"]);
    expect(order(layouts.withMovedTo(open("a", "b", "c"), "c", "a"))).toEqual(["c", "a", "b"]);
    expect(order(layouts.withMovedTo(open("a", "b"), "a", "nowhere"))).toEqual(["a", "b"]);
  });

  test("goes round the shells that are not minimised", () => {
    const layout = layouts.withActive(layouts.withMinimised(open("a", "b", "c"), "b"), "c");
    expect(layouts.neighbour(layout, 1)).toBe("a");
    expect(layouts.neighbour(layout, -1)).toBe("a");
  });

  test("keeps its promises whatever is done", () => {
    const ids = ["a", "b", "c", "d"];
    let seed = 7;
    const pick = <T>(from: readonly T[]): T => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return from[seed % from.length] as T;
    };
    const steps: ((layout: Layout) => Layout)[] = [
      (layout) => layouts.withAdded(layout, pick(ids), pick(ids)),
      (layout) => layouts.withActive(layout, pick(ids)),
      (layout) => layouts.withRemoved(layout, pick(ids)),
      (layout) => layouts.withMinimised(layout, pick(ids)),
      (layout) => layouts.withAllMinimised(layout),
      (layout) => layouts.withAllRestored(layout),
      (layout) => layouts.withMoved(layout, pick(ids), pick([-1, 1, 3])),
      (layout) => layouts.withSplit(layout, pick(ids), pick(ids)),
      (layout) => layouts.withoutSplit(layout),
    ];
    let layout = EMPTY;
    for (let turn = 0; turn < 1_500; turn++) {
      layout = pick(steps)(layout);
      const inFront = order(layout).filter((id) => !minimised(layout).includes(id));
      expect(new Set(order(layout)).size).toBe(layout.order.length);
      expect(new Set(layout.shown).size).toBe(layout.shown.length);
      for (const id of layout.shown) expect(inFront).toContain(id);
      if (layout.shown.length > 0) expect(layout.shown).toContain(layout.active);
      else expect([layout.active, inFront]).toEqual(["", []]);
    }
  });
});
