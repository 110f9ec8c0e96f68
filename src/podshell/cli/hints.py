"""Advice on errors that a session's output may show: S2's three, and ping without rights. Pure.

It looks at a copy of the bytes and changes none; the texts may be cut anywhere between two reads. Each hint is given once, after the line
that it is about, and never into a full-screen program: then when that is left, or at the end.

The console has a twin of it (web/src/terminal/hints.ts); both run spec/vectors/hints.json, which has the names and the patterns as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# What may be cut between two reads: the longest of the texts, with the path before it.
_KEPT_BYTES = 512
_SCREEN = re.compile(rb"\x1b\[\?(?:1049|1047|47)([hl])")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for under a name, and what is said then."""

    name: str
    pattern: re.Pattern[bytes]
    advice: str


# Colours may stand between the words of none of them: the programs print them in one piece.
RULES = (
    Rule(
        "rights",
        # nft says the first, iptables 1.8.11 the second (docs/reference/tools-image.md, rows that the tests run)
        re.compile(rb"(?:Operation not permitted|Permission denied) \(you must be root\)"),
        "iptables and nft need capabilities: check that the command sets --capabilities NET_RAW,NET_ADMIN (or --profile net)",
    ),
    Rule(
        "bus",
        # S2's sentence; systemd 256 and later name the bus and the way to it (src/shared/bus-util.c, bus_log_connect_full)
        re.compile(rb"Failed to connect to (?:\w+ scope )?bus(?: via \w+ transport)?: (?:No data available|Host is down)"),
        "systemctl needs the node's processes and files: check that the command has --host-pid set (or --profile systemd),"
        " and that you have chroot'd to /host",
    ),
    Rule(
        "links",
        re.compile(rb"/host/[^\r\n\x00]{0,400}: No such file or directory"),
        "symlinks on the node's file system may not resolve below /host: chroot /host first"
        " (needs --capabilities SYS_CHROOT, or --profile host)",
    ),
    Rule(
        "ping",
        # iputils says in a line before which socket it tried, in newer releases (ping/ping.c, create_socket); arping and fping are others
        re.compile(rb"(?<!ar)(?<!f)ping6?: (?:socket|socktype: SOCK_RAW)[^\x00]{0,40}?: Operation not permitted"),
        "ping needs a capability here: check that the command sets --capabilities NET_RAW (or --profile net)",
    ),
)


class HintWatcher:
    """Watches one stream."""

    def __init__(self) -> None:
        self._left: Sequence[Rule] = RULES
        self._due: list[str] = []
        self._kept = b""
        self._full_screen = False

    def receive(self, data: bytes) -> list[tuple[int, str]]:
        """Look at the next bytes; returns (offset in `data`, advice) for what is to be said there."""
        if not self._left and not self._due:
            return []
        window, before = self._kept + data, len(self._kept)
        found_at = 0
        for rule in self._left:
            if (found := rule.pattern.search(window)) is not None:
                self._due.append(rule.advice)
                found_at = max(found_at, found.end())
        self._left = [rule for rule in self._left if rule.advice not in self._due]  # each once
        for switch in _SCREEN.finditer(window):
            self._full_screen = switch[1] == b"h"
        self._kept = window[-_KEPT_BYTES:]
        line_end = window.find(b"\n", max(found_at, before))
        if not self._due or self._full_screen or line_end < 0:
            return []
        return [(line_end + 1 - before, advice) for advice in self._take()]

    def finish(self) -> list[str]:
        """Return what is still to be said, at the session's end."""
        return self._take()

    def _take(self) -> list[str]:
        due, self._due = self._due, []
        return due
