import { expect, test } from "vitest";
import type { Cluster } from "../api/types";
import { toolsRefusal } from "./refusals";

const online = (ceiling: Record<string, boolean>): Cluster => ({ state: "online", ceiling }) as unknown as Cluster;

test("a ceiling that is off names the Helm value and the option that switch it on", () => {
  const why = toolsRefusal("node", "east", online({ podExec: true, podDebug: true, nodeShell: false }));
  expect(why).toContain("actions.nodeShell=true");
  expect(why).toContain("--allow nodeShell");
  expect(toolsRefusal("debug", "east", online({ nodeShell: true }))).toContain("actions.podDebug=true");
});

test("what the ceiling allows can be asked for, unless the agent is away", () => {
  expect(toolsRefusal("debug", "east", online({ podDebug: true }))).toBe("");
  const away = { ...online({ podDebug: true }), state: "offline" } as Cluster;
  expect(toolsRefusal("debug", "east", away)).toContain("offline");
  expect(toolsRefusal("debug", "east", undefined)).toContain("east");
});
