"""A gateway's side of a link for the agent's tests: challenges, welcomes, signs grants, opens sessions, attaches viewers.

`GatewayEnd` speaks the real protocol by `LinkConnection(Side.GATEWAY)`; what carries its bytes is given (memory, or the WebSocket of
`GatewayServer`). Nothing here waits by sleeping: viewers have `until`.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from podshell.policy.grants import LIFETIME_MS, Grant, sign_grant
from podshell.wire import calls
from podshell.wire import messages as m
from podshell.wire.calls import CloseSession, InventoryBatch, OpenedSession, OpenSession
from podshell.wire.details import ROW_TYPES
from podshell.wire.errors import Refusal
from podshell.wire.link import (
    Chunk,
    DataReceived,
    GapReceived,
    LinkConnection,
    MessageReceived,
    Side,
    StreamLost,
    WindowReceived,
)

PATIENCE_SECONDS = 30.0
T = TypeVar("T")


def raw_public_key(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Watched:
    """Something whose changes can be waited for."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {PATIENCE_SECONDS:g} s: {what}; state: {self!r}") from None


class TypedInput:
    """The bytes a viewer sends; a `ByteSource`."""

    def __init__(self) -> None:
        self.start = 0
        self.data = bytearray()
        self.auto: list[tuple[int, int]] = []

    def read(self, offset: int, max_bytes: int) -> Chunk | None:
        index = offset - self.start
        piece = bytes(self.data[index : index + max_bytes])
        for start, end in self.auto:
            if start <= offset < end:
                return Chunk(piece[: end - offset], auto=True)
            if offset < start:
                piece = piece[: start - offset]
        return Chunk(piece) if piece else None


class Viewer(Watched):
    """An attached terminal. Acknowledges everything at once unless `acknowledges` is False."""

    def __init__(self, gateway: GatewayEnd, attach: m.Attach, *, acknowledges: bool = True) -> None:
        super().__init__()
        self.gateway = gateway
        self.viewer = attach.viewer
        self.window = attach.window
        self.acknowledges = acknowledges
        self.attached: m.Attached | None = None
        self.output = bytearray()
        self.received = 0
        self.notices: list[m.Notice] = []
        self.gaps: list[tuple[int, int]] = []
        self.end: m.End | None = None
        self.refusal: Refusal | None = None
        self.input = TypedInput()
        self.input_taken = 0
        self.stream = gateway.connection.open_consumer(attach)

    def __repr__(self) -> str:
        return f"Viewer(output={bytes(self.output[-300:])!r}, notices={self.notices}, end={self.end}, refusal={self.refusal})"

    def type(self, text: str | bytes, *, auto: bool = False) -> None:
        data = text.encode() if isinstance(text, str) else text
        begin = self.input.start + len(self.input.data)
        self.input.data += data
        if auto:
            self.input.auto.append((begin, begin + len(data)))
        self.gateway.connection.wake(self.stream)
        self.gateway.flush()

    def send(self, message: m.Resize | m.Visibility | m.Stay | m.Detach) -> None:
        self.gateway.connection.send(message, self.stream)
        self.gateway.flush()

    def acknowledge(self) -> None:
        self.gateway.connection.send_window(self.stream, self.received, self.received + self.window)
        self.gateway.flush()

    async def until_output(self, text: bytes) -> bytes:
        await self.until(lambda: text in self.output, repr(text))
        return bytes(self.output)

    async def until_attached(self) -> m.Attached:
        await self.until(lambda: self.attached or self.refusal, "attached")
        assert self.attached is not None, self.refusal
        return self.attached

    async def until_end(self) -> m.End:
        await self.until(lambda: self.end, "the end")
        assert self.end is not None
        return self.end

    async def until_notice(self, kind: str) -> m.Notice:
        await self.until(lambda: any(n.kind == kind for n in self.notices), f"the notice {kind}")
        return next(n for n in self.notices if n.kind == kind)

    def receive(self, event: object) -> None:
        match event:
            case DataReceived(offset=offset, data=data):
                assert offset == self.received
                self.output += data
                self.received += len(data)
                if self.acknowledges:
                    self.acknowledge()
            case GapReceived(start=start, end=end):
                self.gaps.append((start, end))
                self.received = end
            case WindowReceived(acked=acked):
                self.input_taken = acked
            case MessageReceived(message=m.Attached() as attached):
                self.attached = attached
                self.received = attached.start
                self.input.start = attached.input_taken
                self.gateway.connection.set_source(self.stream, self.input, offset=attached.input_taken, limit=attached.input_limit)
            case MessageReceived(message=m.Notice() as notice):
                self.notices.append(notice)
            case MessageReceived(message=m.End() as end):
                self.end = end
            case MessageReceived(message=m.Reset(refusal=refusal)):
                self.refusal = refusal
            case _:
                pass
        self.changed()


