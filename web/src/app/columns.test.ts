import { expect, test } from "vitest";
import { fitting, layoutOf } from "./columns";

const COLUMNS = [
  { width: "minmax(150px, 1.6fr)" },
  { width: "80px", only: "desk" as const },
  { width: "minmax(110px, 1fr)", only: "wide" as const },
  { width: "104px" },
];

test("columns go by the room that they need at least: wide ones first, then those of a desk, then all become cards", () => {
  // gaps of 14 and a padding of 36 beside the columns
  expect(fitting(COLUMNS, 150 + 80 + 110 + 104 + 3 * 14 + 36)).toBe("all");
  expect(fitting(COLUMNS, 150 + 80 + 110 + 104 + 3 * 14 + 35)).toBe("desk");
  expect(fitting(COLUMNS, 150 + 80 + 104 + 2 * 14 + 35)).toBe("few");
  expect(fitting(COLUMNS, 150 + 104 + 14 + 35)).toBe("cards");
});

test("a layout names its columns", () => {
  expect(layoutOf(COLUMNS, "all").columns).toHaveLength(4);
  expect(layoutOf(COLUMNS, "desk").columns.map(({ width }) => width)).toEqual([
    "minmax(150px, 1.6fr)",
    "80px",
    "104px",
  ]);
  expect(layoutOf(COLUMNS, "few").columns).toEqual(layoutOf(COLUMNS, "cards").columns);
  expect(layoutOf(COLUMNS, "cards").cards).toBe(true);
});
