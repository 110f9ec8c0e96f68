"""When a session has been left alone for too long. Pure: the time is given.

What counts as activity is its owner's business (sessions.py): typing and "stay" do; output, resizes, keep-alives and what a terminal
sends by itself do not (issue "the first shell", Agent).
"""

from __future__ import annotations

from enum import Enum, auto

# The warning comes so long before the end; half of a shorter timeout.
WARNING_SECONDS = 60.0


class IdleStep(Enum):
    """What became due."""

    WARN = auto()
    CLEARED = auto()
    CLOSE = auto()


class IdleClock:
    """The idle time of one session; a timeout of 0 never ends."""

    def __init__(self, timeout_seconds: float, now: float) -> None:
        self.timeout_seconds = timeout_seconds
        self._active_at = now
        self._warned = False

    @property
    def warned(self) -> bool:
        return self._warned

    def touch(self, now: float) -> IdleStep | None:
        """Note activity; returns CLEARED when a warning stands."""
        self._active_at = now
        if not self._warned:
            return None
        self._warned = False
        return IdleStep.CLEARED

    def seconds_left(self, now: float) -> float:
        return self._active_at + self.timeout_seconds - now

    def next_due(self) -> float | None:
        """Return the time at which `check` has something to say, if nothing happens until then."""
        if self.timeout_seconds <= 0:
            return None
        end = self._active_at + self.timeout_seconds
        return end if self._warned else end - min(WARNING_SECONDS, self.timeout_seconds / 2)

    def check(self, now: float) -> IdleStep | None:
        """Return what is due at `now`."""
        due = self.next_due()
        if due is None or now < due:
            return None
        if self.seconds_left(now) <= 0:
            return IdleStep.CLOSE
        self._warned = True
        return IdleStep.WARN