class InventoryView(Watched):
    """What a subscription told."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.rows: dict[str, Any] = {}
        self.complete = False
        self.refusal: Refusal | None = None
        self.batches: list[InventoryBatch] = []
        self._rows = msgspec.msgpack.Decoder(list[ROW_TYPES[kind]])  # type: ignore[misc]  # a runtime choice

    def receive(self, batch: InventoryBatch) -> None:
        self.batches.append(batch)
        for row in self._rows.decode(batch.set):
            self.rows[row.uid] = row
        for uid in batch.removed:
            self.rows.pop(uid, None)
        self.complete = self.complete or batch.complete
        self.refusal = batch.refusal or self.refusal
        self.changed()


@dataclass
class _Waiting:
    reply: asyncio.Future[m.Reply]
    view: InventoryView | None = None


class GatewayEnd(Watched):
    """One link, seen from the gateway.

    Args:
        key: signs grants.
        send: carries bytes to the agent.
    """

    def __init__(self, key: Ed25519PrivateKey, send: Callable[[bytes], None], *, ack_facts: bool = True, greet: bool = True) -> None:
        super().__init__()
        self.key = key
        self.connection = LinkConnection(Side.GATEWAY, now=time.monotonic())
        self.hello: m.Hello | None = None
        self.facts: list[m.Fact] = []
        self.syncs: list[m.Sync] = []
        self.ack_facts = ack_facts
        self.reject: m.Reject | None = None
        self.viewers: dict[int, Viewer] = {}
        self._send = send
        self._calls: dict[int, _Waiting] = {}
        self._challenge = m.Challenge(secrets.token_bytes(32), "replica-1", int(time.time() * 1000))
        if greet:
            self.connection.send(self._challenge)
            self.flush()

    def flush(self) -> None:
        while data := self.connection.data_to_send():
            self._send(data)

    def receive(self, data: bytes) -> None:
        for event in self.connection.receive_data(data, now=time.monotonic()):
            if event.stream == 0:
                if isinstance(event, MessageReceived):
                    self._receive_own(event.message)
            elif event.stream in self.viewers:
                self.viewers[event.stream].receive(event)
            elif event.stream in self._calls:
                self._receive_answer(event)
        self.flush()

    def _receive_own(self, message: object) -> None:
        match message:
            case m.Hello():
                proof = m.hello_proof(self._challenge, message.cluster, message.instance, message.epoch, message.public_key)
                Ed25519PublicKey.from_public_bytes(message.public_key).verify(message.signature, proof)
                self.hello = message
                self.connection.send(self.reject or m.Welcome(1, "replica-1", 1, 2.0, [raw_public_key(self.key)]))
            case m.Fact():
                self.facts.append(message)
                if self.ack_facts:
                    self.connection.send(m.FactAck(message.seq))
            case m.Sync():
                self.syncs.append(message)
            case _:
                pass
        self.changed()

    def _receive_answer(self, event: object) -> None:
        match event:
            case MessageReceived(stream=stream, message=m.Reply() as reply):
                self._calls[stream].reply.set_result(reply)
            case MessageReceived(stream=stream, message=m.Event(body=body)):
                view = self._calls[stream].view
                assert view is not None
                view.receive(msgspec.msgpack.decode(body, type=InventoryBatch))
            case StreamLost(stream=stream):
                self._calls[stream].reply.set_exception(ConnectionError("the stream is lost"))
            case _:
                pass

    def lost(self) -> None:
        for waiting in self._calls.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(ConnectionError("the link is lost"))
                waiting.reply.exception()
        self.changed()

    # -- grants and calls -------------------------------------------------------------------------------------------

    def grant(self, operation: str, *, params: bytes = b"", key: Ed25519PrivateKey | None = None, **fields: Any) -> bytes:
        """Sign a grant for this agent; `fields` change any of it."""
        assert self.hello is not None
        now = int(time.time() * 1000)
        values: dict[str, Any] = {
            "id": secrets.token_hex(16),
            "operation": operation,
            "user": "ada",
            "cluster": self.hello.cluster,
            "instance": self.hello.instance,
            "epoch": self.hello.epoch,
            "issued_ms": now,
            "expires_ms": now + LIFETIME_MS,
            "options_sha256": calls.options_digest(params) if params else b"",
        }
        return sign_grant(Grant(**{**values, **fields}), key or self.key)

    async def call(self, method: str, params: msgspec.Struct, grant: bytes) -> m.Reply:
        raw = msgspec.msgpack.encode(params)
        stream = self.connection.open_call(m.Call(method, msgspec.Raw(raw), grant))
        waiting = self._calls[stream] = _Waiting(asyncio.get_running_loop().create_future())
        self.flush()
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await waiting.reply

    def opening_grant(self, opening: OpenSession, **fields: Any) -> bytes:
        target = {
            "session": opening.session,
            "kind": opening.kind,
            "namespace": opening.namespace,
            "pod": opening.pod,
            "user": opening.user,
            "node": opening.node,
        }
        return self.grant("open", params=msgspec.msgpack.encode(opening), **{**target, **fields})

    async def open(self, opening: OpenSession) -> OpenedSession | Refusal:
        reply = await self.call(calls.SESSION_OPEN, opening, self.opening_grant(opening))
        return reply.refusal or msgspec.msgpack.decode(reply.body, type=OpenedSession)

    async def close_session(self, session: str, reason: str = "closed") -> Refusal | None:
        closing = CloseSession(session, reason)
        grant = self.grant("close", params=msgspec.msgpack.encode(closing), session=session)
        return (await self.call(calls.SESSION_CLOSE, closing, grant)).refusal

    def watch(self, kind: str, namespace: str = "", name: str = "", object_kind: str = "") -> InventoryView:
        params = msgspec.msgpack.encode(calls.WatchInventory(kind, namespace, name, object_kind))
        stream = self.connection.open_call(m.Call(calls.INVENTORY_WATCH, msgspec.Raw(params), self.grant("view", params=params)))
        view = InventoryView(kind)
        self._calls[stream] = _Waiting(asyncio.get_running_loop().create_future(), view)
        self.flush()
        return view

    def attach(self, session: str, *, acknowledges: bool = True, grant: bytes | None = None, **fields: Any) -> Viewer:
        role = fields.get("role", "owner")
        operation = {"owner": "attach", "observer": "observe", "recorder": "record"}[role]
        values = {"viewer": secrets.token_hex(8), **fields}
        attach = m.Attach(session=session, grant=grant if grant is not None else self.grant(operation, session=session), **values)
        viewer = Viewer(self, attach, acknowledges=acknowledges)
        self.viewers[viewer.stream] = viewer
        self.flush()
        return viewer

    async def until_fact(self, kind: str, session: str = "") -> m.Fact:
        def found() -> list[m.Fact]:
            return [f for f in self.facts if f.kind == kind and (not session or f.session == session)]

        await self.until(found, f"the fact {kind}")
        return found()[-1]


@dataclass
class GatewayServer:
    """A WebSocket server that agents dial; each connection becomes a `GatewayEnd`."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    links: list[GatewayEnd] = field(default_factory=list)
    ack_facts: bool = True
    reject: m.Reject | None = None
    port: int = 0
    _sockets: dict[int, ServerConnection] = field(default_factory=dict)
    _arrivals: Watched | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[GatewayServer]:
        self._arrivals = Watched()
        async with serve(
            self._serve, "127.0.0.1", self.port, subprotocols=["podshell.link.v1"], compression=None, ping_interval=None
        ) as server:  # type: ignore[list-item]  # a NewType of str
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield self
            finally:
                server.close()

    async def next_link(self, after: int = 0) -> GatewayEnd:
        """Wait until more than `after` links have come, and return the newest once it is welcomed."""
        assert self._arrivals is not None
        await self._arrivals.until(lambda: len(self.links) > after, "an agent's link")
        link = self.links[-1]
        await link.until(lambda: link.hello, "HELLO")
        return link

    async def cut(self, link: GatewayEnd) -> None:
        """Lose a link's connection without a word."""
        socket = self._sockets[id(link)]
        socket.transport.abort()
        await socket.wait_closed()

    async def _serve(self, socket: ServerConnection) -> None:
        outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        link = GatewayEnd(self.key, outgoing.put_nowait, ack_facts=self.ack_facts, greet=False)
        link.reject = self.reject
        link.connection.send(link._challenge)
        link.flush()
        self.links.append(link)
        self._sockets[id(link)] = socket
        assert self._arrivals is not None
        self._arrivals.changed()
        writer = asyncio.create_task(self._write(socket, outgoing))
        try:
            async for message in socket:
                assert isinstance(message, bytes)
                link.receive(message)
        except ConnectionClosed:
            pass
        finally:
            writer.cancel()
            link.lost()

    async def _write(self, socket: ServerConnection, outgoing: asyncio.Queue[bytes]) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.send(await outgoing.get())
