"""A terminal for tests: speaks spec/terminal.md by `wire.terminal` and resumes by itself, apart from the console and the command line.

It keeps all output that it was given in order (`output`), refuses a byte out of place, and counts reconnects, resets and gaps.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import httpx
import websockets

from podshell.wire import messages as m
from podshell.wire.terminal import (
    Ack,
    Close,
    Input,
    InputAck,
    Output,
    OutputGap,
    TerminalError,
    TerminalHello,
    decode_server,
    encode_client,
)

SUBPROTOCOL = "podshell.terminal.v1"
PATIENCE_SECONDS = 30.0


class ApiError(Exception):
    def __init__(self, status: int, body: dict[str, object]) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.error: dict[str, object] = body.get("error", {})  # type: ignore[assignment]  # the shape is spec/api.md's


class Api:
    """The REST part, with a bearer token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(base_url=url, headers=self.headers, timeout=30, verify=False)  # plain HTTP needs no certificates

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, json: object = None) -> dict[str, object]:
        response = await self._client.request(method, path, json=json)
        body = response.json() if response.content else {}
        if response.status_code >= 400:
            raise ApiError(response.status_code, body)
        return body  # type: ignore[no-any-return]  # JSON of the gateway

    async def open_session(self, **what: object) -> tuple[str, str]:
        """Open a session; returns its id and a ticket."""
        body = await self.call("POST", "/api/sessions", {"kind": "exec", **what})
        return str(body["session"]["id"]), str(body["ticket"])  # type: ignore[index]  # the shape is spec/api.md's

    async def ticket(self, session: str) -> str:
        return str((await self.call("POST", f"/api/sessions/{session}/tickets", {}))["ticket"])


