"""An agent for tests of the gateway: speaks the real link over a real socket, with shells that are buffers.

It verifies grants as an agent must, and can be told to refuse, to be silent, to be cut off, and to come back in a new life.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable

import msgspec
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from podshell.policy.grants import Grant, GrantRefused, verify_grant
from podshell.wire import calls
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.link import Chunk, DataReceived, LinkConnection, LinkEvent, MessageReceived, Side, StreamLost, WindowReceived

INPUT_WINDOW_BYTES = 64 * 1024


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class FakeShell:
    """One session: its whole output, and what each viewer typed."""

    def __init__(self, opening: calls.OpenSession) -> None:
        self.opening = opening
        self.log = bytearray()
        self.typed: dict[str, bytearray] = {}
        self.sizes: list[tuple[int, int]] = []
        self.consumers: dict[int, Consumer] = {}
        self.resets: list[Refusal] = []
        self.detached = 0
        self.stays = 0
        self.end: m.End | None = None
        self.echo = False
        self.changed = asyncio.Condition()

    def all_typed(self) -> bytes:
        return b"".join(bytes(typed) for typed in self.typed.values())


class Consumer:
    """A ByteSource over a shell's log."""

    def __init__(self, shell: FakeShell, attach: m.Attach) -> None:
        self.shell = shell
        self.attach = attach
        self.acked = 0
        self.end_sent = False
        self.visible = attach.visible

    def read(self, offset: int, max_bytes: int) -> Chunk | None:
        data = bytes(memoryview(self.shell.log)[offset : offset + max_bytes])
        return Chunk(data) if data else None


