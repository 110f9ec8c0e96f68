"""How a command gives up: exit codes of our own (docs/reference/exit-codes.md), and the exception that carries one. Imports nothing."""

from __future__ import annotations

USAGE = 2
TIMED_OUT = 124  # as of timeout(1)
FAILED = 125
REFUSED = 126
NO_SHELL = 127


class CommandFailed(Exception):
    """The command cannot go on. `lines` are said on standard error, each after "podshell: "."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__("; ".join(lines))
        self.code = code
        self.lines = [line for line in lines if line]
