import { describe, expect, test } from "vitest";
import type { Session } from "../api/types";
import { bodyLike, displayName, freeNumber, fullName, tabName } from "./names";

const shell = { cluster: "east", namespace: "shop", pod: "cart-0", container: "cart", command: [] as string[] };
const node = {
  ...shell,
  kind: "node",
  node: "worker-1",
  namespace: "podshell",
  pod: "node-shell-x",
  container: "shell",
};

describe("names", () => {
  test("of a shell in a node say the node, whatever pod serves it", () => {
    expect(tabName(node)).toBe("node/worker-1");
    expect(fullName(node)).toBe("east/node/worker-1");
    expect(tabName(shell)).toBe("cart-0/cart");
  });

  test("of a debug shell say the pod, whatever container was made in it", () => {
    const debug = { ...shell, kind: "debug", container: "", made: { container: "podshell-abc12" } as never };
    expect(tabName(debug)).toBe("cart-0/debug");
    expect(fullName(debug)).toBe("east/shop/cart-0/debug");
  });

  test("say cluster or namespace only where they tell shells apart", () => {
    const tab = { session: shell, name: "", number: 1 };
    const west = { session: { ...shell, cluster: "west" } };
    const test = { session: { ...shell, namespace: "test" } };
    expect(displayName(tab, [tab])).toBe("cart-0/cart");
    expect(displayName(tab, [tab, test])).toBe("cart-0/cart · shop");
    expect(displayName(tab, [tab, test, west])).toBe("cart-0/cart · east");
    expect(displayName({ ...tab, number: 2 }, [tab])).toBe("cart-0/cart 2");
    expect(displayName({ ...tab, name: "mine" }, [tab, west])).toBe("mine");
  });

  test("number shells of one target by what is free", () => {
    const taken = [1, 3].map((number) => ({ session: shell, number }));
    expect(freeNumber(shell, taken)).toBe(2);
    expect(freeNumber({ ...shell, container: "other" }, taken)).toBe(1);
  });
});

describe("the same shell once more", () => {
  const session = { ...shell, node: "worker-1", reason: "", debug: null } as unknown as Session;
  const debug = { profile: "net" } as const;

  test("asks for what its kind has, and for nothing else", () => {
    const { cluster, namespace, pod, container, command } = shell;
    expect(bodyLike({ ...session, kind: "exec" })).toEqual({
      cluster,
      kind: "exec",
      namespace,
      pod,
      container,
      command,
    });
    const again = bodyLike({ ...session, kind: "debug", debug, reason: "why" });
    expect(again).toEqual({ cluster, kind: "debug", namespace, pod, command, debug, reason: "why" });
    expect(bodyLike({ ...session, kind: "node", namespace: "", pod: "", debug })).toEqual({
      cluster,
      kind: "node",
      node: "worker-1",
      command,
      debug,
    });
  });
});