class FakeAgent:
    """One instance of an agent. Use `async with`; `linked` is set while it has a welcome."""

    def __init__(self, url: str, cluster: str, *, token: str = "", instance: str = "agent-1", key: Ed25519PrivateKey | None = None) -> None:
        self.url = url
        self.cluster = cluster
        self.token = token
        self.instance = instance
        self.key = key or Ed25519PrivateKey.generate()
        self.epoch = secrets.token_hex(8)
        self.shells: dict[str, FakeShell] = {}
        self.calls: list[tuple[str, Grant]] = []
        self.openings: list[calls.OpenSession] = []
        self.closings: list[calls.CloseSession] = []
        self.attaches: list[tuple[m.Attach, Grant]] = []
        self.rejected: m.Reject | None = None
        self.welcomes = 0
        self.linked = asyncio.Event()
        self.unlinked = asyncio.Event()
        self.happened = asyncio.Condition()
        self.pods: list[calls.PodRow] = []
        self.refuse_open: Refusal | None = None
        self.silent = False
        self.tells_opened = True
        self.lies: dict[str, object] = {}
        self.unacked: dict[int, m.Fact] = {}
        self.goaway: m.Goaway | None = None
        self._seq = 0
        self._grant_keys: list[bytes] = []
        self._connection: LinkConnection | None = None
        self._socket: websockets.ClientConnection | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._watches: dict[int, calls.WatchInventory] = {}

    async def __aenter__(self) -> FakeAgent:
        self._task = asyncio.create_task(self._run(), name=f"fake agent {self.instance}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Go as kill -9 does."""
        if self._task is not None:
            self.cut()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def restart(self) -> None:
        """Come back in a new life, without any shell."""
        await self.stop()
        self.epoch = secrets.token_hex(8)
        self.shells.clear()
        self.unacked.clear()
        await self.__aenter__()

    def cut(self) -> None:
        """Drop the link as a lost network does."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something that changes with received frames holds."""
        async with asyncio.timeout(seconds), self.happened:
            await self.happened.wait_for(condition)

    # Shells.

    def write(self, session: str, data: bytes) -> None:
        """Let a shell print."""
        shell = self.shells[session]
        shell.log += data
        for stream in shell.consumers:
            self._wake_stream(stream)

    def tell(self, session: str, kind: str, **data: m.Scalar) -> int:
        """Tell a fact; returns its number."""
        self._seq += 1
        fact = m.Fact(self._seq, session, kind, now_ms(), data)
        self.unacked[fact.seq] = fact
        self.send(fact)
        return self._seq

    def finish(self, session: str, end: m.End) -> None:
        """Let a shell end."""
        shell = self.shells[session]
        shell.end = end
        self.tell(session, "ended", reason=end.reason, exit_code=end.exit_code, message=end.message, left=end.left, unkilled=end.unkilled)
        for stream in list(shell.consumers):
            self._send_end_when_read(stream)

    def send(self, message: m.Fact | m.Sync | m.Notice | m.Draining | m.Goaway, stream: int = 0) -> None:
        if self._connection is not None and self.linked.is_set():
            self._connection.send(message, stream)
            self._wake.set()

    @property
    def data_bytes_sent(self) -> int:
        """Bytes of output sent on the present link."""
        return 0 if self._connection is None else self._connection.counters.data_bytes_sent

    def notify(self, session: str, notice: m.Notice) -> None:
        for stream in self.shells[session].consumers:
            self.send(notice, stream)

    def send_batch(self, batch: calls.InventoryBatch) -> None:
        """Send a batch to everybody who watches."""
        assert self._connection is not None
        for stream in self._watches:
            self._connection.send(m.Event(msgspec.Raw(msgspec.msgpack.encode(batch))), stream)
        self._wake.set()

    # The link.

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException):
                await self._connect()
            if self.rejected is not None and self.rejected.final:
                return
            await asyncio.sleep(0.05)

    async def _connect(self) -> None:
        url = self.url.replace("http", "ws", 1) + "/link"
        subprotocols = [websockets.Subprotocol("podshell.link.v1")]
        async with websockets.connect(url, subprotocols=subprotocols, compression=None, max_size=None) as socket:
            self._socket = socket
            connection = self._connection = LinkConnection(Side.AGENT, now=time.monotonic())
            connection.set_live_sessions(lambda: [name for name, shell in self.shells.items() if shell.end is None])
            self._watches.clear()
            for shell in self.shells.values():
                shell.consumers.clear()
            writer = asyncio.create_task(self._write(socket, connection), name="fake agent's writer")
            try:
                async for data in socket:
                    assert isinstance(data, bytes)
                    for event in connection.receive_data(data, now=time.monotonic()):
                        self._receive(event, connection)
                    self._wake.set()
                    async with self.happened:
                        self.happened.notify_all()
            finally:
                writer.cancel()
                self.linked.clear()
                self.unlinked.set()

    async def _write(self, socket: websockets.ClientConnection, connection: LinkConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while data := connection.data_to_send():
                await socket.send(data)

    def _receive(self, event: LinkEvent, connection: LinkConnection) -> None:
        match event:
            case MessageReceived(stream=0, message=message):
                self._receive_link_message(message, connection)
            case MessageReceived(stream=stream, message=m.Call() as call):
                self._receive_call(stream, call, connection)
            case MessageReceived(stream=stream, message=m.Attach() as attach):
                self._receive_attach(stream, attach, connection)
            case MessageReceived(stream=stream, message=message):
                self._receive_for_consumer(stream, message)
            case DataReceived(stream=stream, offset=offset, data=data):
                self._receive_typed(stream, offset, bytes(data), connection)
            case WindowReceived(stream=stream, acked=acked):
                if (consumer := self._consumer(stream)) is not None:
                    consumer.acked = acked
                    self._send_end_when_read(stream)
            case StreamLost(stream=stream):
                self._forget(stream)

    def _receive_link_message(self, message: object, connection: LinkConnection) -> None:
        match message:
            case m.Challenge():
                connection.send(self._hello(message))
            case m.Welcome(grant_keys=keys):
                self._grant_keys = keys
                self.welcomes += 1
                self.linked.set()
                self.unlinked.clear()
                for fact in self.unacked.values():
                    connection.send(fact)
            case m.Reject():
                self.rejected = message
            case m.FactAck(seq=seq):
                self.unacked.pop(seq, None)
            case m.Goaway():
                self.goaway = message

    def _hello(self, challenge: m.Challenge) -> m.Hello:
        proof = m.hello_proof(challenge, self.cluster, self.instance, self.epoch, self.public_key)
        hello = m.Hello(1, signature=self.key.sign(proof), time_ms=now_ms(), version="test", kubernetes_version="v1.36.2",
                        enrolment=self.token, ceiling={"podExec": True}, cluster=self.cluster, instance=self.instance, epoch=self.epoch,
                        public_key=self.public_key)  # fmt: skip
        return msgspec.structs.replace(hello, **self.lies)

    def _verified(self, grant: bytes, operation: str) -> Grant:
        place = {"cluster": self.cluster, "instance": self.instance, "epoch": self.epoch}
        return verify_grant(grant, self._grant_keys, operation=operation, now_ms=now_ms(), **place)

    def _receive_call(self, stream: int, call: m.Call, connection: LinkConnection) -> None:
        operation = {calls.SESSION_OPEN: "open", calls.SESSION_CLOSE: "close"}.get(call.method, "view")
        grant = self._verified(call.grant, operation)
        assert grant.options_sha256 == calls.options_digest(call.params)
        self.calls.append((call.method, grant))
        match call.method:
            case calls.SESSION_OPEN:
                self._open(stream, msgspec.msgpack.decode(call.params, type=calls.OpenSession), connection)
            case calls.SESSION_CLOSE:
                self._close(stream, msgspec.msgpack.decode(call.params, type=calls.CloseSession), connection)
            case calls.INVENTORY_WATCH:
                self._watches[stream] = msgspec.msgpack.decode(call.params, type=calls.WatchInventory)
                batch = calls.InventoryBatch(msgspec.Raw(msgspec.msgpack.encode(self.pods)), complete=True)
                connection.send(m.Event(msgspec.Raw(msgspec.msgpack.encode(batch))), stream)
            case calls.INVENTORY_POD:
                query = msgspec.msgpack.decode(call.params, type=calls.PodQuery)
                found = [pod for pod in self.pods if (pod.namespace, pod.name) == (query.namespace, query.pod)]
                if found:
                    connection.send(m.Reply(msgspec.Raw(msgspec.msgpack.encode(found[0]))), stream)
                else:
                    text = f'pods "{query.pod}" not found'
                    connection.send(m.Reply(refusal=Refusal(ErrorCode.NOT_FOUND, RefusedBy.KUBERNETES, text)), stream)

    def _open(self, stream: int, opening: calls.OpenSession, connection: LinkConnection) -> None:
        self.openings.append(opening)
        if self.silent:
            return
        if self.refuse_open is not None:
            connection.send(m.Reply(refusal=self.refuse_open), stream)
            return
        self.shells[opening.session] = FakeShell(opening)
        opened = calls.OpenedSession(opening.session, opening.container or "main", "uid-1", "node-1")
        connection.send(m.Reply(msgspec.Raw(msgspec.msgpack.encode(opened))), stream)
        if self.tells_opened:
            kind = "opened" if opening.incarnation == 1 else "restarted"
            self.tell(opening.session, kind, sid=7, start_ticks=4711, nonce="n1", pod_uid="uid-1", incarnation=opening.incarnation)

    def _close(self, stream: int, closing: calls.CloseSession, connection: LinkConnection) -> None:
        self.closings.append(closing)
        if closing.session not in self.shells:
            refusal = Refusal(ErrorCode.SESSION_UNKNOWN, RefusedBy.AGENT, "there is no such session here")
            connection.send(m.Reply(refusal=refusal), stream)
            return
        connection.send(m.Reply(), stream)
        self.finish(closing.session, m.End(closing.reason, None, closing.message))

    def _receive_attach(self, stream: int, attach: m.Attach, connection: LinkConnection) -> None:
        operation = {"owner": "attach", "observer": "observe", "recorder": "record"}[attach.role]
        try:
            grant = self._verified(attach.grant, operation)
        except GrantRefused as error:
            connection.reset(stream, Refusal(ErrorCode.GRANT_REFUSED, RefusedBy.AGENT, str(error)))
            return
        self.attaches.append((attach, grant))
        shell = self.shells.get(attach.session)
        if shell is None:
            connection.reset(stream, Refusal(ErrorCode.SESSION_UNKNOWN, RefusedBy.AGENT, "there is no such session here"))
            return
        consumer = shell.consumers[stream] = Consumer(shell, attach)
        reset = attach.resume is None or attach.resume.epoch != self.epoch
        start = 0 if attach.resume is None or reset else attach.resume.offset
        consumer.acked = start
        taken = len(shell.typed.setdefault(attach.viewer, bytearray()))
        attached = m.Attached(attach.session, self.epoch, shell.opening.incarnation, "running", start, len(shell.log), taken,
                              taken + INPUT_WINDOW_BYTES, reset=reset, idle_timeout_seconds=300.0)  # fmt: skip
        connection.accept_consumer(stream, attached, consumer, window_bytes=attach.window)
        self._send_end_when_read(stream)

    def _receive_for_consumer(self, stream: int, message: object) -> None:
        consumer = self._consumer(stream)
        if consumer is None:
            self._watches.pop(stream, None)
            return
        match message:
            case m.Resize(cols=cols, rows=rows):
                consumer.shell.sizes.append((cols, rows))
            case m.Visibility(visible=visible):
                consumer.visible = visible
            case m.Stay():
                consumer.shell.stays += 1
            case m.Detach():
                consumer.shell.detached += 1
                self._forget(stream)
            case m.Reset(refusal=refusal):
                consumer.shell.resets.append(refusal)
                self._forget(stream)

    def _receive_typed(self, stream: int, offset: int, data: bytes, connection: LinkConnection) -> None:
        consumer = self._consumer(stream)
        if consumer is None:
            return
        typed = consumer.shell.typed[consumer.attach.viewer]
        assert offset == len(typed)
        typed += data
        connection.send_window(stream, len(typed), len(typed) + INPUT_WINDOW_BYTES)
        if consumer.shell.echo:
            self.write(consumer.attach.session, data)

    def _consumer(self, stream: int) -> Consumer | None:
        return next((shell.consumers[stream] for shell in self.shells.values() if stream in shell.consumers), None)

    def _forget(self, stream: int) -> None:
        for shell in self.shells.values():
            shell.consumers.pop(stream, None)

    def _send_end_when_read(self, stream: int) -> None:
        consumer = self._consumer(stream)
        if consumer is not None and consumer.shell.end is not None and consumer.acked >= len(consumer.shell.log) and not consumer.end_sent:
            consumer.end_sent = True
            assert self._connection is not None
            self._connection.send(consumer.shell.end, stream)
            self._wake.set()

    def _wake_stream(self, stream: int) -> None:
        if self._connection is not None:
            self._connection.wake(stream)
            self._wake.set()
