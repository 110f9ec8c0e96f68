/// <reference types="node" />
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { kubectlCommand, podshellCommand, type Told } from "./commandLines";

const shell: Told = { kind: "exec", cluster: "east", namespace: "shop", pod: "cart-0", container: "cart", command: [] };
const debug: Told = { ...shell, kind: "debug", container: "" };
const node: Told = { ...shell, kind: "node", namespace: "podshell", pod: "node-shell-x", node: "worker-1" };

describe("the command of a shell in a running container", () => {
  test("names its place, and quotes what a shell would take apart", () => {
    const told = { ...shell, command: ["sh", "-c", "echo 'a b'; rm -rf x"] };
    expect(kubectlCommand(told)).toBe(
      `kubectl exec -it -n shop cart-0 -c cart -- sh -c 'echo '\\''a b'\\''; rm -rf x'`,
    );
    expect(podshellCommand(told)).toBe(
      `podshell exec --cluster east -n shop -c cart pods/cart-0 -- sh -c 'echo '\\''a b'\\''; rm -rf x'`,
    );
    expect(kubectlCommand(shell)).toBe("kubectl exec -it -n shop cart-0 -c cart -- sh");
  });

  test("gives the gateway the reason that it was given", () => {
    expect(podshellCommand({ ...shell, reason: "it's slow" })).toBe(
      `podshell exec --cluster east -n shop -c cart --reason 'it'\\''s slow' pods/cart-0`,
    );
  });
});

describe("the command of a shell in a tools container", () => {
  test("without choices leaves all to the defaults", () => {
    expect(kubectlCommand(node)).toBe("kubectl shell node/worker-1");
    expect(kubectlCommand({ ...debug, debug: {} })).toBe("kubectl shell -n shop pods/cart-0");
    expect(podshellCommand(node)).toBe("podshell shell --gateway --cluster east node/worker-1");
    expect(podshellCommand({ ...debug, debug: null })).toBe(
      "podshell shell --gateway --cluster east -n shop pods/cart-0",
    );
  });

  test("of a pod has every choice that was made, and the reason only where it is asked for", () => {
    const told: Told = {
      ...debug,
      reason: "packet loss",
      command: ["dig", "+short", "payments"],
      debug: {
        profile: "net",
        capabilities: ["SYS_PTRACE", "BPF"],
        target: "cart",
        ttl_seconds: 900,
        start_seconds: 60,
      },
    };
    const choices = "--profile net --capabilities SYS_PTRACE,BPF --target cart --ttl 900s --timeout 60s";
    expect(kubectlCommand(told)).toBe(`kubectl shell -n shop pods/cart-0 ${choices} -- dig +short payments`);
    expect(podshellCommand(told)).toBe(
      `podshell shell --gateway --cluster east -n shop pods/cart-0 ${choices} --reason 'packet loss' -- dig +short payments`,
    );
  });

  test("of a node has every switch, and a writable mount is one", () => {
    const image = "registry.example/tools@sha256:0123";
    expect(
      kubectlCommand({
        ...node,
        debug: { image, pull_policy: "Always", mount_host: true, host_write: true, host_pid: true, enter: true },
      }),
    ).toBe(
      `kubectl shell node/worker-1 --allow-host-filesystem-write --host-pid --enter --image ${image} --pull-policy Always`,
    );
    expect(
      kubectlCommand({
        ...node,
        debug: { mount_host: true, seccomp_unconfined: true, apparmor_unconfined: true, system: "linux" },
      }),
    ).toBe("kubectl shell node/worker-1 --mount-host-filesystem --seccomp-unconfined --apparmor-unconfined --os linux");
  });

  test("has flags only that the command knows", () => {
    const source = readFileSync(new URL("../../../src/podshell/cli/shell_options.py", import.meta.url), "utf8");
    const known = new Set([...source.matchAll(/OptionRow\(\s*"([\w-]+)"/g)].map(([, name]) => `--${name}`));
    const written = readFileSync(new URL("./commandLines.ts", import.meta.url), "utf8");
    const flags = [...written.matchAll(/"(--[a-z-]+)"/g)].map(([, flag]) => flag);
    expect(flags.length).toBeGreaterThan(12);
    expect(flags.filter((flag) => !known.has(flag ?? ""))).toEqual([]);
  });
});
