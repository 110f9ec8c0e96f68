import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Batch, Subscription } from "./live";
import { LiveRows } from "./rows";

interface Row {
  id: string;
  part: string;
}

let open: Map<string, Subscription>;
let rows: LiveRows<Row>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => run());
  open = new Map();
  const socket = {
    subscribe: (subscription: Subscription) => {
      const name = subscription.cluster ?? "";
      open.set(name, subscription);
      return () => open.delete(name);
    },
  };
  rows = new LiveRows<Row>(
    socket,
    "pods",
    (wire, part) => ({ id: wire as string, part }),
    (wire) => wire as string,
  );
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function send(part: string, set: string[], more: Partial<Batch> = {}): void {
  open.get(part)?.receive({ id: "", set, removed: [], complete: true, reset: false, refusal: null, ...more });
}

const ids = (part: string) =>
  rows
    .getState()
    .get(part)
    ?.rows.map((row) => row.id);

test("a part is subscribed to once, however many hold it, and goes only some time after the last let go", () => {
  const first = rows.hold(["east"]);
  const second = rows.hold(["east", "west"]);
  send("east", ["a"]);
  first();
  first();
  vi.advanceTimersByTime(60_000);
  expect([...open.keys()]).toEqual(["east", "west"]);
  second();
  vi.advanceTimersByTime(10_000);
  const third = rows.hold(["east"]);
  vi.advanceTimersByTime(60_000);
  expect([...open.keys()]).toEqual(["east"]);
  expect(ids("east")).toEqual(["a"]);
  third();
  vi.advanceTimersByTime(60_000);
  expect(open.size).toBe(0);
  expect(rows.getState().size).toBe(0);
});

test("rows that were there stay until a restarted subscription is complete", () => {
  rows.hold(["east"]);
  send("east", ["a", "b"]);
  open.get("east")?.restart();
  send("east", ["b"], { complete: false });
  expect(ids("east")).toEqual(["a", "b"]);
  send("east", ["c"]);
  expect(ids("east")).toEqual(["b", "c"]);
  send("east", [], { removed: ["b"] });
  expect(ids("east")).toEqual(["c"]);
});

test("a part whose rows did not change is the same list as before", () => {
  rows.hold(["east", "west"]);
  send("east", ["a"]);
  const before = rows.getState().get("east");
  send("west", ["b"]);
  expect(rows.getState().get("east")).toBe(before);
});
