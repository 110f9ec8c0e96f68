/// <reference types="node" />
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CAPABILITIES } from "./capabilities";
import {
  advancedCount,
  bodyOf,
  capabilitiesOf,
  capabilityProblem,
  choicesOf,
  onWindows,
  PROFILES,
  SWITCHES,
} from "./choices";
import { targetOf } from "./form";

const node = { kind: "node", cluster: "east", node: "worker-1" } as const;
const pod = { kind: "debug", cluster: "east", namespace: "shop", pod: "cart-0" } as const;
const least = choicesOf({}, "");

describe("a request", () => {
  test("of an untouched form asks for nothing beyond the target", () => {
    expect(bodyOf(node, least)).toEqual({ ...node, debug: {} });
    expect(bodyOf(pod, least)).toEqual({ ...pod, debug: {} });
  });

  test("carries every choice under the API's name", () => {
    const switches = Object.fromEntries(SWITCHES.map((name) => [name, true])) as typeof least.switches;
    const body = bodyOf(node, {
      profile: "host",
      target: "",
      system: "",
      capabilities: "cap_net_raw, sys_ptrace NET_RAW",
      image: " registry.example/tools:1 ",
      pullPolicy: "Always",
      switches,
      life: "900",
      reason: " disk is full ",
      kept: {},
    });
    expect(body).toEqual({
      ...node,
      reason: "disk is full",
      debug: {
        profile: "host",
        capabilities: ["NET_RAW", "SYS_PTRACE"],
        image: "registry.example/tools:1",
        pull_policy: "Always",
        ttl_seconds: 900,
        mount_host: true,
        host_write: true,
        host_pid: true,
        enter: true,
        seccomp_unconfined: true,
        apparmor_unconfined: true,
      },
    });
  });

  test("leaves out what has no meaning for its target", () => {
    const all = choicesOf({ target: "cart", mount_host: true, enter: true }, "");
    expect(bodyOf(pod, all).debug).toEqual({ target: "cart" });
    expect(bodyOf(node, all).debug).toEqual({ mount_host: true, enter: true });
  });

  test("for Windows leaves out what is Linux' alone, and has it back for Linux", () => {
    const asked = {
      profile: "host",
      capabilities: ["NET_RAW"],
      mount_host: true,
      image: "a/b:1",
      ttl_seconds: 900,
    } as const;
    const linux = choicesOf({ ...asked, capabilities: [...asked.capabilities] }, "");
    const windows = { ...linux, system: "windows" } as const;
    expect(bodyOf(node, windows).debug).toEqual({ system: "windows", image: "a/b:1", ttl_seconds: 900 });
    expect(advancedCount(node, windows)).toBe(3);
    expect(bodyOf(node, { ...windows, system: "linux" }).debug).toEqual({ ...asked, system: "linux" });
    expect(onWindows(node, choicesOf({ system: "windows" }, ""))).toBe(true);
    expect(onWindows(node, choicesOf({ system: "linux" }, ""))).toBe(false);
    expect(onWindows(pod, windows)).toBe(false);
  });

  test("of what a session was opened with asks for the same again", () => {
    const options = { profile: "net", capabilities: ["SYS_PTRACE"], target: "cart", ttl_seconds: 3600 } as const;
    const again = choicesOf({ ...options, capabilities: [...options.capabilities] }, "why");
    expect(bodyOf(pod, again)).toEqual({ ...pod, reason: "why", debug: options });
    expect(advancedCount(pod, again)).toBe(2);
  });

  test("keeps what the form does not ask for", () => {
    const again = choicesOf({ system: "linux", start_seconds: 90 }, "", ["uptime"]);
    expect(bodyOf(node, again)).toEqual({
      ...node,
      command: ["uptime"],
      debug: { system: "linux", start_seconds: 90 },
    });
    expect(advancedCount(node, again)).toBe(0);
  });
});

test("capabilities are read as people write them, and unknown ones say what may be meant", () => {
  expect(capabilitiesOf(" cap_bpf,,perfmon  BPF ")).toEqual(["BPF", "PERFMON"]);
  expect(capabilityProblem("NET_ADMIN, net_raw")).toBe("");
  expect(capabilityProblem("NET_RAW, NET_ADMN")).toContain("NET_ADMIN?");
  expect(capabilityProblem("ptrace")).toContain("PTRACE");
  expect(capabilityProblem("WHATEVER_ELSE")).not.toContain("did you mean");
});

test("the names of capabilities and profiles are those that the agent knows", () => {
  const source = readFileSync(new URL("../../../src/podshell/kube/debug_options.py", import.meta.url), "utf8");
  const list = /\nCAPABILITIES = \(([\s\S]*?)\n\)\n/.exec(source)?.[1] ?? "";
  expect([...list.matchAll(/"(\w+)"/g)].map(([, name]) => name)).toEqual(CAPABILITIES);
  const known = [...source.matchAll(/Profile\(\s*"(\w+)"/g)].map(([, name]) => name);
  expect(new Set([...PROFILES.debug, ...PROFILES.node])).toEqual(new Set(["", ...known]));
});

test("a session says where its tools container is", () => {
  const session = { kind: "node", cluster: "east", namespace: "", pod: "", node: "worker-1" } as const;
  expect(targetOf(session)).toEqual(node);
  expect(targetOf({ ...session, kind: "debug", namespace: "shop", pod: "cart-0" })).toEqual(pod);
  expect(targetOf({ ...session, kind: "exec" })).toBeNull();
});
