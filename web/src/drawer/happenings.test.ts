import { expect, test } from "vitest";
import { podDetailsOf, podOf, type Session, type WirePodDetails } from "../api/types";
import { describe } from "./description";
import { replacementOf } from "./fate";
import { happeningsOf } from "./happenings";

const WIRE: WirePodDetails = {
  uid: "u1",
  namespace: "shop",
  name: "web-1",
  phase: "Running",
  status: "Running",
  ready: "1/1",
  restarts: 1,
  created_at: "2026-01-01T00:00:00Z",
  started_at: "2026-01-01T00:00:01Z",
  node: "worker-1",
  owners: [
    { kind: "ReplicaSet", name: "web-abc", uid: "rs" },
    { kind: "Deployment", name: "web", uid: "deploy" },
  ],
  containers: [
    {
      name: "main",
      image: "web:1",
      state: "running",
      restarts: 1,
      started_at: "2026-01-01T00:05:00Z",
      last_termination: { exit_code: 137, reason: "OOMKilled", finished_at: "2026-01-01T00:04:59Z" },
    },
  ],
};
const POD = podDetailsOf(WIRE, "east");
const SESSION = {
  id: "s1",
  state: "ended",
  cluster: "east",
  namespace: "shop",
  pod: "web-1",
  container: "main",
  user: "ada",
  created_at: "2026-01-01T00:06:00Z",
  ended_at: "2026-01-01T00:07:00Z",
  end: { reason: "idle" },
} as Session;

test("a timeline holds the pod's life, its runs, its events and this user's shells, the newest first", () => {
  const event = {
    uid: "e1",
    type: "Warning",
    reason: "BackOff",
    message: "restarting",
    count: 3,
    first_at: "2026-01-01T00:04:00Z",
    last_at: "2026-01-01T00:04:30Z",
  };
  const elsewhere = { ...SESSION, id: "s2", pod: "web-2" };
  const found = happeningsOf(POD, [event], [SESSION, elsewhere], Date.parse("2026-01-01T01:00:00Z"));
  expect(found.map(({ title }) => title)).toEqual([
    "Pod gone",
    "Shell ended in main",
    "Shell opened in main",
    "Container main started",
    "Container main ended",
    "BackOff (× 3)",
    "Pod accepted by its node",
    "Pod created",
  ]);
  expect(found[4]).toMatchObject({ tone: "bad", detail: "OOMKilled, exit code 137" });
});

test("the replacement of a pod is the youngest other one of its workload", () => {
  const row = (uid: string, owner_uid: string, minute: number) =>
    podOf({ ...WIRE, uid, owner_uid, name: uid, containers: [], created_at: `2026-01-01T00:0${minute}:00Z` }, "east");
  const rows = [row("old", "deploy", 0), row("u1", "deploy", 0), row("other", "x", 9), row("new", "deploy", 8)];
  expect(replacementOf(POD, rows)?.name).toBe("new");
  expect(replacementOf(POD, rows.slice(0, 3))).toBeNull();
  expect(replacementOf({ ...POD, owners: [] }, rows)).toBeNull();
});

test("a description holds facts, runs and events as plain lines", () => {
  const written = describe(POD, []);
  expect(written).toContain("Controlled by: ReplicaSet/web-abc\n               Deployment/web\n");
  expect(written).toContain("Last time: exit code 137, OOMKilled, 2026-01-01T00:04:59Z");
  expect(written).not.toContain("Annotations");
});
