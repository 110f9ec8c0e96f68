"""Facts on their way to the gateway: kept until acknowledged, told again on every new link (wire/messages.py Fact).

They go to one link at a time, the first that is up; when that is lost, everything unacknowledged goes to the next.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Protocol

from podshell.wire.messages import Fact, Scalar

log = logging.getLogger(__name__)

# A fact is a few hundred bytes: 4 MiB at the worst, after days without a gateway. Then the oldest are lost, and said to be.
_LIMIT_FACTS = 10_000


class FactChannel(Protocol):
    """A link that is up."""

    def send_fact(self, fact: Fact) -> None: ...


class FactLedger:
    """All facts of an agent's life."""

    def __init__(self) -> None:
        self._seq = 0
        self._waiting: OrderedDict[int, Fact] = OrderedDict()
        self._channels: list[FactChannel] = []

    def tell(self, session: str, kind: str, time_ms: int, data: dict[str, Scalar]) -> None:
        """Keep a fact and send it, if a link is up."""
        self._seq += 1
        fact = Fact(self._seq, session, kind, time_ms, data)
        self._waiting[fact.seq] = fact
        if len(self._waiting) > _LIMIT_FACTS:
            seq, dropped = self._waiting.popitem(last=False)
            log.error("a fact is lost: no gateway took it", extra={"seq": seq, "session": dropped.session, "kind": dropped.kind})
        if self._channels:
            self._channels[0].send_fact(fact)

    def take_ack(self, seq: int) -> None:
        self._waiting.pop(seq, None)

    def add_channel(self, channel: FactChannel) -> None:
        """A link is up."""
        self._channels.append(channel)
        if self._channels[0] is channel:
            self._send_all(channel)

    def remove_channel(self, channel: FactChannel) -> None:
        """A link is lost."""
        if channel not in self._channels:
            return
        was_first = self._channels[0] is channel
        self._channels.remove(channel)
        if was_first and self._channels:
            self._send_all(self._channels[0])

    @property
    def waiting(self) -> int:
        """How many facts nobody has acknowledged."""
        return len(self._waiting)

    def _send_all(self, channel: FactChannel) -> None:
        for fact in list(self._waiting.values()):
            channel.send_fact(fact)
