"""What a session uses and does not own: the cluster, the clock, the output budget, and where facts go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from podshell.agent.output_log import OutputBudget
from podshell.aio.backoff import Backoff
from podshell.aio.clock import Clock
from podshell.kube.execs import ClusterAccess
from podshell.wire.messages import Facts


class FactTeller(Protocol):
    def tell(self, session: str, kind: str, time_ms: int, data: Facts) -> None: ...


@dataclass(frozen=True, slots=True)
class SessionSurroundings:
    """What a session uses and does not own."""

    cluster: ClusterAccess
    clock: Clock
    budget: OutputBudget
    facts: FactTeller
    epoch: str
    ring_bytes: int
    backoff: Callable[[], Backoff]
    offers_debug: bool = False  # whether the ceiling allows the debug container that helps where an image has no shell
