"""docs/how-to/debug-and-node-shells.md as the tests read it: its blocks, and for each line which test runs it.

A line that no rule knows is an error: whoever adds one says here where it is run, or why it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "debug-and-node-shells.md"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"root@\S+ \[ / \]# (.*)")
_INNER_PROMPT = re.compile(r"root@\S+:/# (.*)")


class Runner(StrEnum):
    """Who runs a line: test_how_to_page.py, unless it is said otherwise."""

    SHELL = "shell"
    IMAGE = "image"  # as a dry run with what the page exports
    NAMESPACE = "namespace"  # with one of the test's own
    GC = "gc"
    DOCTOR = "doctor"
    SET_UP = "set-up"
    GATEWAY = "gateway"  # test_shell_through_the_gateway.py
    AT_PROMPT = "at a prompt"  # tests/image, with the real tools
    ELSEWHERE = "elsewhere"  # see REASONS


# Lines that no test of this folder runs as they stand, and who does instead.
REASONS = {
    "make setup": "every run of the tests begins with it",
    "podshell sandbox --kubeconfig-out sandbox.yaml": "the fixture cluster_env runs it, with another path",
    "export KUBECONFIG=sandbox.yaml": "the fixture cluster_env sets it",
    'make up ARGS="--allow podDebug,nodeShell"': "tests/integration/launch runs `podshell up`; test_documents.py parses the line",
}
_RULES = (
    (r"kubectl shell gc\b", Runner.GC),
    (r"export PODSHELL_IMAGE_|kubectl shell node001 # runs ", Runner.IMAGE),
    (r"kubectl (create|label) namespace podshell\b|kubectl shell .*--debug-namespace podshell\b", Runner.NAMESPACE),
    (r"export PATH=|kubectl shell --help$|source <", Runner.SET_UP),
    (r"(echo [^|]+ \| )?kubectl shell ", Runner.SHELL),
    (r"podshell (shell|doctor) --gateway ", Runner.GATEWAY),
    (r"podshell doctor ", Runner.DOCTOR),
)


@dataclass(frozen=True, slots=True)
class PageLine:
    """One line of a block, and where it is run."""

    text: str
    runner: Runner


def page_lines() -> Iterator[PageLine]:
    """Yield every line of every block but what programs print.

    Raises:
        AssertionError: a block or a line is of no kind that is known here.
    """
    for kind, text in _BLOCK.findall(PAGE.read_text()):
        assert kind in ("bash", "sh", "text"), f"nobody tests a block of the kind {kind!r}: {text}"
        if kind == "text":
            typed = [match[1] for line in text.splitlines() if (match := PROMPT.fullmatch(line) or _INNER_PROMPT.fullmatch(line))]
            assert typed, f"nothing is typed in the block: {text}"
            yield from (PageLine(line, Runner.AT_PROMPT) for line in typed)
            continue
        for line in text.splitlines():
            if line and not line.startswith("#"):
                yield PageLine(line, _runner_of(line))


def _runner_of(line: str) -> Runner:
    if line in REASONS:
        return Runner.ELSEWHERE
    found = next((runner for pattern, runner in _RULES if re.match(pattern, line)), None)
    assert found is not None, f"no test runs this line of the page: {line}"
    return found


def lines_for(runner: Runner) -> list[str]:
    """Return the lines that one runner runs, in the page's order."""
    return [line.text for line in page_lines() if line.runner is runner]
