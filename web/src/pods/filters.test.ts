import { expect, test } from "vitest";
import { podOf, type WirePod } from "../api/types";
import { ageText } from "../app/clock";
import { filterOf, filterPods } from "./filters";
import { podTone } from "./status";

function pod(name: string, part: Partial<WirePod> = {}, cluster = "east") {
  return podOf(
    {
      uid: name,
      namespace: "shop",
      name,
      phase: "Running",
      status: "Running",
      ready: "1/1",
      restarts: 0,
      created_at: "2026-01-01T00:00:00Z",
      ...part,
    },
    cluster,
  );
}

const pods = [
  pod("web-1", { labels: { app: "web", tier: "front" } }),
  pod("web-2", { status: "CrashLoopBackOff", ready: "0/1" }),
  pod("db-0", { namespace: "data" }, "west"),
];

const names = (query: string) => filterPods(pods, filterOf(query)).map((each) => each.name);

test("every filter stands in the address", () => {
  expect(names("?cluster=west")).toEqual(["db-0"]);
  expect(names("?namespace=shop")).toEqual(["web-1", "web-2"]);
  expect(names("?status=running")).toEqual(["web-1", "db-0"]);
  expect(names("?status=attention")).toEqual(["web-2"]);
  expect(names("?q=TIER%3Dfront")).toEqual(["web-1"]);
  expect(names("?q=web+2")).toEqual(["web-2"]);
});

test("a running pod that is not ready is no good one", () => {
  expect(podTone({ status: "Running", ready: "2/2" })).toBe("good");
  expect(podTone({ status: "Running", ready: "1/2" })).toBe("busy");
  expect(podTone({ status: "Init:0/1", ready: "0/1" })).toBe("busy");
  expect(podTone({ status: "Init:CrashLoopBackOff", ready: "0/1" })).toBe("bad");
  expect(podTone({ status: "Completed", ready: "0/1" })).toBe("done");
});

test("ages are said as kubectl says them", () => {
  const now = Date.parse("2026-01-03T00:00:00Z");
  expect(
    ["2026-01-02T23:59:15Z", "2026-01-02T23:50:00Z", "2026-01-02T20:00:00Z", "2025-12-20T00:00:00Z"].map((since) =>
      ageText(since, now),
    ),
  ).toEqual(["45s", "10m", "4h", "14d"]);
});
