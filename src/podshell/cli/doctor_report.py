"""The report of `podshell doctor`: its lines, how they are written, and what becomes of a check that fails itself."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from enum import StrEnum

import msgspec

from podshell.cli.plain_text import visible, visible_json
from podshell.kube.errors import Forbidden, KubeError, Unauthorized


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Line(msgspec.Struct, frozen=True):
    """One line of the report. `fix` is what to do next; only a line that is ok may do without."""

    check: str
    verdict: Verdict
    text: str
    fix: str = ""

    def __post_init__(self) -> None:
        assert self.fix or self.verdict is Verdict.OK, f"no next step: {self.text}"


_MARKS = {Verdict.OK: "ok", Verdict.WARNING: "WARN", Verdict.FAILED: "FAIL", Verdict.UNKNOWN: "?"}


async def guarded(check: str, work: Awaitable[list[Line]]) -> list[Line]:
    """Run one check; what the API server does not say is a line of its own, and the other checks go on."""
    try:
        return await work
    except KubeError as error:
        return [Line(check, Verdict.UNKNOWN, f"could not be checked: {error}", _fix_of(error))]


def _fix_of(error: KubeError) -> str:
    if isinstance(error, Forbidden):
        return "ask the cluster's owner for the right that the message names"
    if isinstance(error, Unauthorized):
        return "sign in again, or choose another user (--user, --token, --as)"
    return "run doctor again; look at the API server and the way to it if it goes on"


def as_json(lines: Sequence[Line]) -> str:
    """Write the lines as a list of objects."""
    return visible_json(msgspec.json.format(msgspec.json.encode(lines), indent=2).decode())


def as_table(lines: Sequence[Line]) -> str:
    """Write a row for each line, and below it what to do."""
    width = max(len(line.check) for line in lines)
    rows = []
    for line in lines:
        rows.append(f"{_MARKS[line.verdict]:4}  {line.check:{width}}  {visible(line.text)}")
        if line.fix and line.verdict is not Verdict.OK:
            rows.append(f"{'':4}  {'':{width}}  -> {visible(line.fix)}")
    return "\n".join(rows)
