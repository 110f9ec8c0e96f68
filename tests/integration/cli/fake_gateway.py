"""A gateway for the command line's tests: spec/api.md and spec/terminal.md over real sockets, with a session that a test plays by hand."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.terminal import (
    Ack,
    ClientMessage,
    Close,
    Input,
    InputAck,
    ServerMessage,
    TerminalError,
    TerminalHello,
    decode_client,
    encode_output,
    encode_server,
)

TOKEN = "test-token"
INPUT_WINDOW = 64 * 1024
OUTPUT_WINDOW = 256 * 1024


@dataclass
class FakeSession:
    """One session: its output log and what it got. A test appends to `output` and calls `changed`."""

    tty: bool
    epoch: str = "e1"
    output: bytearray = field(default_factory=bytearray)
    typed: bytearray = field(default_factory=bytearray)
    auto: bytearray = field(default_factory=bytearray)
    input_ended: bool = False
    closed: bool = False
    detached: bool = False
    sizes: list[tuple[int, int]] = field(default_factory=list)
    attaches: int = 0
    ended: m.End | None = None
    notices: list[m.Notice] = field(default_factory=list)
    echo: bool = False
    request: dict[str, object] = field(default_factory=dict)


class FakeGateway:
    """Serves one session. `cut` ends every socket as a lost network does; `refuse` answers the next opening with a refusal."""

    def __init__(self) -> None:
        self.url = ""
        self.clusters = {"east": "online"}
        self.pods = {("east", "default", "web-0")}
        self.refusal: Refusal | None = None
        self.ticket_refusal: Refusal | None = None
        self.session = FakeSession(tty=True)
        self.on_opened: Callable[[], None] = lambda: None
        self.cut_after_bytes: Callable[[], int] | None = None
        self._requests: list[web.Request] = []
        self._changed = asyncio.Condition()
        self._tickets = itertools.count()
        self._valid: set[str] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/api/clusters", self._clusters)
        app.router.add_get("/api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}", self._pod)
        app.router.add_post("/api/sessions", self._open)
        app.router.add_get("/api/sessions/{session}", self._show)
        app.router.add_delete("/api/sessions/{session}", self._delete)
        app.router.add_post("/api/sessions/{session}/tickets", self._ticket)
        app.router.add_get("/ws/terminal", self._terminal)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()

    # What a test does.

    async def changed(self) -> None:
        """The session has more output, a notice or an end."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[FakeSession], bool]) -> None:
        """Wait until something that the command line does has made this true."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: condition(self.session))

    async def print(self, data: bytes) -> None:
        self.session.output += data
        await self.changed()

    async def end(self, end: m.End) -> None:
        self.session.ended = end
        await self.changed()

    async def notify(self, notice: m.Notice) -> None:
        self.session.notices.append(notice)
        await self.changed()

    def cut(self) -> None:
        """Drop every socket without a close frame."""
        for request in self._requests:
            if request.transport is not None:
                request.transport.abort()

    # REST.

    def _check(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise _http_error(Refusal(ErrorCode.UNAUTHENTICATED, RefusedBy.GATEWAY, "nobody is signed in", "sign in"))

    async def _clusters(self, request: web.Request) -> web.Response:
        self._check(request)
        return web.json_response([{"name": name, "state": state, "agents": []} for name, state in self.clusters.items()])

    async def _pod(self, request: web.Request) -> web.Response:
        self._check(request)
        info = request.match_info
        if (info["cluster"], info["namespace"], info["pod"]) not in self.pods:
            raise _http_error(Refusal(ErrorCode.NOT_FOUND, RefusedBy.AGENT, "there is no such pod"))
        return web.json_response({"name": info["pod"]})

    async def _open(self, request: web.Request) -> web.Response:
        self._check(request)
        if self.refusal is not None:
            raise _http_error(self.refusal)
        body = await request.json()
        self.session.request = body
        self.session.tty = body.get("tty", True)
        self.on_opened()
        return web.json_response({"session": self._row(), "ticket": self._new_ticket()}, status=201)

    def _row(self) -> dict[str, object]:
        session = self.session
        end = None if session.ended is None else {"reason": session.ended.reason, "exit_code": session.ended.exit_code}
        where = {"cluster": "east", "namespace": "default", "pod": "web-0", "container": "app"}
        return {"id": "s1", "tty": session.tty, "end": end, **where}

    async def _show(self, request: web.Request) -> web.Response:
        self._check(request)
        return web.json_response(self._row())

    async def _delete(self, request: web.Request) -> web.Response:
        self._check(request)
        self.session.closed = True
        self.session.ended = m.End("closed")
        await self.changed()
        return web.Response(status=204)

    async def _ticket(self, request: web.Request) -> web.Response:
        self._check(request)
        if self.ticket_refusal is not None:
            raise _http_error(self.ticket_refusal)
        return web.json_response({"ticket": self._new_ticket()}, status=201)

    def _new_ticket(self) -> str:
        ticket = f"ticket-{next(self._tickets)}"
        self._valid.add(ticket)
        return ticket

    # The terminal socket.

    async def _terminal(self, request: web.Request) -> web.WebSocketResponse:
        self._check(request)
        socket = web.WebSocketResponse(protocols=["podshell.terminal.v1"], compress=False)
        await socket.prepare(request)
        self._requests.append(request)
        try:
            hello = decode_client(await socket.receive_bytes())
            assert isinstance(hello, TerminalHello)
            if hello.ticket not in self._valid:
                refusal = Refusal(ErrorCode.TICKET_REFUSED, RefusedBy.GATEWAY, "the ticket was used before")
                await socket.send_bytes(encode_server(TerminalError(refusal)))
                return socket
            self._valid.discard(hello.ticket)
            await _Connection(self, socket, hello, request).serve()
        except (ConnectionError, TypeError):
            pass  # cut, or closed by the client
        finally:
            self._requests.remove(request)
        return socket


class _Connection:
    """One attached socket of the session."""

    def __init__(self, gateway: FakeGateway, socket: web.WebSocketResponse, hello: TerminalHello, request: web.Request) -> None:
        self._gateway = gateway
        self._session = gateway.session
        self._socket = socket
        self._hello = hello
        self._request = request
        self._acked = 0
        self._left = gateway.cut_after_bytes() if gateway.cut_after_bytes is not None else 1 << 60

    async def serve(self) -> None:
        session, hello = self._session, self._hello
        fits = hello.resume is not None and hello.resume.epoch == session.epoch
        start = hello.resume.offset if hello.resume is not None and fits else 0
        session.attaches += 1
        if hello.cols and hello.rows:
            session.sizes.append((hello.cols, hello.rows))
        taken = len(session.typed) + len(session.auto)
        attached = m.Attached("s1", session.epoch, 1, "running", start, len(session.output), taken, taken + INPUT_WINDOW, reset=not fits)
        self._acked = start
        await self._send(attached)
        await self._gateway.changed()
        writer = asyncio.create_task(self._write(start))
        try:
            async for message in self._socket:
                if message.type is WSMsgType.BINARY:
                    self._spend(len(message.data))
                    await self._receive(decode_client(message.data))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left <= 0 and self._request.transport is not None:
            self._request.transport.abort()

    async def _send(self, message: ServerMessage) -> None:
        await self._socket.send_bytes(encode_server(message))

    async def _write(self, offset: int) -> None:
        session, told, changed = self._session, 0, self._gateway._changed
        while True:
            async with changed:
                await changed.wait_for(lambda offset=offset, told=told: self._has_due(offset, told))  # type: ignore[misc]  # bound now
            for notice in session.notices[told:]:
                await self._send(notice)
            told = len(session.notices)
            end = min(len(session.output), self._acked + OUTPUT_WINDOW, offset + 20_000)
            if offset < end:
                await self._socket.send_bytes(encode_output(offset, bytes(session.output[offset:end])))
                self._spend(end - offset)
                offset = end
            elif session.ended is not None and offset == len(session.output):
                await self._send(session.ended)
                await self._socket.close(code=1000)
                return

    def _has_due(self, offset: int, told: int) -> bool:
        session = self._session
        if offset < len(session.output):
            return offset < self._acked + OUTPUT_WINDOW or len(session.notices) > told
        return session.ended is not None or len(session.notices) > told

    async def _receive(self, message: ClientMessage) -> None:
        session = self._session
        match message:
            case Input(offset=offset, data=data, auto=auto, end=end):
                taken = len(session.typed) + len(session.auto)
                assert offset <= taken, "input has a hole"
                new = data[taken - offset :]
                if auto:
                    session.auto += new
                else:
                    session.typed += new
                if session.echo:
                    session.output += new
                session.input_ended = session.input_ended or end
                taken += len(new)
                await self._send(InputAck(taken, taken + INPUT_WINDOW))
            case Ack(offset=offset):
                self._acked = max(self._acked, offset)
            case m.Resize(cols=cols, rows=rows):
                session.sizes.append((cols, rows))
            case m.Detach():
                session.detached = True
                await self._socket.close(code=1000)
            case Close():
                session.closed = True
                session.ended = m.End("closed", message="closed by its user")
            case _:
                pass
        await self._gateway.changed()


def _http_error(refusal: Refusal) -> web.HTTPException:
    detail = {
        "code": refusal.code.value,
        "refused_by": refusal.refused_by.value,
        "message": refusal.message,
        "next_step": refusal.next_step,
        "details": refusal.details,
    }
    error = web.HTTPBadRequest(text=web.json_response({"error": detail}).text, content_type="application/json")
    error.set_status(refusal.meaning.http_status)
    return error
