"""One repaint for all viewers that lost bytes within a moment: a program that draws the whole screen is asked to draw it again."""

from __future__ import annotations

from collections.abc import Callable

from podshell.aio.clock import Clock, TimerHandle

_SOON_SECONDS = 0.05


class Redraws:
    """Calls `redraw` a moment after the first of several wishes; without a terminal (`wanted` false) never."""

    def __init__(self, clock: Clock, redraw: Callable[[], None], *, wanted: bool) -> None:
        self._clock = clock
        self._redraw = redraw
        self._wanted = wanted
        self._timer: TimerHandle | None = None

    def soon(self) -> None:
        """Wish for one."""
        if self._wanted and self._timer is None:
            self._timer = self._clock.call_later(_SOON_SECONDS, self._now)

    def cancel(self) -> None:
        """Forget what was wished for."""
        if self._timer is not None:
            self._timer.cancel()

    def _now(self) -> None:
        self._timer = None
        self._redraw()
