"""A small API server for the tests of this folder: aiohttp on loopback, each exec acted out by a script of the test.

It speaks what transcripts/ show and nothing more; the sandbox is the whole thing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

from aiohttp import WSMsgType, web

SUCCESS = b'\x03{"metadata":{},"status":"Success"}'


def exit_status(code: int) -> bytes:
    tree = {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: command terminated with exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
    return b"\x03" + json.dumps(tree).encode()


def internal_error(message: str) -> bytes:
    tree = {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
    return b"\x03" + json.dumps(tree).encode()


@dataclass
class ServerStream:
    """The server's end of one exec."""

    request: web.Request
    socket: web.WebSocketResponse
    messages: list[bytes] = field(default_factory=list)
    pings: list[bytes] = field(default_factory=list)
    closed_with: int | None = None

    async def send(self, *messages: bytes) -> None:
        for message in messages:
            await self.socket.send_bytes(message)

    async def receive(self) -> bytes | None:
        """Return the next data message, None at a close frame or the end; pings are answered if the server does so."""
        while True:
            message = await self.socket.receive()
            if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                self.messages.append(message.data)
                return message.data
            if message.type is WSMsgType.PING:
                self.pings.append(message.data)
                continue
            if message.type is WSMsgType.CLOSE:
                self.closed_with = message.data
            if message.type is not WSMsgType.PONG:
                return None

    async def receive_all(self) -> None:
        while await self.receive() is not None:
            pass

    async def close(self, code: int = 1000) -> None:
        """Send a close frame and end the connection without waiting, as the real one does (kubernetes.md 1.3)."""
        await self.socket._writer.close(code)  # type: ignore[union-attr]  # aiohttp would wait for the client's frame
        self.drop()

    def drop(self) -> None:
        """End the TCP connection, with no close frame."""
        transport = self.request.transport
        if transport is not None:
            transport.close()


Script = Callable[[ServerStream], Awaitable[None]]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeApiServer:
    """Set `script` for execs, `answers[path]` for anything else."""

    def __init__(self) -> None:
        self.url = ""
        self.script: Script = ServerStream.receive_all
        self.subprotocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
        self.autoping = True
        self.answers: dict[str, Answer] = {}
        self.requests: list[web.Request] = []
        self.streams: list[ServerStream] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if request.path in self.answers:
            return await self.answers[request.path](request)
        if not request.path.endswith("/exec"):
            return web.json_response({"status": "Failure", "reason": "NotFound", "message": "no", "code": 404}, status=404)
        socket = web.WebSocketResponse(
            protocols=self.subprotocols, autoclose=False, autoping=self.autoping, max_msg_size=1 << 25, compress=False
        )
        await socket.prepare(request)
        stream = ServerStream(request, socket)
        self.streams.append(stream)
        await self.script(stream)
        return socket

    @asynccontextmanager
    async def serve(self, tls: SSLContext | None = None) -> AsyncIterator[FakeApiServer]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"{'https' if tls else 'http'}://{host}:{port}"
        try:
            yield self
        finally:
            for stream in self.streams:
                stream.drop()
            await runner.cleanup()


class Recorder:
    """A receiver that keeps everything, in order."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.is_up = asyncio.Event()
        self._waiters: list[asyncio.Event] = []

    def up(self) -> None:
        self.events.append("up")
        self.is_up.set()

    def output(self, channel: int, data: memoryview | bytes) -> None:
        (self.stdout if channel == 1 else self.stderr).extend(data)
        self.events.append((channel, bytes(data)))
        for waiter in self._waiters:
            waiter.set()

    def ended(self, end: object) -> None:
        self.events.append(end)

    async def wait_for(self, text: bytes) -> None:
        """Wait until stdout holds `text`."""
        changed = asyncio.Event()
        self._waiters.append(changed)
        while text not in self.stdout:
            changed.clear()
            await changed.wait()
        self._waiters.remove(changed)
