"""One link of one agent instance: drives the sans-IO link (wire/link.py) over its WebSocket and hands events to whoever has the stream.

Its reader never waits for anybody: handlers take what they get at once (credit bounds it). Its writer pulls from the link what there is
credit for. Owned by admission.py while the socket is open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from podshell.aio.tasks import TaskSet
from podshell.gateway.answers import Refused, refused
from podshell.gateway.authority import Permit, Place
from podshell.gateway.direct import direct_socket
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.frames import LinkFault, LocalLinkError
from podshell.wire.link import (
    ByteSource,
    CallCancelled,
    DataReceived,
    GapReceived,
    LinkConnection,
    LinkEvent,
    Message,
    MessageReceived,
    StreamLost,
    WindowReceived,
)

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
# A tick that comes so late means that our own event loop stood still; the peer may well have spoken.
LATE_SECONDS = 2.0
# What is written without a task in between: a few keystrokes or one frame of a paste.
DIRECT_BYTES = 64 * 1024
LINK_LOST = Refusal(ErrorCode.LINK_LOST, RefusedBy.GATEWAY, "the connection to the cluster's agent was lost")

T = TypeVar("T")


class StreamHandler(Protocol):
    """Who has a stream. All methods return at once. `lose` is called at most once, and then nothing more."""

    def receive_message(self, message: Message) -> None: ...
    def receive_data(self, offset: int, data: memoryview) -> None: ...
    def receive_gap(self, start: int, end: int) -> None: ...
    def receive_window(self, acked: int, limit: int) -> None: ...
    def lose(self, refusal: Refusal) -> None: ...


class AgentLink:
    """A link that has been welcomed.

    Args:
        on_message: gets the link's own messages: facts, syncs, draining. Must not block.
    """

    def __init__(
        self, connection: LinkConnection, socket: WebSocket, hello: m.Hello, on_message: Callable[[AgentLink, Message], None]
    ) -> None:
        self.place = Place(hello.cluster, hello.instance, hello.epoch)
        self.hello = hello
        self.draining = hello.draining
        self.connected_at = datetime.now(UTC)
        self._connection = connection
        self._socket = socket
        self._on_message = on_message
        self._handlers: dict[int, StreamHandler] = {}
        self._direct = direct_socket(socket.scope)
        self._wake = asyncio.Event()
        self._writing = False
        self._heard = asyncio.Event()
        self._flush_due = False
        self._after_batch: list[Callable[[], None]] = []
        self._faulted = False
        self._closed = False
        self._tasks = TaskSet(f"link {hello.cluster}/{hello.instance}")

    # What others do with a link.

    @property
    def leaving(self) -> bool:
        """The agent takes no new sessions: it is draining or said that it goes."""
        return self.draining or self._connection.peer_going_away

    async def call(self, permit: Permit, answer: type[T], *, timeout_seconds: float) -> T:
        """Ask the agent for something that has one answer. Cancelling is safe and tells the agent.

        Raises:
            Refused: the agent's refusal; agent_busy when it did not answer in time; link_lost; protocol_error when the answer is none.
        """
        waiter = _CallWaiter()
        stream = self.open_call(permit, waiter)
        try:
            async with asyncio.timeout(timeout_seconds):
                body = await waiter.reply
        except TimeoutError:
            text = f"the cluster's agent did not answer within {timeout_seconds:g} s"
            raise refused(ErrorCode.AGENT_BUSY, text, "try again", retry_after_ms=1000) from None
        finally:
            self.cancel_call(stream)
        try:
            return msgspec.msgpack.decode(body, type=answer)
        except msgspec.DecodeError as error:
            raise refused(ErrorCode.PROTOCOL_ERROR, "the agent's answer does not parse", by=RefusedBy.AGENT) from error

    def open_call(self, permit: Permit, handler: StreamHandler) -> int:
        """Start a call whose answers go to `handler`; returns its stream.

        Raises:
            Refused: link_lost.
        """
        self._check(permit)
        call = m.Call(permit.operation.name, msgspec.Raw(permit.params or b"\x80"), permit.grant)
        return self._open(lambda: self._connection.open_call(call), handler)

    def cancel_call(self, stream: int) -> None:
        """End a call. One that has ended is left alone."""
        self._handlers.pop(stream, None)
        with self._guarded():
            self._connection.cancel_call(stream)
        self.flush()

    def attach(self, permit: Permit, attach: m.Attach, handler: StreamHandler) -> int:
        """Start to consume a session; Attached or Reset go to `handler`. Returns the stream.

        Raises:
            Refused: link_lost.
        """
        self._check(permit)
        granted = msgspec.structs.replace(attach, grant=permit.grant)
        return self._open(lambda: self._connection.open_consumer(granted), handler)

    def send(self, stream: int, message: Message) -> None:
        """Send a message on a stream. One that is gone swallows it."""
        with self._guarded():
            self._connection.send(message, stream)
        self._drop_ended(stream)
        self.flush()

    def send_window(self, stream: int, acked: int, limit: int) -> None:
        self._connection.send_window(stream, acked, limit)
        self._flush_soon()

    def set_source(self, stream: int, source: ByteSource, *, offset: int, limit: int) -> None:
        self._connection.set_source(stream, source, offset=offset, limit=limit)
        self.flush()

    def wake(self, stream: int) -> None:
        self._connection.wake(stream)
        self.flush()

    def reset(self, stream: int, refusal: Refusal) -> None:
        """End a stream for a stated cause; its handler hears nothing more."""
        self._handlers.pop(stream, None)
        with self._guarded():
            self._connection.reset(stream, refusal)
        self.flush()

    def send_ack(self, fact: int) -> None:
        """Acknowledge a fact, and with it all before it."""
        with self._guarded():
            self._connection.send(m.FactAck(fact))
        self.flush()

    def flush(self) -> None:
        """Send what there is: at once when nothing is in the way, else the writer does."""
        direct = self._direct
        if direct is None or self._writing or self._closed or not direct.ready:
            self._wake.set()
            return
        data = self._connection.data_to_send(DIRECT_BYTES)
        if data:
            direct.send(data)
            if len(data) >= DIRECT_BYTES:
                self._wake.set()

    def _flush_soon(self) -> None:
        """Send what nobody waits for: once for everything of this turn of the loop."""
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flush_due = False
        self.flush()

    def after_batch(self, call: Callable[[], None]) -> None:
        """Have something done when all that the link brought at once is dispatched. For handlers, while they are called."""
        self._after_batch.append(call)

    def break_off(self, reason: str) -> None:
        """Close the link because it must not go on; the agent dials again."""
        log.warning("a link is broken off: %s", reason, extra={"cluster": self.place.cluster, "instance": self.place.instance})
        if not self._tasks.closed:
            self._tasks.start("goodbye", self.close(reason[:100], 1002))

    async def answers_within(self, seconds: float) -> bool:
        """Ask whether the agent is still there: anything that it sends counts."""
        self._heard.clear()
        with self._guarded():
            self._connection.send(m.Ping(0))
        self.flush()
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            return False
        return True

    # What its owner does.

    async def run(self) -> None:
        """Carry the link until its socket is closed; then every stream is lost. Cancelling is safe."""
        try:
            async with self._tasks as tasks:
                tasks.start("writer", self._write(), endless=True)
                tasks.start("clock", self._tick(), endless=True)
                await self._read()
        finally:
            self._lose_all()

    async def close(self, reason: str, code: int) -> None:
        """Say goodbye and close the socket. The agent dials again."""
        try:
            async with asyncio.timeout(0.5):
                self._connection.send(m.Goaway(reason))
                await self._socket.send_bytes(self._connection.data_to_send(4 * 1024 * 1024))
                await self._socket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError, LinkFault):
            log.debug("a link could not be closed in order", extra={"cluster": self.place.cluster})
            if self._direct is not None:
                self._direct.abort()

    async def _read(self) -> None:
        """Receive until the socket's end."""
        direct = self._direct
        if direct is not None:
            direct.receive_by(self._receive)
        try:
            while (message := await self._socket.receive())["type"] != "websocket.disconnect":
                self._receive(message.get("bytes") or b"")
        finally:
            if direct is not None:
                direct.receive_by(None)

    def _receive(self, data: bytes) -> None:
        if self._faulted:
            return
        try:
            events = self._connection.receive_data(data, now=asyncio.get_running_loop().time())
        except LinkFault as fault:
            self._faulted = True
            self.break_off(str(fault))  # the socket's end then ends us
            return
        self._heard.set()
        self._dispatch(events)
        self.flush()

    async def _write(self) -> None:
        connection, wake = self._connection, self._wake
        try:
            while True:
                await wake.wait()
                wake.clear()
                self._writing = True
                while data := connection.data_to_send():
                    await self._socket.send_bytes(data)
                self._writing = False
        except (WebSocketDisconnect, RuntimeError):
            # the socket is gone: the reader hears of it, and ends us
            await asyncio.get_running_loop().create_future()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            try:
                if loop.time() - due > LATE_SECONDS:
                    self._connection.forgive_silence(loop.time())
                self._connection.tick(loop.time())
            except LinkFault as fault:
                self.break_off(str(fault))
                await asyncio.get_running_loop().create_future()
            self.flush()

    # Private.

    def _open(self, opening: Callable[[], int], handler: StreamHandler) -> int:
        try:
            stream = opening()
        except LocalLinkError as error:  # too many streams
            raise refused(ErrorCode.LIMIT_REACHED, str(error), "close some sessions", retry_after_ms=1000) from error
        except LinkFault as fault:
            self.break_off(str(fault))
            raise Refused(LINK_LOST, 1000) from fault
        self._handlers[stream] = handler
        self.flush()
        return stream

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """A link whose agent does not read (LinkFault when too much waits) is broken off; whoever sends need not care."""
        try:
            yield
        except LinkFault as fault:
            self.break_off(str(fault))

    def _check(self, permit: Permit) -> None:
        if self._closed:
            raise Refused(LINK_LOST, 0)
        if permit.place != self.place:
            raise RuntimeError("a permit was used at another place than it is for")

    def _dispatch(self, events: list[LinkEvent]) -> None:
        handlers = self._handlers
        for event in events:
            stream = event.stream
            if stream == 0:
                if isinstance(event, MessageReceived):
                    self._receive_link_message(event.message)
                continue
            handler = handlers.get(stream)
            if handler is None:
                continue
            try:
                self._tell(handler, event)
            except Exception:  # noqa: BLE001  # supervisor: a fault of one stream's handler ends that stream, never the link (spec/link.md 10)
                self._fail_stream(stream, handler)
        if self._after_batch:
            calls, self._after_batch = self._after_batch, []
            for call in calls:
                call()

    def _tell(self, handler: StreamHandler, event: LinkEvent) -> None:
        match event:
            case DataReceived(offset=offset, data=data):
                handler.receive_data(offset, data)
            case WindowReceived(acked=acked, limit=limit):
                handler.receive_window(acked, limit)
            case MessageReceived(stream=stream, message=message):
                self._drop_ended(stream)
                handler.receive_message(message)
            case GapReceived(start=start, end=end):
                handler.receive_gap(start, end)
            case StreamLost(stream=stream) | CallCancelled(stream=stream):
                del self._handlers[stream]
                handler.lose(LINK_LOST)

    def _fail_stream(self, stream: int, handler: StreamHandler) -> None:
        log.exception("the handler of a stream failed", extra={"cluster": self.place.cluster, "stream": stream})
        refusal = Refusal(ErrorCode.INTERNAL, RefusedBy.GATEWAY, "the gateway failed; its log says why", "try again")
        self._connection.reset(stream, refusal)
        if self._handlers.pop(stream, None) is not None:
            with suppress(Exception):  # it has failed already; what it could not be told is in the log
                handler.lose(refusal)

    def _receive_link_message(self, message: Message) -> None:
        if isinstance(message, m.Draining):
            self.draining = message.draining
        self._on_message(self, message)

    def _drop_ended(self, stream: int) -> None:
        if not self._connection.has_stream(stream):
            self._handlers.pop(stream, None)

    def _lose_all(self) -> None:
        self._closed = True
        handlers, self._handlers = self._handlers, {}
        for handler in handlers.values():
            handler.lose(LINK_LOST)


class _CallWaiter:
    """The handler of a call with one answer."""

    def __init__(self) -> None:
        self.reply: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()

    def receive_message(self, message: Message) -> None:
        if self.reply.done():
            return
        match message:
            case m.Reply(body=body, refusal=None):
                self.reply.set_result(body)
            case m.Reply(refusal=Refusal() as refusal) | m.Reset(refusal=refusal):
                retryable = refusal.meaning.retryable
                self.reply.set_exception(Refused(refusal, 1000 if retryable else None))
            case _:
                pass

    def receive_data(self, offset: int, data: memoryview) -> None:
        pass

    def receive_gap(self, start: int, end: int) -> None:
        pass

    def receive_window(self, acked: int, limit: int) -> None:
        pass

    def lose(self, refusal: Refusal) -> None:
        if not self.reply.done():
            self.reply.set_exception(Refused(refusal, 1000))
