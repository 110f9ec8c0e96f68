"""What a gateway asks of this agent over one link, and what it is answered: calls and consumers.

Takes the events of the sans-IO link and acts on them; whoever drives the link (links.py) owns the socket and sends after `flush`. Every
call and every consumer passes authority.py first. Lives as long as the link; sessions and inventory live on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from podshell.agent.authority import Authority
from podshell.agent.consumers import Consumer
from podshell.agent.deletions import Deletions
from podshell.agent.facts import FactLedger
from podshell.agent.inventory import Inventory
from podshell.agent.logs import LogReader, Logs
from podshell.agent.session_table import Sessions
from podshell.agent.sessions import Session
from podshell.agent.subscriptions import Subscription
from podshell.agent.tools import Tools
from podshell.aio.tasks import TaskSet
from podshell.policy.grants import Grant
from podshell.wire import calls
from podshell.wire import messages as m
from podshell.wire.calls import CloseSession, DeletePod, InventoryBatch, OpenSession, PlanDebug, PodQuery, WatchInventory
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.link import (
    ByteSource,
    CallCancelled,
    DataReceived,
    GapReceived,
    LinkConnection,
    LinkEvent,
    MessageReceived,
    StreamLost,
    WindowReceived,
)

log = logging.getLogger(__name__)

# Opening, planning and deleting are the only calls that wait, for the API server and at most 2 s, 5 s and 10 s.
_LIMIT_WAITING_CALLS = 256

P = TypeVar("P", OpenSession, CloseSession, WatchInventory, PodQuery, DeletePod, PlanDebug)


@dataclass(frozen=True, slots=True)
class Services:
    """What all links of an agent share."""

    authority: Authority
    sessions: Sessions
    inventory: Inventory
    facts: FactLedger
    logs: Logs
    deletions: Deletions
    tools: Tools
    tasks: TaskSet


class LinkPeer:
    """The agent's side of one welcomed link.

    Args:
        flush: asks the driver to send what is due.
        clock_offset_ms: the gateway's clock minus ours, measured at HELLO.
    """

    def __init__(self, connection: LinkConnection, services: Services, flush: Callable[[], None], clock_offset_ms: int) -> None:
        self.connection = connection
        self.flush = flush
        self._services = services
        self._clock_offset_ms = clock_offset_ms
        self._consumers: dict[int, tuple[Session, Consumer]] = {}
        self._subscriptions: dict[int, Subscription] = {}
        self._logs: dict[int, LogReader] = {}
        self._waiting = 0
        self._lost = False
        connection.set_live_sessions(services.sessions.live)
        connection.send_sync()
        services.facts.add_channel(self)

    def receive(self, events: Iterable[LinkEvent]) -> None:
        """Act on what came; returns at once."""
        for event in events:
            match event:
                case DataReceived(stream=stream, offset=offset, data=data, auto=auto, end=end):
                    if (found := self._consumers.get(stream)) is not None:
                        found[0].receive_input(found[1], offset, data, auto=auto, end=end)
                case WindowReceived(stream=stream, acked=acked):
                    if (found := self._consumers.get(stream)) is not None:
                        found[0].consumers.acknowledge(found[1], acked)
                case MessageReceived(stream=stream, message=message):
                    self._receive_message(stream, message)
                case StreamLost(stream=stream) | CallCancelled(stream=stream):
                    self._drop(stream)
                case GapReceived():
                    pass  # a gateway's input has no gaps
        self.flush()

    def lose(self) -> None:
        """The link is gone: sessions go on."""
        self._lost = True
        self._services.facts.remove_channel(self)
        for stream in [*self._consumers, *self._subscriptions, *self._logs]:
            self._drop(stream)

    def send_fact(self, fact: m.Fact) -> None:
        self.connection.send(fact)
        self.flush()

    # -- messages ---------------------------------------------------------------------------------------------------

    def _receive_message(self, stream: int, message: object) -> None:
        match message:
            case m.Call():
                self._receive_call(stream, message)
            case m.Attach():
                self._receive_attach(stream, message)
            case m.FactAck(seq=seq):
                self._services.facts.take_ack(seq)
            case m.Resize(cols=cols, rows=rows):
                if (found := self._consumers.get(stream)) is not None and found[1].owner:
                    found[0].resize(cols, rows)
            case m.Visibility(visible=visible):
                if (found := self._consumers.get(stream)) is not None:
                    found[0].consumers.set_visible(found[1], visible)
            case m.Stay():
                if (found := self._consumers.get(stream)) is not None and found[1].owner:
                    found[0].note_activity()
            case m.Detach():
                if (found := self._consumers.pop(stream, None)) is not None:
                    found[0].consumers.forget(found[1])
                    found[0].tell_viewers()
                else:
                    self._drop(stream)
            case m.Reset():
                self._drop(stream)
            case _:
                log.debug("a message that asks for nothing", extra={"message": type(message).__name__})

    def _receive_attach(self, stream: int, attach: m.Attach) -> None:
        if attach.role == "logs":
            self._read_logs(stream, attach)
            return
        found = self._services.sessions.find(attach.session)
        kind, user = (found.opening.kind, found.opening.user) if isinstance(found, Session) else ("exec", "")
        checked = self._services.authority.check_attach(
            attach.role, attach.session, kind, attach.grant, clock_offset_ms=self._clock_offset_ms, user=user
        )
        refusal = checked if isinstance(checked, Refusal) else found if isinstance(found, Refusal) else None
        if refusal is not None or isinstance(found, Refusal):
            assert refusal is not None
            log.info("a consumer was refused", extra={"session": attach.session, "code": refusal.code.value})
            self.connection.reset(stream, refusal)
            return
        consumer = found.attach(attach, ConsumerStream(self, stream))
        if consumer.channel is not None:
            self._consumers[stream] = (found, consumer)

    def _read_logs(self, stream: int, attach: m.Attach) -> None:
        services = self._services
        checked = services.authority.check_logs(attach.params, attach.grant, clock_offset_ms=self._clock_offset_ms)
        reader = checked if isinstance(checked, Refusal) else services.logs.open(attach.params, LogChannel(self, stream))
        if isinstance(reader, Refusal):
            log.info("a reader of a log was refused", extra={"code": reader.code.value})
            self.connection.reset(stream, reader)
            return
        self._logs[stream] = reader
        attached = m.Attached(attach.session, attach.session, 0, "running", start=0, head=0, input_taken=0, input_limit=0)
        self.connection.accept_consumer(stream, attached, reader, window_bytes=attach.window)

    def forget_log(self, stream: int) -> None:
        self._logs.pop(stream, None)

    def forget_consumer(self, stream: int) -> None:
        self._consumers.pop(stream, None)

    def _drop(self, stream: int) -> None:
        if (found := self._consumers.pop(stream, None)) is not None:
            found[0].consumers.lose(found[1])
            if found[0].ended_with is None:
                found[0].tell_viewers()
        if (subscription := self._subscriptions.pop(stream, None)) is not None:
            subscription.close()
        if (reader := self._logs.pop(stream, None)) is not None:
            reader.close()

    # -- calls ------------------------------------------------------------------------------------------------------

    def _receive_call(self, stream: int, call: m.Call) -> None:
        authority = self._services.authority
        checked = authority.check_call(call.method, bytes(call.params), call.grant, clock_offset_ms=self._clock_offset_ms)
        if isinstance(checked, Refusal):
            log.info("a call was refused", extra={"method": call.method, "code": checked.code.value})
            self._reply(stream, checked)
            return
        match call.method:
            case calls.SESSION_OPEN:
                self._open_session(stream, call, checked)
            case calls.SESSION_CLOSE:
                self._close_session(stream, call, checked)
            case calls.INVENTORY_WATCH:
                self._watch(stream, call)
            case calls.POD_DELETE:
                self._delete_pod(stream, call)
            case calls.DEBUG_PLAN:
                self._plan(stream, call, checked)
            case calls.INVENTORY_POD:
                query = _decode(call, PodQuery)
                self._reply(stream, query if isinstance(query, Refusal) else self._services.inventory.pod(query.namespace, query.pod))

    def _plan(self, stream: int, call: m.Call, grant: Grant) -> None:
        wanted = _decode(call, PlanDebug)
        if isinstance(wanted, Refusal):
            self._reply(stream, wanted)
        elif (refusal := self._services.authority.check_plan(wanted, grant)) is not None:
            self._reply(stream, refusal)
        elif self._waiting >= _LIMIT_WAITING_CALLS:
            self._reply(stream, Refusal(ErrorCode.AGENT_BUSY, RefusedBy.AGENT, "too many calls wait", "try again in a moment"))
        else:
            self._waiting += 1
            self._services.tasks.start(f"plan for {wanted.user}", self._answer_plan(stream, wanted))

    async def _answer_plan(self, stream: int, wanted: PlanDebug) -> None:
        try:
            self._reply(stream, await self._services.tools.plan(wanted))
        finally:
            self._waiting -= 1

    def _open_session(self, stream: int, call: m.Call, grant: Grant) -> None:
        opening = _decode(call, OpenSession)
        if isinstance(opening, Refusal):
            self._reply(stream, opening)
        elif (refusal := self._services.authority.check_opening(opening, grant)) is not None:
            self._reply(stream, refusal)
        elif self._waiting >= _LIMIT_WAITING_CALLS:
            self._reply(
                stream, Refusal(ErrorCode.AGENT_BUSY, RefusedBy.AGENT, "too many sessions are being opened", "try again in a moment")
            )
        else:
            self._waiting += 1
            self._services.tasks.start(f"open {opening.session}", self._answer_opening(stream, opening))

    async def _answer_opening(self, stream: int, opening: OpenSession) -> None:
        try:
            self._reply(stream, await self._services.sessions.open(opening))
        finally:
            self._waiting -= 1

    def _delete_pod(self, stream: int, call: m.Call) -> None:
        wanted = _decode(call, DeletePod)
        if isinstance(wanted, Refusal):
            self._reply(stream, wanted)
        elif self._waiting >= _LIMIT_WAITING_CALLS:
            self._reply(stream, Refusal(ErrorCode.AGENT_BUSY, RefusedBy.AGENT, "too many calls wait", "try again in a moment"))
        else:
            self._waiting += 1
            self._services.tasks.start(f"delete {wanted.namespace}/{wanted.pod}", self._answer_deletion(stream, wanted))

    async def _answer_deletion(self, stream: int, wanted: DeletePod) -> None:
        try:
            self._reply(stream, await self._services.deletions.delete(wanted))
        finally:
            self._waiting -= 1

    def _close_session(self, stream: int, call: m.Call, grant: Grant) -> None:
        closing = _decode(call, CloseSession)
        if isinstance(closing, Refusal):
            self._reply(stream, closing)
        elif grant.session != closing.session:
            self._reply(stream, Refusal(ErrorCode.GRANT_REFUSED, RefusedBy.AGENT, "the grant is for another session"))
        else:
            self._reply(stream, self._services.sessions.close(closing.session, closing.reason, closing.message))

    def _watch(self, stream: int, call: m.Call) -> None:
        wanted = _decode(call, WatchInventory)
        if isinstance(wanted, Refusal):
            self._reply(stream, wanted)
            return
        subscription = self._services.inventory.subscribe(wanted, SubscriptionStream(self, stream))
        if isinstance(subscription, Refusal):
            self._reply(stream, subscription)
        else:
            self._subscriptions[stream] = subscription

    def _reply(self, stream: int, answer: object) -> None:
        if self._lost:
            return
        if isinstance(answer, Refusal):
            self.connection.send(m.Reply(refusal=answer), stream)
        else:
            self.connection.send(m.Reply(msgspec.Raw(msgspec.msgpack.encode(answer))), stream)
        self.flush()


class ConsumerStream:
    """A consumer's channel on one link."""

    def __init__(self, peer: LinkPeer, stream: int) -> None:
        self._peer = peer
        self._stream = stream

    def accept(self, attached: m.Attached, source: ByteSource, window_bytes: int) -> None:
        self._peer.connection.accept_consumer(self._stream, attached, source, window_bytes=window_bytes)
        self._peer.flush()

    def send(self, message: m.Notice | m.End) -> None:
        self._peer.connection.send(message, self._stream)
        if isinstance(message, m.End):
            self._peer.forget_consumer(self._stream)
        self._peer.flush()

    def send_input_window(self, taken: int, limit: int) -> None:
        self._peer.connection.send_window(self._stream, taken, limit)
        self._peer.flush()

    def wake(self) -> None:
        self._peer.connection.wake(self._stream)
        self._peer.flush()

    def refuse(self, refusal: Refusal) -> None:
        self._peer.forget_consumer(self._stream)
        self._peer.connection.reset(self._stream, refusal)
        self._peer.flush()


class LogChannel:
    """The stream on one link that a log goes to."""

    def __init__(self, peer: LinkPeer, stream: int) -> None:
        self._peer = peer
        self._stream = stream

    def wake(self) -> None:
        self._peer.connection.wake(self._stream)
        self._peer.flush()

    def finish(self, end: m.End) -> None:
        self._peer.forget_log(self._stream)
        self._peer.connection.finish(self._stream, end)
        self._peer.flush()


class SubscriptionStream:
    """An inventory subscription's sink on one link."""

    def __init__(self, peer: LinkPeer, stream: int) -> None:
        self._peer = peer
        self._stream = stream

    def unsent_bytes(self) -> int:
        return self._peer.connection.control_bytes_queued

    def send_batch(self, batch: InventoryBatch) -> None:
        self._peer.connection.send(m.Event(msgspec.Raw(msgspec.msgpack.encode(batch))), self._stream)
        self._peer.flush()


def _decode(call: m.Call, kind: type[P]) -> P | Refusal:
    try:
        return msgspec.msgpack.decode(call.params, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, f"the parameters of {call.method} do not parse: {error}"[:500])
