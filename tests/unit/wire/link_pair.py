"""Two ends of a link joined by pipes that cut and delay, in virtual time, and sources whose bytes can be checked at any offset."""

from __future__ import annotations

import random

from podshell.wire import messages as m
from podshell.wire.link import Chunk, Gap, LinkConnection, LinkEvent, MessageReceived, Side

CHALLENGE = m.Challenge(bytes(32), "replica", 0)
HELLO = m.Hello(1, "cluster", "agent", "epoch", bytes(32), bytes(64), 0, "0.1.0")


# a prime length: no frame, window or block size is a multiple of it
_BLOCK = random.Random(7).randbytes(65_521)


def pattern(offset: int, size: int) -> bytes:
    """The bytes every log has at `offset`: they differ wherever one looks."""
    first = offset % len(_BLOCK)
    return (_BLOCK * (2 + size // len(_BLOCK)))[first : first + size]


class Log:
    """A source of `head` bytes of the pattern, the oldest of which may be gone."""

    def __init__(self, head: int, *, tail: int = 0, piece_bytes: int = 1 << 20, end: bool = False) -> None:
        self.head, self.tail, self.piece_bytes, self.end = head, tail, piece_bytes, end
        self.asked_over: list[int] = []

    def read(self, offset: int, max_bytes: int) -> Chunk | Gap | None:
        assert max_bytes >= 1
        if offset < self.tail:
            return Gap(self.tail)
        size = min(max_bytes, self.head - offset, self.piece_bytes)
        if size == 0:
            return Chunk(b"", end=True) if self.end else None
        return Chunk(pattern(offset, size))


class Pair:
    """A gateway and an agent after their handshake. `step` moves some bytes one way; `settle` moves all until nothing is left."""

    def __init__(self, *, cap_bytes: int = 512 * 1024, handshake: bool = True, seed: int = 0) -> None:
        self.now = 0.0
        self.random = random.Random(seed)
        self.ends = {side: LinkConnection(side, now=0.0, in_flight_cap_bytes=cap_bytes) for side in Side}
        self.pipes: dict[Side, bytearray] = {side: bytearray() for side in Side}  # on their way to that side
        self.events: dict[Side, list[LinkEvent]] = {side: [] for side in Side}
        if handshake:
            self.gateway.send(CHALLENGE)
            self.settle()
            self.agent.send(HELLO)
            self.settle()
            self.gateway.send(m.Welcome(1, "replica"))
            self.settle()
            self.take_events()

    @property
    def gateway(self) -> LinkConnection:
        return self.ends[Side.GATEWAY]

    @property
    def agent(self) -> LinkConnection:
        return self.ends[Side.AGENT]

    def pull(self, side: Side, max_bytes: int = 128 * 1024) -> int:
        """Let one side put bytes into the pipe to the other."""
        data = self.ends[side].data_to_send(max_bytes)
        self.pipes[Side.AGENT if side is Side.GATEWAY else Side.GATEWAY] += data
        return len(data)

    def push(self, side: Side, count: int | None = None) -> list[LinkEvent]:
        """Deliver bytes from the pipe to one side."""
        pipe = self.pipes[side]
        data = bytes(pipe[:count])
        del pipe[:count]
        events = self.ends[side].receive_data(data, now=self.now) if data else []
        self.events[side] += events
        return events

    def settle(self) -> None:
        while sum(self.pull(side) + len(self.pipes[side]) for side in Side):
            for side in Side:
                self.push(side)

    def take_events(self, side: Side | None = None) -> list[LinkEvent]:
        taken: list[LinkEvent] = []
        for each in [side] if side else list(Side):
            taken += self.events[each]
            self.events[each] = []
        return taken

    def attach(self, log: Log, *, window: int = 256 * 1024, start: int = 0, input_taken: int = 0, input_limit: int = 65_536) -> int:
        """Attach a consumer of `log`; returns its stream."""
        stream = self.request(window)
        self.settle()
        attached = m.Attached("s", "e", 1, "running", start, log.head, input_taken, input_limit)
        self.agent.accept_consumer(stream, attached, log, window_bytes=window)
        return stream

    def attach_all(self, logs: list[Log], *, window: int) -> list[int]:
        """Attach many at once: none has been served when this returns, and all answers have been sent."""
        streams = [self.request(window) for _ in logs]
        self.settle()
        for stream, log in zip(streams, logs, strict=True):
            self.agent.accept_consumer(stream, m.Attached("s", "e", 1, "running", 0, log.head, 0, 65_536), log, window_bytes=window)
        while self.agent.control_bytes_queued:
            self.pull(Side.AGENT, 1)
        return streams

    def request(self, window: int) -> int:
        return self.gateway.open_consumer(m.Attach(f"s{self.random.random()}", "viewer", b"grant", window=window))


def messages(events: list[LinkEvent]) -> list[object]:
    return [event.message for event in events if isinstance(event, MessageReceived)]
