import { expect, test } from "vitest";
import type { Cluster } from "../api/types";
import { containerRefusal, deleteRefusal } from "./refusals";
import { returnText } from "./returns";

const container = (state: string, reason = "", role = "container", exit_code: number | null = null) =>
  containerRefusal({ state, reason, role, exit_code });

test("only a running container can be entered, and each other state says why", () => {
  expect(container("running")).toBe("");
  expect(container("waiting", "CrashLoopBackOff")).toContain("CrashLoopBackOff");
  expect(container("waiting")).toContain("not started");
  expect(container("terminated", "Error", "container", 3)).toContain("exit code 3 (Error)");
  expect(container("terminated", "Completed", "init", 0)).toContain("done its work");
  expect(container("unknown")).not.toBe("");
});

test("what the ceiling does not allow, and what an absent agent cannot do, is said", () => {
  const cluster = { state: "online", ceiling: { basic: true } } as unknown as Cluster;
  expect(deleteRefusal(cluster)).toBe("");
  expect(deleteRefusal({ ...cluster, ceiling: { basic: false } })).toContain("actions.basic");
  expect(deleteRefusal({ ...cluster, state: "offline" })).toContain("offline");
  expect(deleteRefusal(undefined)).toContain("offline");
});

test("whether a pod comes back depends on who controls it", () => {
  expect(returnText("Deployment", "web")).toContain("with a new name");
  expect(returnText("StatefulSet", "db")).toContain("same name");
  expect(returnText("", "")).toContain("does not come back");
  expect(returnText("Rollout", "web")).toContain("up to Rollout web");
});
