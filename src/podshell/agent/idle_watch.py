"""The idle clock of one session with its timer: tells when to warn, when the warning is over, and when to close."""

from __future__ import annotations

from collections.abc import Callable

from podshell.agent.idle import IdleClock, IdleStep
from podshell.aio.clock import Clock, TimerHandle


class IdleWatch:
    """Runs from its making until `cancel`; `on_step` gets WARN, CLEARED and CLOSE as they become due."""

    def __init__(self, timeout_seconds: float, clock: Clock, on_step: Callable[[IdleStep], None]) -> None:
        self.timeout_seconds = timeout_seconds
        self._clock = clock
        self._on_step = on_step
        self._idle = IdleClock(timeout_seconds, clock.time())
        self._timer: TimerHandle | None = None
        self._schedule()

    @property
    def warned(self) -> bool:
        return self._idle.warned

    @property
    def seconds_left(self) -> int:
        return max(0, round(self._idle.seconds_left(self._clock.time())))

    def touch(self) -> None:
        """Note activity."""
        step = self._idle.touch(self._clock.time())
        if step is not None:
            self._schedule()  # without a warning the timer looks again by itself
            self._on_step(step)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        self.cancel()
        due = self._idle.next_due()
        self._timer = None if due is None else self._clock.call_later(max(0.0, due - self._clock.time()), self._look)

    def _look(self) -> None:
        step = self._idle.check(self._clock.time())
        if step is not IdleStep.CLOSE:
            self._schedule()
        if step is not None:
            self._on_step(step)