class TerminalClient:
    """One viewer of one session. `run()` attaches and re-attaches until the session ends; use `async with terminal:`."""

    def __init__(
        self,
        api: Api,
        session: str,
        ticket: str | None = None,
        *,
        visible: bool = True,
        window: int = 256 * 1024,
        backoff: float = 0.05,
        backoff_cap: float = 0.0,
    ) -> None:
        self.api = api
        self.session = session
        self.viewer = f"{random.getrandbits(64):016x}"
        self.output = bytearray()
        self.position = 0
        self.epoch = ""
        self.attaches = 0
        self.resets = 0
        self.gaps: list[tuple[int, int]] = []
        self.jumps: list[tuple[int, int]] = []  # where an attach did not go on at the byte that was due
        self.notices: list[m.Notice] = []
        self.errors: list[TerminalError] = []
        self.end: m.End | None = None
        self.attached: m.Attached | None = None
        self.acknowledge = True
        self.slow_seconds = 0.0
        self.on_output: Callable[[bytes], None] | None = None  # takes the output in place of `output`
        self.on_progress: Callable[[int], None] | None = None  # told the position after each piece
        self._visible = visible
        self._window = window
        self._backoff = backoff
        self._backoff_cap = backoff_cap
        self._tries = 0
        self._ticket = ticket
        self._input = bytearray()
        self._input_base = 0
        self._input_sent = 0
        self._input_limit = 0
        self._socket: websockets.ClientConnection | None = None
        self._changed = asyncio.Condition()
        self._failure: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> TerminalClient:
        self._task = asyncio.create_task(self.run(), name=f"terminal {self.session}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Go away for good, without a word (no DETACH, no CLOSE)."""
        assert self._task is not None
        self.drop()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # What a test does.

    async def type(self, data: bytes) -> None:
        """Type bytes; they are sent exactly once whatever drops."""
        self._input += data
        with contextlib.suppress(websockets.WebSocketException, OSError):  # the rest goes by the next socket
            await self._send_input()

    @property
    def input_acknowledged(self) -> int:
        """How many typed bytes the shell has taken."""
        return self._input_base

    async def send(self, message: object) -> None:
        """Send any client message on the present socket."""
        assert self._socket is not None
        await self._socket.send(encode_client(message))  # type: ignore[arg-type]  # a test may send what it likes

    async def try_send(self, message: object) -> None:
        """Send a message if there is a socket that takes it."""
        with contextlib.suppress(websockets.WebSocketException, OSError):
            if self._socket is not None:
                await self._socket.send(encode_client(message))  # type: ignore[arg-type]  # a test may send what it likes

    async def close_session(self) -> None:
        await self.send(Close())

    async def acknowledge_now(self) -> None:
        """Acknowledge what has come so far."""
        await self.send(Ack(self.position))

    def drop(self) -> None:
        """Drop the socket as a lost network does."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def wait_attached(self, seconds: float = PATIENCE_SECONDS) -> m.Attached:
        """Wait until it is attached now, and return how."""
        await self.wait_for(lambda t: t._socket is not None, seconds)
        assert self.attached is not None
        return self.attached

    async def wait_for(self, condition: Callable[[TerminalClient], object], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something that changes with messages holds."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: condition(self) or self._failure is not None)
        except TimeoutError:
            raise TimeoutError(f"nothing like it within {seconds:g} s; {self}") from None
        if self._failure is not None and not condition(self):
            raise self._failure

    async def wait_output(self, text: bytes, seconds: float = PATIENCE_SECONDS) -> None:
        try:
            await self.wait_for(lambda t: text in t.output, seconds)
        except TimeoutError:
            raise AssertionError(f"{text!r} did not come within {seconds:g} s; {self}") from None

    async def wait_notice(self, kind: str, count: int = 1, seconds: float = PATIENCE_SECONDS) -> m.Notice:
        """Wait for the notice of a kind that is number `count`."""
        await self.wait_for(lambda t: len(t.notices_of(kind)) >= count, seconds)
        return self.notices_of(kind)[count - 1]

    def notices_of(self, kind: str) -> list[m.Notice]:
        return [notice for notice in self.notices if notice.kind == kind]

    async def wait_end(self, seconds: float = PATIENCE_SECONDS) -> m.End:
        await self.wait_for(lambda t: t.end is not None, seconds)
        assert self.end is not None
        return self.end

    def __repr__(self) -> str:
        return (
            f"the terminal of {self.session}: at byte {self.position}, attached {self.attaches} times"
            f" ({'now' if self._socket is not None else 'not now'}), input {self._input_base} taken, {self._input_sent} sent,"
            f" {self._input_base + len(self._input)} typed, last output {bytes(self.output[-300:])!r}, gaps {self.gaps},"
            f" jumps {self.jumps}, notices {self.notices[-8:]}, errors {self.errors[-4:]}, end {self.end}"
        )

    # The protocol.

    async def run(self) -> None:
        try:
            await self._attach_until_end()
        except BaseException as failure:
            self._failure = failure
            async with self._changed:
                self._changed.notify_all()
            raise

    async def _attach_until_end(self) -> None:
        while self.end is None:
            try:
                ticket, self._ticket = self._ticket or await self.api.ticket(self.session), None
                await self._attach_once(ticket)
            except (OSError, httpx.TransportError, websockets.WebSocketException):
                pass
            except ApiError as error:
                if error.status not in (500, 502, 503, 504):
                    raise
            if self.end is None:
                await self._back_off()

    async def _back_off(self) -> None:
        """Wait before the next try: full jitter; the bound doubles up to `backoff_cap` until a try attaches."""
        bound = min(self._backoff * 2**self._tries, max(self._backoff, self._backoff_cap))
        self._tries += 1
        await asyncio.sleep(random.uniform(0.2, 1) * bound)

    async def _attach_once(self, ticket: str) -> None:
        url = self.api.url.replace("http", "ws", 1) + "/ws/terminal"
        subprotocols = [websockets.Subprotocol(SUBPROTOCOL)]
        connecting = websockets.connect(
            url, subprotocols=subprotocols, additional_headers=self.api.headers, compression=None, max_size=None
        )
        async with connecting as socket:
            resume = m.Position(self.epoch, self.position) if self.epoch else None
            hello = TerminalHello(
                ticket, self.session, self.viewer, resume, cols=80, rows=24, visible=self._visible, window=self._window, client="test"
            )
            await socket.send(encode_client(hello))
            try:
                async for data in socket:
                    assert isinstance(data, bytes)
                    await self._receive(data, socket)
            finally:
                self._socket = None

    async def _receive(self, data: bytes, socket: websockets.ClientConnection) -> None:
        message = decode_server(data)
        match message:
            case m.Attached():
                self._receive_attached(message, socket)
                with contextlib.suppress(websockets.ConnectionClosed):  # what came before the close is still to be read: the end
                    await self._send_input()
            case Output(offset=offset, data=output):
                assert offset == self.position, f"output at {offset}, expected {self.position}"
                self.position += len(output)
                if self.on_output is not None:
                    self.on_output(output)
                else:
                    self.output += output
                if self.on_progress is not None:
                    self.on_progress(self.position)
                if self.slow_seconds:
                    await asyncio.sleep(self.slow_seconds)  # a terminal that parses slowly
                if self.acknowledge:
                    await socket.send(encode_client(Ack(self.position)))
            case OutputGap(start=start, end=end):
                self.gaps.append((start, end))
                self.position = end
            case InputAck(taken=taken, limit=limit):
                self._take_input(taken, limit)
                with contextlib.suppress(websockets.ConnectionClosed):
                    await self._send_input()
            case m.Notice():
                self.notices.append(message)
            case m.End():
                self.end = message
            case TerminalError():
                self.errors.append(message)
            case _:
                pass
        async with self._changed:
            self._changed.notify_all()

    def _receive_attached(self, attached: m.Attached, socket: websockets.ClientConnection) -> None:
        self.attaches += 1
        self._tries = 0
        self.attached = attached
        if attached.epoch != self.epoch and self.epoch:
            self.resets += 1
            self._input.clear()
            self._input_base = attached.input_taken
        self.epoch = attached.epoch
        if attached.start != self.position:
            if self.attaches > 1:
                self.jumps.append((self.position, attached.start))
            self.position = attached.start
        self._socket = socket
        self._take_input(attached.input_taken, attached.input_limit)
        self._input_sent = attached.input_taken

    def _take_input(self, taken: int, limit: int) -> None:
        del self._input[: max(0, taken - self._input_base)]
        self._input_base = max(self._input_base, taken)
        self._input_limit = limit

    async def _send_input(self) -> None:
        while self._socket is not None:
            start = self._input_sent - self._input_base
            piece = bytes(self._input[start : start + min(16 * 1024, self._input_limit - self._input_sent)])
            if not piece or self._input_sent >= self._input_limit:
                return
            offset, self._input_sent = self._input_sent, self._input_sent + len(piece)
            await self._socket.send(encode_client(Input(offset, piece)))


Opener = Callable[[], Awaitable[TerminalClient]]
