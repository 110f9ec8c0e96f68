"""The cache against a server that forgets, fails and refuses; in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from recordings import load

from podshell.kube.errors import Forbidden, Gone, KubeError, TooManyRequests, Unreachable
from podshell.kube.objects import Pod
from podshell.kube.reflector import (
    BACKOFF_CAP_SECONDS,
    Health,
    Reflector,
    ReflectorState,
    WatchSilent,
    read_lines,
)
from podshell.kube.rest import Client, Page
from podshell.kube.store import Change, ChangeKind, Store
from podshell.kube.workloads import PODS


def pod(name: str, version: int, uid: str = "", phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "lab", "uid": uid or f"uid-{name}", "resourceVersion": str(version)},
        "status": {"phase": phase},
    }


def event(kind: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    return event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


class Body:
    """The bytes of one watch; an exception in the list is raised when its turn comes."""

    def __init__(self, pieces: list[bytes | Exception]) -> None:
        self._pieces = list(pieces)

    async def readany(self) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece


class ScriptedClient(Client):
    """Answers lists and watches from a script; when it is over, the reflector is left waiting and `done` is set."""

    def __init__(self, *script: tuple[str, object]) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.done = asyncio.Event()

    async def _next(self, kind: str, params: Any) -> Any:
        if not self.script:
            self.done.set()
            await asyncio.Event().wait()
        wanted, answer = self.script.pop(0)
        assert wanted == kind
        self.asked.append((kind, dict(params or {})))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def list_pages(self, path: str, item: Any, *, limit: int = 500, params: Any = None) -> AsyncIterator[Page[Any]]:
        pages, version = await self._next("list", params)
        for page in pages:
            yield Page([msgspec.convert(one, item) for one in page], str(version), False)

    @asynccontextmanager
    async def open_stream(self, path: str, params: Any = None) -> AsyncIterator[Any]:
        yield Body(await self._next("watch", params))


class World:
    """A reflector, its virtual clock and everything it told."""

    def __init__(self, *script: tuple[str, object]) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.changes: list[tuple[str, str]] = []
        self.healths: list[Health] = []
        self.store: Store[Pod] = Store({"phase": lambda one: [one.status.phase]})
        self.store.listen(self._note)
        self.client = ScriptedClient(*script)
        self.reflector = Reflector(
            self.client,
            PODS,
            self.store,
            on_health=self.healths.append,
            clock=lambda: self.now,
            sleep=self._sleep,
            uniform=lambda low, high: high,
        )

    def _note(self, change: Change[Pod]) -> None:
        self.changes.append((change.kind.value, change.new.metadata.name))

    async def _sleep(self, delay: float) -> None:
        self.slept.append(delay)
        self.now += delay

    @property
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        return self.client.asked

    @property
    def names(self) -> list[str]:
        return sorted(one.metadata.name for one in self.store)

    async def run(self) -> None:
        """Run until the script is over."""
        task = asyncio.create_task(self.reflector.run())
        waiter = asyncio.create_task(self.client.done.wait())
        await asyncio.wait([task, waiter], return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), task
        task.cancel()
        await asyncio.wait([task])


async def test_lists_in_pages_and_watches_from_there() -> None:
    world = World(("list", ([[pod("a", 1)], [pod("b", 2)]], 9)), ("watch", [event("ADDED", pod("c", 10))]))
    await world.run()
    assert world.names == ["a", "b", "c"]
    assert world.reflector.synced.is_set()
    watch = world.asked[1][1]
    assert watch["resourceVersion"] == "9"
    assert watch["allowWatchBookmarks"] == "true"
    assert 300 <= int(watch["timeoutSeconds"]) <= 600


async def test_resumes_from_the_last_version_without_listing_again() -> None:
    world = World(
        ("list", ([[pod("a", 1)]], 9)),
        ("watch", [event("MODIFIED", pod("a", 12)) + bookmark(20)]),
        ("watch", []),
    )
    await world.run()
    assert [kind for kind, _ in world.asked] == ["list", "watch", "watch"]
    assert world.asked[2][1]["resourceVersion"] == "20"


async def test_a_lost_connection_resumes_where_it_was() -> None:
    world = World(
        ("list", ([[]], 9)),
        ("watch", [event("ADDED", pod("a", 11)), Unreachable("s", "reset")]),
        ("watch", []),
    )
    await world.run()
    assert world.asked[2][1]["resourceVersion"] == "11"
    assert ReflectorState.UNREACHABLE in [health.state for health in world.healths]
    assert world.reflector.health.state is ReflectorState.SYNCED


async def test_410_in_an_event_lists_again_and_tells_only_what_differs() -> None:
    gone = load("watch/gone-410-event").tree["lines"][0]["event"]
    world = World(
        ("list", ([[pod("same", 1), pod("changed", 2), pod("gone", 3)]], 9)),
        ("watch", [json.dumps(gone).encode() + b"\n"]),
        ("list", ([[pod("same", 1), pod("changed", 20), pod("new", 21)]], 30)),
        ("watch", []),
    )
    await world.run()
    assert [kind for kind, _ in world.asked] == ["list", "watch", "list", "watch"]
    assert world.changes[3:] == [("modified", "changed"), ("added", "new"), ("deleted", "gone")]
    assert world.asked[3][1]["resourceVersion"] == "30"


async def test_410_as_an_http_status_lists_again() -> None:
    world = World(("list", ([[]], 1)), ("watch", Gone("too old", status_code=410)), ("list", ([[]], 2)), ("watch", []))
    await world.run()
    assert not world.client.script


async def test_an_object_made_again_under_its_name_is_two_changes() -> None:
    world = World(
        ("list", ([[pod("a", 1, uid="old")]], 9)),
        ("watch", Gone("too old", status_code=410)),
        ("list", ([[pod("a", 20, uid="new")]], 30)),
        ("watch", []),
    )
    await world.run()
    assert world.changes == [("added", "a"), ("deleted", "a"), ("added", "a")]


async def test_missing_rights_are_a_state_and_asked_for_slowly() -> None:
    refused = Forbidden("no", verb="list", resource="pods")
    world = World(*[("list", refused)] * 5, ("list", ([[pod("a", 1)]], 9)), ("watch", []))
    await world.run()
    assert world.healths[0] == Health(ReflectorState.REFUSED, refused)
    assert min(world.slept[:5]) >= BACKOFF_CAP_SECONDS  # with the jitter at its upper end
    assert max(world.slept) <= 120
    assert world.names == ["a"]
    assert world.reflector.health.state is ReflectorState.SYNCED


async def test_failures_back_off_exponentially_up_to_the_cap() -> None:
    world = World(*[("list", Unreachable("s", "down"))] * 8, ("list", ([[]], 9)), ("watch", []))
    await world.run()
    assert world.slept[:8] == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]


async def test_a_busy_server_is_given_the_time_it_asks_for() -> None:
    busy = TooManyRequests("slow down", retry_after_seconds=17)
    world = World(("list", busy), ("list", ([[]], 9)), ("watch", []))
    await world.run()
    assert world.slept[0] >= 17


async def test_a_server_that_ends_each_watch_at_once_is_not_hammered() -> None:
    world = World(("list", ([[]], 9)), *[("watch", [])] * 6)
    await world.run()
    assert world.slept[-1] > world.slept[0]


async def test_nonsense_from_a_watch_lists_again() -> None:
    world = World(("list", ([[]], 1)), ("watch", [b"<html>\n"]), ("list", ([[]], 2)), ("watch", []))
    await world.run()
    assert not world.client.script


async def test_events_cut_anywhere_are_the_same_events() -> None:
    data = event("ADDED", pod("a", 10)) + event("ADDED", pod("ü", 11)) + event("DELETED", pod("a", 12))
    for size in (1, 7, 100):
        pieces: list[bytes | Exception] = [data[at : at + size] for at in range(0, len(data), size)]
        world = World(("list", ([[]], 9)), ("watch", pieces))
        await world.run()
        assert world.changes == [("added", "a"), ("added", "ü"), ("deleted", "a")]


async def test_a_silent_watch_is_given_up() -> None:
    class Silent:
        async def readany(self) -> bytes:
            await asyncio.Event().wait()
            return b""

    with pytest.raises(WatchSilent):
        async for _ in read_lines(Silent(), 0.01):
            pass


async def test_a_stream_without_line_ends_is_given_up() -> None:
    with pytest.raises(KubeError, match="too long"):
        async for _ in read_lines(Body([bytes(4 * 1024 * 1024)] * 3), 10):
            pass


async def test_indexes_follow_changes() -> None:
    world = World(
        ("list", ([[pod("a", 1, phase="Pending"), pod("b", 2)]], 9)),
        ("watch", [event("MODIFIED", pod("a", 10)), event("DELETED", pod("b", 11))]),
    )
    await world.run()
    assert [one.metadata.name for one in world.store.by_index("phase", "Running")] == ["a"]
    assert world.store.by_index("phase", "Pending") == []


def test_a_listener_can_be_taken_off() -> None:
    store: Store[Pod] = Store()
    seen: list[ChangeKind] = []

    def note(change: Change[Pod]) -> None:
        seen.append(change.kind)

    stop: Callable[[], None] = store.listen(note)
    store.upsert(msgspec.convert(pod("a", 1), Pod))
    stop()
    stop()
    store.remove(msgspec.convert(pod("a", 1), Pod))
    assert seen == [ChangeKind.ADDED]
