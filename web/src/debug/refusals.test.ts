/// <reference types="node" />
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Cluster } from "../api/types";
import { toolsRefusal } from "./refusals";

const online = (ceiling: Record<string, boolean>): Cluster => ({ state: "online", ceiling }) as unknown as Cluster;

const OPTIONS = readFileSync(new URL("../../../docs/reference/options.md", import.meta.url), "utf8");

test("a ceiling that is off names the options that switch it on, as the reference has them", () => {
  const why = toolsRefusal("node", "east", online({ podExec: true, podDebug: true, nodeShell: false }));
  expect(why).toContain("--ceiling-node-shell for its agent (or PODSHELL_AGENT_CEILING_NODE_SHELL=true)");
  expect(why).toContain("--allow nodeShell");
  expect(toolsRefusal("debug", "east", online({ nodeShell: true }))).toContain("--ceiling-pod-debug");
  expect(OPTIONS).toContain("| `--ceiling-node-shell` | `PODSHELL_AGENT_CEILING_NODE_SHELL` |");
  expect(OPTIONS).toContain("| `--ceiling-pod-debug` | `PODSHELL_AGENT_CEILING_POD_DEBUG` |");
});

test("what the ceiling allows can be asked for, unless the agent is away", () => {
  expect(toolsRefusal("debug", "east", online({ podDebug: true }))).toBe("");
  const away = { ...online({ podDebug: true }), state: "offline" } as Cluster;
  expect(toolsRefusal("debug", "east", away)).toContain("offline");
  expect(toolsRefusal("debug", "east", undefined)).toContain("east");
});
