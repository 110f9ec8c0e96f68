"""How long to wait before the next try: full jitter, forgotten only after a stable period (reference: cloudflared, AWS full jitter).

Pure: the time and the randomness are given. The first try after a loss is jittered too, else all that were cut by one restart come back
in the same moment.
"""

from __future__ import annotations

import random
from collections.abc import Callable

# 2**16 times any sensible base is over any cap; keeps the power from growing without end.
_MAX_DOUBLINGS = 16


class Backoff:
    """Delays drawn from uniform(0, min(cap, base * 2**n)), where n counts the tries since things were last stable.

    Args:
        base_seconds: the upper bound of the first delay.
        cap_seconds: no bound grows over this.
        stable_seconds: a connection that held this long starts the count anew; a shorter one does not.
        uniform: draws from [low, high]; tests give their own.
    """

    def __init__(
        self,
        *,
        base_seconds: float = 1.0,
        cap_seconds: float = 30.0,
        stable_seconds: float = 30.0,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._stable_seconds = stable_seconds
        self._uniform = uniform
        self._tries = 0
        self._connected_at: float | None = None

    @property
    def tries(self) -> int:
        """Delays handed out since things were last stable."""
        return self._tries

    def connected(self, now: float) -> None:
        """Say that a try succeeded at `now` (monotonic seconds). It counts once it has held for the stable period."""
        self._connected_at = now

    def next_seconds(self, now: float, *, at_least_seconds: float = 0.0) -> float:
        """Return how long to wait before the next try. `at_least_seconds` (a peer's retry-after) comes before the jitter."""
        if self._connected_at is not None and now - self._connected_at >= self._stable_seconds:
            self._tries = 0
        self._connected_at = None
        bound = min(self._cap_seconds, self._base_seconds * 2 ** min(self._tries, _MAX_DOUBLINGS))
        self._tries += 1
        return at_least_seconds + self._uniform(0.0, bound)
