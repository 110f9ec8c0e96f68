"""docs/how-to/debug-and-node-shells.md: each of its commands is run as it stands, on nodes and pods that the sandbox has.

What is typed at the prompts of the page is run in tests/image, with the real tools.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from shell_process import nothing_is_left, run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "debug-and-node-shells.md"
IMAGE_TESTS = Path(__file__).resolve().parents[2] / "image"
_BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The page's node and pod are somebody else's; the sandbox has its own.
_PLACES = ((re.compile(r"aks-nodepool1-\S+|node001"), "worker-1"), (re.compile(r"-n kube-system pods/coredns-\S+"), "-n shop pods/cart-0"))
# Programs and sockets of a real node or of the real image: here only the manifest is asked for (tests/image and tests/e2e run them).
_ELSEWHERE = {"--enter", "dig", "nc", "systemd", "trace"}


def lines(kind: str) -> Iterator[str]:
    for block_kind, text in _BLOCK.findall(PAGE.read_text()):
        if block_kind == kind:
            yield from text.splitlines()


def shell_lines() -> list[str]:
    found = []
    for line in lines("bash"):
        command = line.partition("| ")[2] if line.startswith("echo ") else line
        for pattern, ours in _PLACES:
            command = pattern.sub(ours, command)
        if command.startswith("kubectl shell "):
            found.append(command.removeprefix("kubectl shell "))
    return found


def test_the_page_has_the_commands_that_are_tested() -> None:
    assert len(shell_lines()) >= 18


@pytest.mark.parametrize("line", shell_lines())
async def test_a_command_of_the_page_works(cluster_env: dict[str, str], line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "gc":
        code, output, errors = await run(words, cluster_env)
        assert (code, output) == (0, b"nothing of ours is left\n"), errors
        return
    own, separator, command = words, "--", ["echo", "opened"]
    if "--" in words:
        at = words.index("--")
        own, command = words[:at], words[at + 1 :]
    if "--dry-run" in own or _ELSEWHERE & set(words):
        dry = [] if "--dry-run" in own else ["--dry-run", "-o", "yaml"]
        code, output, errors = await run([*own, *dry, separator, *command], cluster_env)
        assert code == 0, errors
        assert b"image: tools:1" in output
        return
    code, output, errors = await run([*own, separator, *command], cluster_env)
    assert (code, output) == (0, b"opened\n"), errors
    await nothing_is_left(cluster_env)


def test_every_program_at_a_prompt_of_the_page_is_run_with_the_real_image() -> None:
    typed = [match[1] for line in lines("text") if (match := re.match(r"root \[ / \]# (.*)", line))]
    assert len(typed) >= 12
    run_there = "\n".join(path.read_text() for path in IMAGE_TESTS.glob("test_*.py"))
    programs = {word for line in typed for word in re.findall(r"^(?:chroot /host )?([\w.]+)", line)}
    assert {one for one in programs if not re.search(rf"\b{one}\b", run_there)} == set()
