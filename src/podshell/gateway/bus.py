"""The bus: facts between the parts of the gateway, and later between its replicas. Encoded bytes on named subjects.

What travels is a hint that something changed, never the change itself nor session bytes: a bus may drop, duplicate and reorder (NATS
does at most once), so whoever hears a hint reads the database. `HostileBus` does all three, and tests run on it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

SESSIONS = "sessions"
CLUSTERS = "clusters"
REVOCATIONS = "revocations"
BROWSERS = "browsers"


class SessionChanged(Struct, frozen=True):
    """Read this session again."""

    session: str
    user: str


class ClusterChanged(Struct, frozen=True):
    """Read this cluster again: an agent came, went or is draining."""

    cluster: str


class AuthorityChanged(Struct, frozen=True):
    """Decide anew: what this user may do, or whether this session may go on. Empty means all."""

    user: str = ""
    session: str = ""


class BrowserSignedOut(Struct, frozen=True):
    """End the sockets of this browser (the SHA-256 of its cookie)."""

    browser: str


Handler = Callable[[bytes], None]
T = TypeVar("T")


class Bus(Protocol):
    """What the in-process bus and NATS have in common. Publishing never blocks and never fails; handlers are called in the event loop."""

    def publish(self, subject: str, payload: bytes) -> None: ...

    def subscribe(self, subject: str, handler: Handler) -> Callable[[], None]:
        """Call `handler` for each payload; the returned function ends it."""
        ...


class LocalBus:
    """The bus within one process: handlers run at once, in the order of their subscription."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}

    def publish(self, subject: str, payload: bytes) -> None:
        for handler in tuple(self._handlers.get(subject, ())):
            handler(payload)

    def subscribe(self, subject: str, handler: Handler) -> Callable[[], None]:
        handlers = self._handlers.setdefault(subject, [])
        handlers.append(handler)

        def end() -> None:
            if handler in handlers:
                handlers.remove(handler)

        return end


class HostileBus:
    """A bus that drops, duplicates and reorders as a network may: for tests. A held payload is delivered after a later one.

    Args:
        chance: the probability of each of the three, for each payload.
    """

    def __init__(self, seed: int, chance: float = 0.2) -> None:
        self._inner = LocalBus()
        self._random = random.Random(seed)
        self._chance = chance
        self._held: list[tuple[str, bytes]] = []

    def publish(self, subject: str, payload: bytes) -> None:
        draw = self._random.random()
        if draw < self._chance:
            return
        if draw < 2 * self._chance:
            self._held.append((subject, payload))
            return
        self._inner.publish(subject, payload)
        if draw < 3 * self._chance:
            self._inner.publish(subject, payload)
        held, self._held = self._held, []
        for late_subject, late_payload in held:
            self._inner.publish(late_subject, late_payload)

    def subscribe(self, subject: str, handler: Handler) -> Callable[[], None]:
        return self._inner.subscribe(subject, handler)


def encode_hint(hint: SessionChanged | ClusterChanged | AuthorityChanged | BrowserSignedOut) -> bytes:
    """Build the payload of a hint."""
    return msgspec.json.encode(hint)


def decode_hint(payload: bytes, expected: type[T]) -> T:
    """Read the payload of a hint.

    Raises:
        msgspec.DecodeError: it is not one.
    """
    return msgspec.json.decode(payload, type=expected)
