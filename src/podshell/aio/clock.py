"""Time as parts of the processes see it: given, so that tests turn it by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    """A timer that has been set."""

    def cancel(self) -> None:
        """Forget it; nothing happens when it has fired already."""


class Clock(Protocol):
    """A monotonic clock with timers, and the clock on the wall."""

    def time(self) -> float:
        """Return monotonic seconds."""

    def wall_ms(self) -> int:
        """Return Unix milliseconds."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> TimerHandle:
        """Call `callback` on the event loop after `seconds`."""


class LoopClock:
    """The running event loop's clock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def time(self) -> float:
        return self._loop.time()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def call_later(self, seconds: float, callback: Callable[[], None]) -> TimerHandle:
        return self._loop.call_later(seconds, callback)
