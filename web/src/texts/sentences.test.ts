import { expect, test } from "vitest";
import { codePieces, sentence } from "./sentences";

test("a sentence begins with a capital letter, a name stays as it is", () => {
  expect(sentence("the agent of demo-west is offline")).toBe("The agent of demo-west is offline");
  expect(sentence("open a new shell; or wait")).toBe("Open a new shell; or wait");
  for (const name of [
    "cart-0 is gone",
    "host_pid does not apply to pods",
    "a.b/c: no such image",
    "Already so",
    "",
    "`x` y",
  ])
    expect(sentence(name)).toBe(name);
});

test("what stands between backticks is code", () => {
  expect(codePieces("with `podshell up`: --allow x")).toEqual(["with ", "podshell up", ": --allow x"]);
  expect(codePieces("`a` or `b`")).toEqual(["", "a", " or ", "b", ""]);
  expect(codePieces("none")).toEqual(["none"]);
  expect(codePieces("`a` and one ` alone")).toEqual(["", "a", " and one ` alone"]);
  expect(codePieces("one ` alone")).toEqual(["one ` alone"]);
});
