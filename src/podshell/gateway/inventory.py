"""What clusters hold, as their agents tell it: one subscription for each cluster, kind and namespace, shared by all who look.

Nothing is kept when nobody looks: the agent has the cache (design.md 3). A feed lingers for half a minute, so that paging through the
console does not start it over and over. Rows are encoded as JSON once, for all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from podshell.aio.backoff import Backoff
from podshell.aio.tasks import TaskSet
from podshell.gateway.agent_link import LINK_LOST, AgentLink
from podshell.gateway.answers import Refused, refused
from podshell.gateway.audit import Details
from podshell.gateway.authority import QUERY_POD, WATCH, Authority, Permit
from podshell.gateway.clusters import Clusters
from podshell.gateway.links import LinkRegistry
from podshell.policy.rules import Subject, Target
from podshell.wire import messages as m
from podshell.wire.calls import InventoryBatch, PodQuery, PodRow, WatchInventory
from podshell.wire.details import ROW_TYPES, Row
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.link import Message

log = logging.getLogger(__name__)

LINGER_SECONDS = 30.0
# A closer look costs the agent a watch of its own; going back to the drawer that was just closed is still at once.
OBJECT_LINGER_SECONDS = 5.0
SNAPSHOT_SECONDS = 5.0
QUERY_SECONDS = 2.0
OFFLINE = Refusal(ErrorCode.AGENT_OFFLINE, RefusedBy.GATEWAY, "the cluster's agent is not connected", "this goes on when it is back")

_DECODERS: dict[str, msgspec.msgpack.Decoder[list[Row]]] = {
    kind: msgspec.msgpack.Decoder(list[row])  # type: ignore[valid-type]  # a runtime choice
    for kind, row in ROW_TYPES.items()
}


class View(NamedTuple):
    """What a feed shows: a list, or with `name` one object closely; `object_kind` says whose events."""

    cluster: str
    kind: str
    namespace: str = ""
    name: str = ""
    object_kind: str = ""

    @property
    def target(self) -> Target:
        pod = self.name if self.kind == "pod" or self.object_kind == "Pod" else ""
        return Target(self.cluster, self.namespace, pod)


class Looker(Protocol):
    """Who looks at a feed. Methods return at once."""

    def take_rows(self, rows: dict[str, msgspec.Raw], removed: list[str], *, complete: bool) -> None: ...
    def take_reset(self) -> None: ...
    def take_refusal(self, refusal: Refusal | None) -> None: ...


class Feed:
    """The rows of one cluster, kind and namespace, by uid, and who looks at them."""

    def __init__(self) -> None:
        self.rows: dict[str, msgspec.Raw] = {}
        self.complete = asyncio.Event()
        self.refusal: Refusal | None = None
        self.lookers: set[Looker] = set()
        self.task: asyncio.Task[None] | None = None
        self.linger: asyncio.TimerHandle | None = None

    def take(self, batch: InventoryBatch, kind: str) -> None:
        """Take a batch from the agent and pass it on."""
        if batch.reset:
            self.reset()
        if batch.refusal != self.refusal:
            self.refuse(batch.refusal)
        rows = {row.uid: msgspec.Raw(msgspec.json.encode(row)) for row in _DECODERS[kind].decode(batch.set)}
        self.rows.update(rows)
        for uid in batch.removed:
            self.rows.pop(uid, None)
        if batch.complete:
            self.complete.set()
        for looker in tuple(self.lookers):
            looker.take_rows(rows, batch.removed, complete=batch.complete)

    def reset(self) -> None:
        self.rows.clear()
        self.complete.clear()
        for looker in tuple(self.lookers):
            looker.take_reset()

    def refuse(self, refusal: Refusal | None) -> None:
        self.refusal = refusal
        for looker in tuple(self.lookers):
            looker.take_refusal(refusal)


class Inventory:
    """All feeds of this replica."""

    def __init__(self, links: LinkRegistry, clusters: Clusters, authority: Authority, tasks: TaskSet) -> None:
        self._links = links
        self._clusters = clusters
        self._authority = authority
        self._tasks = tasks
        self._feeds: dict[View, Feed] = {}

    async def look(self, subject: Subject, view: View, looker: Looker) -> Callable[[], None]:
        """Start to look: what is there comes at once, changes follow. The returned function ends it.

        Raises:
            Refused: forbidden_by_policy, cluster_unknown.
        """
        await self._authority.check(subject, WATCH, view.target)
        if not await self._clusters.exists(view.cluster):
            raise refused(ErrorCode.CLUSTER_UNKNOWN, f"there is no cluster {view.cluster}", "choose one of the list")
        feed = self._feed(subject, view)
        feed.lookers.add(looker)
        looker.take_reset()
        if feed.refusal is not None:
            looker.take_refusal(feed.refusal)
        if feed.rows or feed.complete.is_set():
            looker.take_rows(dict(feed.rows), [], complete=feed.complete.is_set())
        return lambda: self._leave(view, feed, looker)

    async def snapshot(self, subject: Subject, view: View) -> list[msgspec.Raw]:
        """Return all rows, JSON-encoded, as soon as they are complete.

        Raises:
            Refused: forbidden_by_policy, cluster_unknown, agent_offline, agent_busy, or the agent's refusal.
        """
        looker = _Once()
        leave = await self.look(subject, view, looker)
        try:
            self._links.pick(view.cluster)
            async with asyncio.timeout(SNAPSHOT_SECONDS):
                return await looker.rows
        except TimeoutError:
            raise refused(ErrorCode.AGENT_BUSY, "the agent has not listed this yet", "try again", retry_after_ms=1000) from None
        finally:
            leave()

    async def pod(self, subject: Subject, cluster: str, namespace: str, pod: str) -> PodRow:
        """Ask an agent for one pod.

        Raises:
            Refused: forbidden_by_policy, cluster_unknown, agent_offline, not_found.
        """
        target = Target(cluster, namespace, pod)
        await self._authority.check(subject, QUERY_POD, target)
        if not await self._clusters.exists(cluster):
            raise refused(ErrorCode.CLUSTER_UNKNOWN, f"there is no cluster {cluster}", "choose one of the list")
        link = self._links.pick(cluster)
        permit = await self._authority.permit(
            subject, QUERY_POD, target, link.place, params=msgspec.msgpack.encode(PodQuery(namespace, pod))
        )
        return await link.call(permit, PodRow, timeout_seconds=QUERY_SECONDS)

    def _feed(self, subject: Subject, key: View) -> Feed:
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed()
            # The first who looks is named in the audit and the grant; those who join were decided on their own.
            feed.task = self._tasks.start(f"feed {'/'.join(filter(None, key))}", self._follow(subject, key, feed))
        if feed.linger is not None:
            feed.linger.cancel()
            feed.linger = None
        return feed

    def _leave(self, key: View, feed: Feed, looker: Looker) -> None:
        feed.lookers.discard(looker)
        if not feed.lookers and feed.linger is None and self._feeds.get(key) is feed:
            seconds = OBJECT_LINGER_SECONDS if key.name else LINGER_SECONDS
            feed.linger = asyncio.get_running_loop().call_later(seconds, self._end, key, feed)

    def _end(self, key: View, feed: Feed) -> None:
        if not feed.lookers and self._feeds.get(key) is feed:
            del self._feeds[key]
            if feed.task is not None:
                feed.task.cancel()

    async def _follow(self, subject: Subject, key: View, feed: Feed) -> None:
        try:
            await self._follow_links(subject, key, feed)
        finally:
            if self._feeds.get(key) is feed:
                del self._feeds[key]

    async def _follow_links(self, subject: Subject, key: View, feed: Feed) -> None:
        cluster, kind = key.cluster, key.kind
        backoff, loop = Backoff(base_seconds=0.25, cap_seconds=10.0), asyncio.get_running_loop()
        params = msgspec.msgpack.encode(WatchInventory(kind, key.namespace, key.name, key.object_kind))
        details: Details = {
            "kind": kind,
            **({"name": key.name} if key.name else {}),
            **({"of": key.object_kind} if key.object_kind else {}),
        }
        while True:
            if not self._links.of_cluster(cluster):
                feed.refuse(OFFLINE)
            link = await self._links.wait_for(cluster)
            try:
                permit = await self._authority.permit(subject, WATCH, key.target, link.place, params=params, details=details)
                backoff.connected(loop.time())
                await self._watch(link, permit, feed, kind)
                refusal = OFFLINE
            except Refused as error:
                refusal = error.refusal
            if refusal.code is ErrorCode.LINK_LOST:
                refusal = OFFLINE
            feed.refuse(refusal)
            if refusal.code in (ErrorCode.FORBIDDEN_BY_POLICY, ErrorCode.BAD_REQUEST):
                return  # asking again would only fill the audit
            await asyncio.sleep(backoff.next_seconds(loop.time()))

    async def _watch(self, link: AgentLink, permit: Permit, feed: Feed, kind: str) -> None:
        watcher = _Watcher(feed, kind)
        feed.reset()
        stream = link.open_call(permit, watcher)
        try:
            await watcher.over
        finally:
            link.cancel_call(stream)


class _Watcher:
    """The handler of one inventory.watch call."""

    def __init__(self, feed: Feed, kind: str) -> None:
        self._feed = feed
        self._kind = kind
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive_message(self, message: Message) -> None:
        if self.over.done():
            return
        match message:
            case m.Event(body=body):
                try:
                    self._feed.take(msgspec.msgpack.decode(body, type=InventoryBatch), self._kind)
                except msgspec.DecodeError as error:
                    log.warning("an agent's batch does not parse: %s", error)
                    self._end(Refusal(ErrorCode.PROTOCOL_ERROR, RefusedBy.AGENT, "the agent's answer does not parse"))
            case m.Reply(refusal=refusal):
                self._end(refusal or LINK_LOST)
            case m.Reset(refusal=refusal):
                self._end(refusal)
            case _:
                pass

    def receive_data(self, offset: int, data: memoryview) -> None:
        pass

    def receive_gap(self, start: int, end: int) -> None:
        pass

    def receive_window(self, acked: int, limit: int) -> None:
        pass

    def lose(self, refusal: Refusal) -> None:
        self._end(refusal)

    def _end(self, refusal: Refusal) -> None:
        if not self.over.done():
            self.over.set_exception(Refused(refusal))


class _Once:
    """Looks until everything is there."""

    def __init__(self) -> None:
        self._rows: dict[str, msgspec.Raw] = {}
        self.rows: asyncio.Future[list[msgspec.Raw]] = asyncio.get_running_loop().create_future()

    def take_rows(self, rows: dict[str, msgspec.Raw], removed: list[str], *, complete: bool) -> None:
        self._rows.update(rows)
        for uid in removed:
            self._rows.pop(uid, None)
        if complete and not self.rows.done():
            self.rows.set_result(list(self._rows.values()))

    def take_reset(self) -> None:
        self._rows.clear()

    def take_refusal(self, refusal: Refusal | None) -> None:
        if refusal is not None and refusal.code is not ErrorCode.AGENT_OFFLINE and not self.rows.done():
            self.rows.set_exception(Refused(refusal))
