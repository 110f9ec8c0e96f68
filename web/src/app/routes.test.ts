import { expect, test } from "vitest";
import { addressOf, inScope, type Parameters, parametersOf, pathOf, type Place, placeOf, scopeOf } from "./routes";

const PLACES: Place[] = [
  { page: "clusters" },
  { page: "pods", pod: null },
  { page: "pods", pod: { cluster: "team/prod@eu", namespace: "shop", name: "web-1.x" } },
  { page: "services", workload: null },
  { page: "services", workload: { cluster: "east", namespace: "shop", kind: "Deployment", name: "web" } },
  { page: "nodes", node: null },
  { page: "nodes", node: { cluster: "gke_a:b", name: "ip-10-0-0-1.ec2.internal" } },
  { page: "sessions", id: "" },
  { page: "sessions", id: "01J" },
  { page: "open" },
];

test("every place has one address, and the address leads back to it", () => {
  for (const place of PLACES) expect(placeOf(pathOf(place))).toEqual(place);
  expect(new Set(PLACES.map(pathOf)).size).toBe(PLACES.length);
});

test("an address that no page answers to is unknown, not another page", () => {
  for (const path of ["/pod", "/pods/east", "/pods/a/b/c/d", "/services/a/b", "/nodes/a", "/sessions/a/b", "/open/x"])
    expect(placeOf(path)).toEqual({ page: "unknown" });
  expect(placeOf("/")).toEqual({ page: "start" });
  expect(placeOf("/nodes/%E0%A4%A/n")).toMatchObject({ page: "nodes", node: { cluster: "%E0%A4%A" } });
});

test("parameters survive the address, and empty ones are left out", () => {
  const parameters: Parameters = { cluster: "a/b", q: "app=web & more", status: "" };
  const address = addressOf({ page: "pods", pod: null }, parameters);
  expect(address).not.toContain("status");
  expect(parametersOf(address.slice(address.indexOf("?")))).toEqual({ cluster: "a/b", q: "app=web & more" });
  expect(addressOf({ page: "open" })).toBe("/open");
});

test("a scope holds what is of its cluster and namespace, and what has no namespace", () => {
  const scope = scopeOf(parametersOf("?cluster=east&namespace=shop"));
  expect(inScope(scope, "east", "shop")).toBe(true);
  expect(inScope(scope, "east", "data")).toBe(false);
  expect(inScope(scope, "west", "shop")).toBe(false);
  expect(inScope(scope, "east")).toBe(true);
  expect(inScope(scopeOf({}), "west", "data")).toBe(true);
});
