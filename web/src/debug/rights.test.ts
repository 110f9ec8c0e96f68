import { expect, test } from "vitest";
import type { Session } from "../api/types";
import type { DebugOptions } from "./form";
import { lacking } from "./rights";

const node = (debug: DebugOptions = {}): Session =>
  ({ kind: "node", cluster: "east", node: "worker-1", debug }) as never;
const pod = (debug: DebugOptions = {}): Session =>
  ({ kind: "debug", cluster: "east", namespace: "shop", pod: "cart-0", debug }) as never;

test("a plain shell lacks a profile, which takes the place of none", () => {
  expect(lacking(node(), "rights")).toEqual({ options: { profile: "net" }, named: "Network" });
  expect(lacking(node(), "bus")).toEqual({ options: { profile: "systemd" }, named: "Systemd" });
  expect(lacking(node({ mount_host: true }), "links")).toEqual({
    options: { mount_host: true, profile: "host" },
    named: "Host files",
  });
  expect(lacking(pod({ profile: "restricted", target: "cart" }), "ping")).toEqual({
    options: { profile: "net", target: "cart" },
    named: "Network",
  });
});

test("a shell with another profile keeps what that gives it", () => {
  expect(lacking(node({ profile: "host" }), "rights")).toEqual({
    options: { profile: "host", capabilities: ["NET_ADMIN", "NET_RAW"] },
    named: "NET_ADMIN, NET_RAW",
  });
  expect(lacking(node({ profile: "net" }), "bus")?.options).toEqual({
    profile: "systemd",
    capabilities: ["NET_ADMIN", "NET_RAW"],
  });
});

test("nothing is offered to a shell that has it, or can have none of it", () => {
  expect(lacking(node({ profile: "net" }), "ping")).toBeNull();
  expect(lacking(node({ capabilities: ["NET_RAW"] }), "ping")).toBeNull();
  expect(lacking(node({ capabilities: ["NET_RAW"] }), "rights")?.options.profile).toBe("net");
  expect(lacking(node({ profile: "systemd" }), "links")).toBeNull();
  expect(lacking(node({ profile: "trace" }), "bus")).toBeNull();
  expect(lacking(pod(), "bus")).toBeNull();
  expect(lacking(node({ system: "windows" }), "rights")).toBeNull();
  expect(lacking({ kind: "exec" } as never, "rights")).toBeNull();
});
