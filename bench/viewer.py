"""A terminal of the gateway that costs little: the protocol of spec/terminal.md over picows, the library that the direct client uses too.

So direct and through Podshell differ by what stands between, not by the client. It acknowledges every 32 KiB, as spec/terminal.md 3 asks.
It attaches once and does not resume; tests/terminal_client.py does.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable
from typing import cast

import picows
from tests.terminal_client import SUBPROTOCOL, Api

from podshell.wire import messages as m
from podshell.wire.terminal import Ack, Close, Input, InputAck, OutputGap, TerminalError, TerminalHello, decode_server, encode_client

ACK_BYTES = 32 * 1024
_BINARY = picows.WSMsgType.BINARY
_OFFSET = struct.Struct("!Q")
_OUTPUT = 0x42


class Viewer(picows.WSListener):
    """One attached viewer.

    Args:
        on_output: gets each piece; the view is valid during the call only.
        acknowledge: False: it reads everything and acknowledges nothing.
        parse_seconds: what a slow terminal takes to parse 32 KiB: it acknowledges so much later. 0: at once.
    """

    def __init__(self, on_output: Callable[[memoryview], None], *, acknowledge: bool = True, parse_seconds: float = 0.0) -> None:
        self.acknowledge = acknowledge
        self.parse_seconds = parse_seconds
        self.position = 0
        self.gaps = 0
        self.gap_bytes = 0
        self.attached: asyncio.Future[m.Attached] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[m.End | TerminalError | None] = asyncio.get_running_loop().create_future()
        self._on_output = on_output
        self._acked = 0
        self._typed = 0
        self._parsing: asyncio.TimerHandle | None = None
        self._transport: picows.WSTransport | None = None

    @classmethod
    async def open(
        cls, api: Api, session: str, ticket: str, on_output: Callable[[memoryview], None], *, window: int, visible: bool, acknowledge: bool
    ) -> Viewer:
        """Attach to a session."""
        self = cls(on_output, acknowledge=acknowledge)
        headers = [("Sec-WebSocket-Protocol", SUBPROTOCOL), *api.headers.items()]
        url = api.url.replace("http", "ws", 1) + "/ws/terminal"
        await picows.ws_connect(lambda: self, url, extra_headers=headers, max_frame_size=8 << 20)
        viewer = f"{random.getrandbits(64):016x}"
        self._send(TerminalHello(ticket, session, viewer, None, cols=80, rows=24, visible=visible, window=window, client="bench"))
        async with asyncio.timeout(30):
            await self.attached
        return self

    def type(self, data: bytes) -> None:
        """Type a few bytes (credit is not waited for)."""
        self._send(Input(self._typed, data))
        self._typed += len(data)

    async def close_session(self, seconds: float = 30) -> None:
        """End the session and wait for its end."""
        if not self.ended.done():
            self._send(Close())
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self.ended)
        finally:
            self.drop()

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def stop_reading(self) -> None:
        """Take nothing from the socket any more."""
        assert self._transport is not None
        self._transport.underlying_transport.pause_reading()

    def go_on_reading(self) -> None:
        assert self._transport is not None
        self._transport.underlying_transport.resume_reading()

    @property
    def acknowledged(self) -> int:
        """The byte before which everything is shown."""
        return self._acked

    def acknowledge_now(self) -> None:
        """Acknowledge what has come so far."""
        self._parsing = None
        if self.position > self._acked and not self.ended.done():
            self._acked = self.position
            self._send(Ack(self.position))

    # From the socket.

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type != _BINARY:
            if frame.msg_type == picows.WSMsgType.CLOSE:
                transport.disconnect()
            return
        data = cast("memoryview", frame.get_payload_as_memoryview())
        if data[0] != _OUTPUT:
            self._receive(bytes(data))
            return
        (offset,) = _OFFSET.unpack_from(data, 1)
        if offset != self.position:
            raise AssertionError(f"output at {offset}, expected {self.position}")
        self.position = offset + len(data) - 9
        self._on_output(data[9:])
        self._note_output()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        if not self.attached.done():
            self.attached.set_exception(ConnectionError("the gateway closed the terminal"))

    def _note_output(self) -> None:
        if not self.acknowledge or self.position - self._acked < ACK_BYTES:
            return
        if not self.parse_seconds:
            self.acknowledge_now()
        elif self._parsing is None:
            self._parsing = asyncio.get_running_loop().call_later(self.parse_seconds, self._parsed)

    def _parsed(self) -> None:
        """The slow terminal has parsed another 32 KiB."""
        self._parsing = None
        if self.ended.done():
            return
        self._acked = min(self._acked + ACK_BYTES, self.position)
        self._send(Ack(self._acked))
        self._note_output()

    def _receive(self, data: bytes) -> None:
        match decode_server(data):
            case m.Attached() as attached:
                self.position = self._acked = attached.start
                self._typed = attached.input_taken
                if not self.attached.done():
                    self.attached.set_result(attached)
            case OutputGap(start=start, end=end):
                self.gaps += 1
                self.gap_bytes += end - start
                self.position = end
            case (m.End() | TerminalError()) as last:
                if not self.ended.done():
                    self.ended.set_result(last)
            case InputAck() | _:
                pass

    def _send(self, message: TerminalHello | Input | Ack | Close) -> None:
        assert self._transport is not None
        self._transport.send(_BINARY, encode_client(message))
