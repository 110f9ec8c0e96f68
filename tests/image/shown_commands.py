"""The commands that a page shows: fenced blocks of bash that open shells, and below each the lines at its prompts with what they bring.

For S2 (shell_tsg.md) and for docs/how-to/debug-and-node-shells.md.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cluster_in_node import ClusterInNode
from node import Terminal
from typing_at_prompts import Prompt

_BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The first is the tools shell's, with or without the host's name; the second that of a bash in the node's file system.
_OUTER, _INNER = re.compile(r"root(?:@(\S+))? \[ / \]# (.*)"), re.compile(r"root@(\S+):/# (.*)")
_NUMBER = re.compile(r"\d[\d.]*[KMG]?")


@dataclass
class Typed:
    """A line at a prompt and the lines that the page shows below it; `host`: the name in the prompt, "" where the page has none."""

    command: str
    host: str
    inner: bool
    shown: list[str] = field(default_factory=list)


@dataclass
class Opened:
    """The lines of one block that open shells, each with what must be set before, and what is typed in such a shell."""

    scripts: list[str]
    typed: list[Typed] = field(default_factory=list)

    @property
    def last_script(self) -> str:
        """The last line that opens the shell whose name is in the prompts; any, where the page has no names in them."""
        names = {line.host for line in self.typed} - {""}
        return [one for one in self.scripts if names <= {host_of(one)}][-1]


def read(page: str) -> Iterator[Opened]:
    """Yield the shells of a page, in its order; a text block belongs to the block of bash above it."""
    current: Opened | None = None
    for kind, text in _BLOCK.findall(page):
        if kind == "bash":
            if current is not None:
                yield current
            current = Opened(list(_scripts(text)))
        elif current is not None:
            _read_typed(text, current.typed)
    if current is not None:
        yield current


def _scripts(block: str) -> Iterator[str]:
    before = ""
    for line in block.splitlines():
        if re.match(r"kubectl (retina )?shell ", line):
            yield before + line
        elif line.startswith("export "):
            before += f"{line}\n"


def _read_typed(block: str, typed: list[Typed]) -> None:
    for line in block.splitlines():
        if match := _OUTER.fullmatch(line):
            typed.append(Typed(match[2], match[1] or "", inner=False))
        elif match := _INNER.fullmatch(line):
            typed.append(Typed(match[2], match[1], inner=True))
        elif typed:
            typed[-1].shown.append(line)


Check = Callable[[Prompt, Typed], None]
"""Types the line at the prompt and asserts what comes."""


def host_of(script: str) -> str:
    """Return the name that a shell's prompt has: the pod's or the node's."""
    words = script.splitlines()[-1].partition("#")[0].split()
    pods, nodes = ([word for word in words if re.match(kind, word)] for kind in ("pods/", "aks-|node0|worker-"))
    (name,) = pods or nodes
    return name.removeprefix("pods/")


def outer_prompt(script: str) -> str:
    return rf"root@{re.escape(host_of(script))} \[ / \]# "


def inner_prompt(script: str) -> str:
    return rf"root@{re.escape(host_of(script))}:/# "


def type_all(prompt: Prompt, script: str, typed: Sequence[Typed], checks: dict[str, Check]) -> None:
    """Run what a page shows at the prompt of a shell that `script` opened, each line by its check."""
    for number, line in enumerate(typed):
        assert line.host in ("", host_of(script)), f"the prompt of {line.command!r} names another place than the command that opens it"
        following = typed[number + 1] if number + 1 < len(typed) else None
        if following is not None and following.inner and not line.inner:
            assert prompt.run(line.command, prompt=inner_prompt(script)) == line.shown
            continue
        checks[line.command](prompt, line)
        if line.inner and (following is None or not following.inner):
            prompt.leave(outer_prompt(script))


class Shells:
    """Opens the shells of a page's lines as a user does; the next one starts while the last one is typed into. close() ends them all.

    Where a line sets the image, that is all that names it.
    """

    def __init__(self, cluster: ClusterInNode, scripts: Sequence[str]) -> None:
        self._cluster = cluster
        self._following = dict(zip(scripts, [*scripts[1:], None], strict=True))
        self._started: dict[str, Terminal] = {}
        self._stack = contextlib.ExitStack()

    @contextlib.contextmanager
    def opened(self, script: str) -> Iterator[Prompt]:
        """Give the prompt of a shell, and leave the shell by `exit`."""
        for one in (script, self._following.get(script)):
            if one is not None and one not in self._started:
                image = {} if "_IMAGE_REPO" in one else None
                words = one.replace("kubectl retina shell", "kubectl shell")
                self._started[one] = self._stack.enter_context(self._cluster.typed(words, image))
        terminal = self._started[script]
        yield Prompt(terminal, outer_prompt(script))
        terminal.type(b"exit\n")
        terminal.expect(rb"exit\r\n")

    def close(self) -> None:
        self._stack.close()


def masked(lines: Iterable[str]) -> list[str]:
    """Return the lines with N for each number and one blank between words."""
    return [" ".join(_NUMBER.sub("N", line).split()) for line in lines]


def as_shown(prompt: Prompt, line: Typed) -> None:
    """Each line that the page shows comes, in its order; numbers may differ."""
    seen = masked(prompt.run(line.command))
    rest = iter(seen)
    missing = [one for one in masked(line.shown) if one and one not in rest]
    assert missing == [], f"{line.command}: {missing} in {seen}"
