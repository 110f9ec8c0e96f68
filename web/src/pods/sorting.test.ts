import { expect, test } from "vitest";
import { podOf } from "../api/types";
import { heldInPlace, orderOf, parameterOf, sortPods } from "./sorting";

function pod(name: string, restarts = 0, minute = 0, ready = "1/1") {
  return podOf(
    {
      uid: name,
      namespace: "shop",
      name,
      phase: "Running",
      status: "Running",
      ready,
      restarts,
      created_at: `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`,
    },
    "east",
  );
}

const pods = [pod("web-10", 1, 3), pod("web-2", 5, 1, "0/1"), pod("api-1", 1, 2)];
const names = (parameter: string) => sortPods(pods, orderOf(parameter)).map((each) => each.name);

test("names are sorted as people count", () => {
  expect(names("")).toEqual(["api-1", "web-2", "web-10"]);
  expect(names("-name")).toEqual(["web-10", "web-2", "api-1"]);
});

test("equal values fall back to the name, whichever way the column goes", () => {
  expect(names("restarts")).toEqual(["api-1", "web-10", "web-2"]);
  expect(names("-restarts")).toEqual(["web-2", "api-1", "web-10"]);
  expect(names("age")).toEqual(["web-10", "api-1", "web-2"]);
  expect(names("ready")[0]).toBe("web-2");
});

test("an order survives the address, and nonsense there is the usual order", () => {
  for (const parameter of ["-age", "status", "-restarts"]) expect(parameterOf(orderOf(parameter))).toBe(parameter);
  expect(parameterOf(orderOf("name"))).toBe("");
  expect(orderOf("__proto__")).toEqual({ column: "name", descending: false });
});

test("while a menu is open rows stay where they are and say what is new; without its row nothing is held", () => {
  const before = sortPods(pods, orderOf(""));
  const [api, , web10] = before;
  const now = [pod("aaa"), pod("api-1", 7), ...before.slice(2)];
  expect(heldInPlace(before, now, web10?.key ?? "").map(({ name, restarts }) => [name, restarts])).toEqual([
    ["api-1", 7],
    ["web-2", 5],
    ["web-10", 1],
  ]);
  const without = now.filter((each) => each.key !== api?.key);
  expect(heldInPlace(before, without, api?.key ?? "")).toBe(without);
});
