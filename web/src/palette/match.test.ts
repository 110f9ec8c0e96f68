import { expect, test } from "vitest";
import { best, wordsOf } from "./match";

const ITEMS = [
  { title: "shopping-cart-0", detail: "east shop" },
  { title: "cart-0", detail: "west shop" },
  { title: "cart-0", detail: "east shop" },
  { title: "discartd", detail: "east tools" },
  { title: "web-1", detail: "east cart" },
];

const found = (typed: string) => best(ITEMS, wordsOf(typed), 10).map(({ item }) => `${item.title} ${item.detail}`);

test("what begins with the word comes before what merely holds it", () => {
  expect(found("cart")).toEqual([
    "cart-0 west shop",
    "cart-0 east shop",
    "shopping-cart-0 east shop",
    "discartd east tools",
    "web-1 east cart",
  ]);
});

test("every word must be found, in the name or in what is said of it", () => {
  expect(found("Cart EAST")[0]).toBe("cart-0 east shop");
  expect(found("cart north")).toEqual([]);
});

test("nothing typed: everything, in its order, up to the limit", () => {
  expect(best(ITEMS, [], 2)).toHaveLength(2);
});
