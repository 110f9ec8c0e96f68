"""Keeps a `Store` equal to the server: list in pages, watch from there, resume, list again when the server forgot.

One task runs `run()` for the life of the cache. What it is doing is `health`; access that is refused is a state that people can
read, tried again at the slow end of the backoff, and not a crash. Time, chance and sleep are given, so tests need none.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import msgspec

from podshell.aio.backoff import Backoff
from podshell.kube.errors import ApiError, BadAnswer, Forbidden, Gone, KubeError, NotFound, Unauthorized
from podshell.kube.objects import Metadata
from podshell.kube.rest import Client, decode_answer
from podshell.kube.status import error_from_response
from podshell.kube.store import HasMetadata, Key, Store
from podshell.kube.workloads import Resource, WatchEvent

T = TypeVar("T", bound=HasMetadata)

# 5 to 10 min, as client-go: the watches of many caches must not all end in the same moment.
WATCH_SECONDS = (300.0, 600.0)
# The server sends a bookmark about once a minute and one before the end (transcripts/watch/bookmarks); a watch that stays silent
# for two minutes longer than that is half-open.
INACTIVITY_SECONDS = 180.0
BACKOFF_BASE_SECONDS, BACKOFF_CAP_SECONDS = 0.8, 30.0
# Missing rights come back when someone grants them: look about once a minute.
REFUSED_CAP_SECONDS = 120.0
# One object is at most about 1.5 MiB (etcd's limit); a longer line is not a watch.
LINE_LIMIT_BYTES = 8 * 1024 * 1024


class ReflectorState(StrEnum):
    """What a reflector is doing."""

    STARTING = "starting"
    SYNCED = "synced"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Health:
    """The state, and the error behind REFUSED and UNREACHABLE."""

    state: ReflectorState
    error: KubeError | None = None


class WatchSilent(KubeError):
    """A watch brought nothing for too long."""


class Sleep(Protocol):
    """`asyncio.sleep`, or a test's."""

    def __call__(self, delay: float, /) -> Awaitable[None]: ...


class Reader(Protocol):
    """What `Client.open_stream` gives: the next bytes, b"" at the end."""

    async def readany(self) -> bytes: ...


class Reflector(Generic[T]):
    """One resource, in one namespace or all, with `selectors` such as {"labelSelector": "app=x"}.

    `synced` is set once the first list is in the store. `on_health` is called when `health` changes and must not block.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource[T],
        store: Store[T],
        *,
        namespace: str = "",
        selectors: Mapping[str, str] | None = None,
        on_health: Callable[[Health], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.store = store
        self.synced = asyncio.Event()
        self.health = Health(ReflectorState.STARTING)
        self._client = client
        self._kind = resource.kind
        self._path = resource.path(namespace)
        self._selectors = dict(selectors or {})
        self._on_health = on_health
        self._clock, self._sleep, self._uniform = clock, sleep, uniform
        self._version = ""
        self._decoder = msgspec.json.Decoder(resource.kind)
        self._backoff = Backoff(base_seconds=BACKOFF_BASE_SECONDS, cap_seconds=BACKOFF_CAP_SECONDS, uniform=uniform)
        self._refusals = Backoff(base_seconds=BACKOFF_CAP_SECONDS, cap_seconds=REFUSED_CAP_SECONDS, uniform=uniform)

    async def run(self) -> None:
        """List and watch until cancelled. Never returns and never raises a `KubeError`."""
        while True:
            try:
                if not self._version:
                    await self._relist()
                await self._watch()
            except Gone:
                self._version = ""  # too old: list again, and tell only what differs
            except (Forbidden, Unauthorized, NotFound) as error:
                self._version = ""
                self._set_health(Health(ReflectorState.REFUSED, error))
                await self._sleep(self._refusals.next_seconds(self._clock()))
                continue
            except KubeError as error:
                if not _may_resume(error):
                    self._version = ""
                self._set_health(Health(ReflectorState.UNREACHABLE, error))
                at_least = getattr(error, "retry_after_seconds", None) or 0.0
                await self._sleep(self._backoff.next_seconds(self._clock(), at_least_seconds=at_least))
                continue
            # A watch that ended as it should, or a 410. A server that ends each one at once must not be hammered.
            await self._sleep(self._backoff.next_seconds(self._clock()))

    async def _relist(self) -> None:
        seen: set[Key] = set()
        version = ""
        # No resourceVersion: the list is at least as new as anything seen before.
        async for page in self._client.list_pages(self._path, self._kind, params=self._selectors):
            version = page.resource_version
            for item in page.items:
                seen.add((item.metadata.namespace, item.metadata.name))
                self.store.upsert(item)
        self.store.remove_all_but(seen)
        self._version = version
        self._set_health(Health(ReflectorState.SYNCED))
        self.synced.set()

    async def _watch(self) -> None:
        params = {
            **self._selectors,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(int(self._uniform(*WATCH_SECONDS))),
        }
        async with self._client.open_stream(self._path, params) as content:
            self._backoff.connected(self._clock())
            self._set_health(Health(ReflectorState.SYNCED))
            async for line in read_lines(content, INACTIVITY_SECONDS):
                self._apply(line)

    def _apply(self, line: bytes) -> None:
        event = decode_answer(line, _watch_event)
        match event.type:
            case "ADDED" | "MODIFIED" | "DELETED":
                item = decode_answer(event.object, self._decoder)
                if event.type == "DELETED":
                    self.store.remove(item)
                else:
                    self.store.upsert(item)
                self._version = item.metadata.resource_version
            case "BOOKMARK":
                self._version = decode_answer(event.object, _bookmark).metadata.resource_version
            case "ERROR":
                # HTTP 200 and then one event with a 410 Status (transcripts/watch/gone-410-event).
                raise error_from_response(0, bytes(event.object))

    def _set_health(self, health: Health) -> None:
        changed = health != self.health
        self.health = health
        if changed and self._on_health is not None:
            self._on_health(health)


async def read_lines(content: Reader, inactivity_seconds: float) -> AsyncIterator[bytes]:
    """Yield the lines of a watch; a last one that was cut is dropped.

    Raises:
        WatchSilent: nothing for `inactivity_seconds`.
        BadAnswer: a line over 8 MiB.
    """
    rest = b""
    while True:
        try:
            async with asyncio.timeout(inactivity_seconds):
                piece = await content.readany()
        except TimeoutError as error:
            raise WatchSilent(f"the watch was silent for {inactivity_seconds:.0f} s") from error
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LINE_LIMIT_BYTES:
            raise BadAnswer("the watch sent a line that is too long for an event")
        for line in lines:
            if line:
                yield line


_watch_event = msgspec.json.Decoder(WatchEvent)
_bookmark = msgspec.json.Decoder(Metadata)


def _may_resume(error: KubeError) -> bool:
    # A 4xx, a 500 or nonsense for this very watch would come again; after a lost connection it would not.
    if isinstance(error, ApiError):
        return error.status_code in (429, 502, 503, 504)
    return not isinstance(error, BadAnswer)
