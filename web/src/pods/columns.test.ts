import { expect, test } from "vitest";
import { fitting } from "./columns";
import { COLUMNS } from "./sorting";

test("a wide table has all columns", () => {
  expect(fitting(COLUMNS, 1300)).toEqual(COLUMNS);
});

test("where there is less room, the node goes first, then the owner", () => {
  expect(fitting(COLUMNS, 1100)).not.toContain("node");
  expect(fitting(COLUMNS, 1100)).toContain("owner");
  expect(fitting(COLUMNS, 960)).not.toContain("owner");
});

test("what fits, fits: columns, gaps and actions are never wider than the table", () => {
  // name 180, status 150, actions 112, two gaps of 14, padding 32
  expect(fitting(COLUMNS, 502)).toEqual(["name", "status"]);
  expect(fitting(COLUMNS, 607)).toEqual(["name", "status"]);
  expect(fitting(COLUMNS, 608)).toEqual(["name", "cluster", "status"]);
});

test("a pod's name and status stay in the narrowest table", () => {
  expect(fitting(COLUMNS, 0)).toEqual(["name", "status"]);
});
