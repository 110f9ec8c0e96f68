"""The lifeline's two ends: the script that runs in the container, and the strict reading of what it reports.

Pure but for loading the script. `lifeline.sh` says how it works; shells.py runs it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from podshell.kube.marker import Leader
from podshell.kube.scripts import load_script
from podshell.kube.waiter import FOLDERS, PATIENCE_SECONDS

# Names are the kernel's comm, 15 bytes: the command line may hold secrets.
_LINE = re.compile(rb"([kuxl]) ([0-9]{1,10}) ([^\n]{0,64})")
_LINE_LIMIT_BYTES = 256
# What a gateway's End carries at most (wire/messages.py).
_LIMIT_NAMES = 64


SCRIPT = load_script("lifeline.sh")
END_LINE = b"end\n"
# The shell hangs on its stream after all: no patience for a successor.
NOT_HELD_LINE = b"w\n"
# A sign of life, while nothing else is said: a network that vanishes without a word (a closed laptop, a node without power) is seen by the
# API server's TCP keepalive after half an hour only. Five may be lost: a short outage, which TCP heals, ends no shell.
BEAT_LINE = b"p\n"
BEAT_SECONDS = 15.0
SILENCE_SECONDS = 90


# In a tools container: "w" registers at the waiter; "h" also leaves a held shell to the next lifeline for a while.
Mode = Literal["", "w", "h"]


def lifeline_command(
    shell: str,
    nonce: str,
    mode: Mode = "",
    *,
    patience_seconds: int = PATIENCE_SECONDS,
    folders: tuple[str, ...] = FOLDERS,
    silence_seconds: int = SILENCE_SECONDS,
) -> list[str]:
    """Build the lifeline exec's command. Under 20 s of patience it looks each second, else every 5 s."""
    options = [mode, str(patience_seconds), " ".join(folders) if mode else "", str(silence_seconds)]
    usual = ["", str(PATIENCE_SECONDS), "", str(SILENCE_SECONDS)]
    while options and options[-1] == usual[len(options) - 1]:
        options.pop()  # the script knows it, and request lines are short
    return [shell, "-c", SCRIPT, "podshell-lifeline", nonce, *options]


def leader_line(leader: Leader) -> bytes:
    """Build the line that tells the lifeline whom it guards."""
    return f"s {leader.sid} {leader.start_ticks}\n".encode()


@dataclass(slots=True)
class LifelineReport:
    """What a lifeline said. Each entry is "name (pid N)"."""

    ready: bool = False
    no_proc: bool = False
    closing: bool = False
    unheard: bool = False  # no sign of life came from us for too long: it is at work, or waits for a successor
    done: bool = False
    killed: list[str] = field(default_factory=list)
    unkilled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class ReportReader:
    """Reads a lifeline's output, cut anywhere. What is not a line of the protocol is ignored."""

    def __init__(self) -> None:
        self.report = LifelineReport()
        self._line = bytearray()

    def receive(self, data: bytes | memoryview) -> None:
        for piece in bytes(data).splitlines(keepends=True):
            if len(self._line) < _LINE_LIMIT_BYTES:
                self._line += piece
            if piece.endswith(b"\n"):
                self._read_line(bytes(self._line).rstrip(b"\r\n"))
                self._line.clear()

    def _read_line(self, line: bytes) -> None:
        report = self.report
        match line:
            case b"r":
                report.ready = True
            case b"n":
                report.no_proc = True
            case b"c":
                report.closing = True
            case b"t":
                report.unheard = True
            case b"d":
                report.done = True
            case _:
                found = _LINE.fullmatch(line)
                if found is None:
                    return
                lists = {b"k": report.killed, b"u": report.unkilled, b"x": report.unkilled, b"l": report.left}
                names = lists[found[1]]
                if len(names) < _LIMIT_NAMES:
                    doubt = ", not proven to belong to the session" if found[1] == b"x" else ""
                    names.append(f"{_safe(found[3])} (pid {int(found[2])}{doubt})")


def _safe(name: bytes) -> str:
    text = name.decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text) or "?"
