"""How an exec ends, and who is told: the vocabulary between `ExecStream` and its caller. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from podshell.kube.classify import Failed, classify


class LostReason(StrEnum):
    """Why a stream ended without the server's word on the process, whose fate is unknown."""

    NO_STATUS = "no-status"
    TRANSPORT = "transport"
    CLOSED_HERE = "closed-here"


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended by itself with this code (128 + signal when killed)."""

    code: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The stream is gone; the process may live, may have ended, with any code. Never a success."""

    reason: LostReason
    message: str


ExecEnd = Exited | Failed | Lost


def read_end(outcome: Exited | Failed | None, leftover: str, *, closed_here: bool, close_code: int) -> ExecEnd:
    """Read the end off what came (the table of kubernetes.md 1.4).

    `outcome` is channel 3's, `leftover` what it held that was no Status; `close_code` is the server's, 0 for none.
    """
    if outcome is not None:
        return outcome
    if leftover:
        return classify(leftover)
    if closed_here:
        return Lost(LostReason.CLOSED_HERE, "the stream was closed from this side")
    if close_code == 1000:
        # kubectl returns 0 here (kubernetes#124571); it may have been anything.
        return Lost(LostReason.NO_STATUS, "the server closed the stream without saying how the command ended")
    if close_code:
        return Lost(LostReason.TRANSPORT, f"the server closed the stream with code {close_code}")
    return Lost(LostReason.TRANSPORT, "the connection to the API server broke")


class ExecReceiver(Protocol):
    """Who gets what the stream brings; called on the event loop, must not block or raise."""

    def up(self) -> None:
        """Note that the server answers: input and sizes go through from now on. Once."""

    def output(self, channel: int, data: memoryview | bytes) -> None:
        """Take bytes of stdout (1) or stderr (2). `data` is valid only during the call: copy what is kept.

        After `pause()` at most what one read brought (under 512 KiB) still comes.
        """

    def ended(self, end: ExecEnd) -> None:
        """Note the end, after all output. Exactly once; nothing comes after it."""
