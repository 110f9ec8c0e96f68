"""WS /ws/live: many subscriptions on one socket (spec/api.md). Inventory comes from the agents, sessions and clusters from the database.

A page that does not keep up gets fewer and larger batches: what waits is kept by uid, so it is never more than there is to show.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import TypeAlias, TypeVar

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from podshell.aio.tasks import TaskSet
from podshell.gateway.answers import Refused, refused
from podshell.gateway.browsers import SIGNED_OUT, Browsers, Visit
from podshell.gateway.bus import CLUSTERS, SESSIONS, Bus, SessionChanged, decode_hint
from podshell.gateway.callers import Caller
from podshell.gateway.clusters import Clusters
from podshell.gateway.doors import Doorman
from podshell.gateway.inventory import Inventory, View
from podshell.gateway.live_logs import PageLogs, check_room
from podshell.gateway.logs import Logs
from podshell.gateway.models import (
    LiveAck,
    LiveBatch,
    LiveError,
    LiveHello,
    LiveLogs,
    LivePing,
    LiveReady,
    LiveSubscribe,
    LiveUnsubscribe,
    error_body,
)
from podshell.gateway.origins import refuse_socket
from podshell.gateway.sessions import Sessions
from podshell.gateway.tickets import TicketBox
from podshell.wire.errors import MEANINGS, ErrorCode, Refusal

log = logging.getLogger(__name__)

SUBPROTOCOL = "podshell.live.v1"
HELLO_SECONDS = 5.0
PING_SECONDS = 20.0
GOODBYE_SECONDS = 2.0
# A bus may drop a hint; so often everything is read again.
RESYNC_SECONDS = 15.0
# A pod row is about 1 KiB: batches of half a MiB keep the page responsive.
BATCH_ROWS = 500

T = TypeVar("T")
Command: TypeAlias = dict[str, str | int | bool | None]
_COMMANDS = msgspec.json.Decoder(Command)


class LiveSockets:
    """All live sockets of this replica."""

    def __init__(
        self,
        doorman: Doorman,
        browsers: Browsers,
        tickets: TicketBox,
        inventory: Inventory,
        sessions: Sessions,
        clusters: Clusters,
        logs: Logs,
        bus: Bus,
        *,
        pending_limit: int,
        subscription_limit: int,
    ) -> None:
        self._doorman = doorman
        self._browsers = browsers
        self._tickets = tickets
        self._inventory = inventory
        self._sessions = sessions
        self._clusters = clusters
        self._logs = logs
        self._bus = bus
        self._pending_limit = pending_limit
        self._subscription_limit = subscription_limit
        self._pending = 0

    async def serve(self, socket: WebSocket) -> None:
        """Serve one live socket until it is closed."""
        try:
            caller = await self._doorman.identify_socket(socket)
            if self._pending >= self._pending_limit:
                raise refused(ErrorCode.LIMIT_REACHED, "too many sockets have not said who they are", "try again", retry_after_ms=1000)
        except Refused as error:
            await refuse_socket(error.refusal, socket.scope, socket.receive, socket.send)
            return
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", ()) else None)
        with self._browsers.visit(caller) as visit:
            await self._serve(socket, caller, visit)

    async def _serve(self, socket: WebSocket, caller: Caller, visit: Visit) -> None:
        try:
            await self._let_in(socket, caller)
            page = _Page(socket, caller, self._inventory, self._sessions, self._clusters, self._logs, self._bus, self._subscription_limit)
            visit.on_end(page.sign_out)
            await page.run()
        except WebSocketDisconnect:
            return
        except TimeoutError:  # not as signed out: a machine that was asleep comes again with a new ticket
            await _close(socket, MEANINGS[ErrorCode.TICKET_REFUSED].close_code)
        except Refused as error:
            await _close(socket, error.refusal.meaning.close_code, LiveError(error_body(error.refusal, error.retry_after_ms).error))

    async def _let_in(self, socket: WebSocket, caller: Caller) -> None:
        self._pending += 1
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                text = await socket.receive_text()
        except KeyError:
            raise refused(ErrorCode.PROTOCOL_ERROR, "the live socket speaks text") from None
        finally:
            self._pending -= 1
        try:
            hello = msgspec.json.decode(text, type=LiveHello)
        except msgspec.DecodeError as error:
            raise refused(ErrorCode.PROTOCOL_ERROR, f"the first message is not valid: {error}"[:300]) from error
        self._tickets.redeem(hello.ticket, user=caller.name, purpose="live", session="")
        await socket.send_text(msgspec.json.encode(LiveReady()).decode())


class _Subscription:
    """One subscription: what waits to be sent, by uid. A looker of inventory.py, and its twin for sessions and clusters."""

    def __init__(self, id: str, wake: Callable[[], None]) -> None:
        self.id = id
        self._wake = wake
        self._waiting: dict[str, msgspec.Raw | None] = {}
        self._reset = True
        self._complete = False
        self._refusal: Refusal | None = None
        self._something = True
        self.leave: Callable[[], None] = lambda: None

    def take_rows(self, rows: dict[str, msgspec.Raw], removed: list[str], *, complete: bool) -> None:
        self._waiting.update(rows)
        self._waiting.update(dict.fromkeys(removed))
        self._complete = self._complete or complete
        self._note()

    def take_reset(self) -> None:
        self._waiting.clear()
        self._reset, self._complete = True, False
        self._note()

    def take_refusal(self, refusal: Refusal | None) -> None:
        self._refusal = refusal
        self._note()

    def _note(self) -> None:
        self._something = True
        self._wake()

    def next_batch(self) -> LiveBatch | None:
        """Take the next batch off what waits."""
        if not self._something:
            return None
        uids = list(self._waiting)[:BATCH_ROWS]
        rows = {uid: self._waiting.pop(uid) for uid in uids}
        last = not self._waiting
        batch = LiveBatch(
            self.id,
            [row for row in rows.values() if row is not None],
            [uid for uid, row in rows.items() if row is None],
            self._complete and last,
            self._reset,
            self._refusal,
        )
        self._reset = False
        if last:
            self._complete = self._something = False
        return batch


class _Page:
    """One live socket that was let in."""

    def __init__(
        self,
        socket: WebSocket,
        caller: Caller,
        inventory: Inventory,
        sessions: Sessions,
        clusters: Clusters,
        logs: Logs,
        bus: Bus,
        limit: int,
    ) -> None:
        self._socket = socket
        self._caller = caller
        self._inventory = inventory
        self._sessions = sessions
        self._clusters = clusters
        self._bus = bus
        self._limit = limit
        self._subscriptions: dict[str, _Subscription] = {}
        self._wake = asyncio.Event()
        self._logs = PageLogs(logs, caller.subject, self._wake.set)
        # for each of the gateway's own topics, what wakes those who follow it
        self._stale: dict[str, set[asyncio.Event]] = {"sessions": set(), "clusters": set()}
        self._signed_out = False
        self._reading: asyncio.Timeout | None = None

    def sign_out(self) -> None:
        """End the page: nobody is signed in there any more."""
        self._signed_out = True
        if self._reading is not None:
            self._reading.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        ends = [self._bus.subscribe(SESSIONS, self._note_session), self._bus.subscribe(CLUSTERS, self._note_cluster)]
        try:
            async with TaskSet(f"live page of {self._caller.name}") as tasks:
                tasks.start("writer", self._write())
                tasks.start("pinger", self._ping())
                async with asyncio.timeout(None) as self._reading:
                    if self._signed_out:
                        raise Refused(SIGNED_OUT)
                    await self._read(tasks)
        except TimeoutError:
            raise Refused(SIGNED_OUT) from None
        finally:
            for end in ends:
                end()
            for subscription in self._subscriptions.values():
                subscription.leave()
            self._logs.close_all()

    async def _read(self, tasks: TaskSet) -> None:
        while True:
            try:
                command = _COMMANDS.decode(await self._socket.receive_text())
            except (msgspec.DecodeError, KeyError) as error:
                raise refused(ErrorCode.PROTOCOL_ERROR, "a message is not valid") from error
            if "unsubscribe" in command:
                self._unsubscribe(_convert(command, LiveUnsubscribe).unsubscribe)
            elif "ack" in command:
                self._logs.acknowledge(_convert(command, LiveAck))
            elif "logs" in command:
                wanted = _convert(command, LiveLogs)
                self._make_room(wanted.logs)
                await self._logs.open(wanted, tasks)
            else:
                await self._subscribe(_convert(command, LiveSubscribe), tasks)

    async def _subscribe(self, wanted: LiveSubscribe, tasks: TaskSet) -> None:
        self._make_room(wanted.subscribe)
        subscription = _Subscription(wanted.subscribe, self._wake.set)
        self._subscriptions[wanted.subscribe] = subscription
        self._wake.set()
        if wanted.topic in self._stale:
            task = tasks.start(f"{wanted.topic} {wanted.subscribe}", self._follow_own(wanted.topic, subscription))
            subscription.leave = partial(_cancel, task)
            return
        try:
            view = View(wanted.cluster, wanted.topic, wanted.namespace, wanted.name, wanted.kind)
            subscription.leave = await self._inventory.look(self._caller.subject, view, subscription)
        except Refused as error:
            subscription.take_refusal(error.refusal)

    def _make_room(self, id: str) -> None:
        """End what has this id, and check that one more fits."""
        self._unsubscribe(id)
        check_room(len(self._subscriptions) + len(self._logs), self._limit)

    def _unsubscribe(self, id: str) -> None:
        self._logs.close(id)
        subscription = self._subscriptions.pop(id, None)
        if subscription is not None:
            subscription.leave()

    # The gateway's own topics: read again when a hint comes, and now and then without one.

    def _note_session(self, payload: bytes) -> None:
        if decode_hint(payload, SessionChanged).user == self._caller.name:
            self._wake_topic("sessions")

    def _note_cluster(self, payload: bytes) -> None:
        self._wake_topic("clusters")

    def _wake_topic(self, topic: str) -> None:
        for stale in self._stale[topic]:
            stale.set()

    async def _follow_own(self, topic: str, subscription: _Subscription) -> None:
        stale = asyncio.Event()
        self._stale[topic].add(stale)
        known: dict[str, bytes] = {}
        first = True
        try:
            while True:
                stale.clear()
                rows = await self._read_own(topic, known.keys())
                changed = {uid: msgspec.Raw(row) for uid, row in rows.items() if known.get(uid) != row}
                removed = [uid for uid in known if uid not in rows]
                if changed or removed or first:
                    subscription.take_rows(changed, removed, complete=first)
                known, first = rows, False
                await _wait_at_most(stale, RESYNC_SECONDS)
        finally:
            self._stale[topic].discard(stale)

    async def _read_own(self, topic: str, known: Collection[str]) -> dict[str, bytes]:
        subject = self._caller.subject
        if topic == "clusters":
            return {cluster.name: msgspec.json.encode(cluster) for cluster in await self._clusters.list_for(subject)}
        live = await self._sessions.list_for(subject, live_only=True)
        # those that the page has seen alive are shown as ended, not taken away at once
        newest = await self._sessions.list_for(subject, live_only=False)
        shown = [*live, *(record for record in newest if not record.live and record.id in known)]
        return {record.id: msgspec.json.encode(record.shown()) for record in shown}

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                for subscription in list(self._subscriptions.values()):
                    while (batch := subscription.next_batch()) is not None:
                        await self._socket.send_text(msgspec.json.encode(batch).decode())
                for message in self._logs.next_messages():
                    await self._socket.send_text(msgspec.json.encode(message).decode())
        except (WebSocketDisconnect, RuntimeError):
            return  # the reader hears of it

    async def _ping(self) -> None:
        try:
            while True:
                await asyncio.sleep(PING_SECONDS)
                await self._socket.send_text(msgspec.json.encode(LivePing()).decode())
        except (WebSocketDisconnect, RuntimeError):
            return


def _convert(command: Command, expected: type[T]) -> T:
    try:
        return msgspec.convert(command, expected)
    except msgspec.ValidationError as error:
        raise refused(ErrorCode.PROTOCOL_ERROR, f"a message is not valid: {error}"[:300]) from error


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


async def _wait_at_most(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


async def _close(socket: WebSocket, code: int, last: LiveError | None = None) -> None:
    try:
        async with asyncio.timeout(GOODBYE_SECONDS):  # a page that does not read is cut off when this returns
            if last is not None:
                await socket.send_text(msgspec.json.encode(last).decode())
            await socket.close(code)
    except (WebSocketDisconnect, RuntimeError, TimeoutError):
        log.debug("the page was gone already")
