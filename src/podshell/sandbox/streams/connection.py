"""One hijacked connection: the transport of an HTTP request that became a WebSocket.

Owns the transport from the 101 on.  Reading is paced by whoever takes frames (the transport pauses above a limit),
writing by the client (``send`` waits until the transport has room).  The aiohttp protocol is told of the end, so that
its server forgets the connection.
"""

import asyncio
import base64
import hashlib
import socket
import struct

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from podshell.sandbox.streams.frames import Frame, FrameParser, encode_close

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_READ_LIMIT_BYTES = 256 * 1024  # unread input above this pauses the transport, unless one frame needs more
_WRITE_LIMIT_BYTES = 64 * 1024
_FLUSH_LOOK_SECONDS = 0.005
# The kernel doubles this. Between machines it sizes a send buffer by segments of 1.4 KiB: 46 KiB at first. By the 64 KiB segments of
# loopback it is 2.6 MiB, output that no Ctrl-C takes back and that stands between no API server and its client.
_SEND_BUFFER_BYTES = 48 * 1024


class ConnectionLost(ConnectionError):
    """TCP ended without a close frame from the client."""


class Hijacked(web.StreamResponse):
    """The response of a request whose connection was taken over: nothing more is to be written."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    @property
    def prepared(self) -> bool:
        """Everything was sent."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write nothing."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing."""


class Connection(asyncio.Protocol):
    """The server side of one WebSocket."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._http = request.protocol
        transport = request.transport
        if transport is None:
            raise ConnectionLost
        self._transport: asyncio.Transport = transport
        self._parser = FrameParser()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._paused = False
        self._discarding = False
        self.lost = asyncio.Event()
        self.reads_frozen = False

    def accept(self, subprotocol: str) -> None:
        """Answer 101 and take the transport over."""
        key = self._request.headers.get("Sec-WebSocket-Key", "").encode()
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()  # RFC 6455, not a matter of secrecy
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept}",
            f"Sec-WebSocket-Protocol: {subprotocol}",  # also when it is empty: transcripts/exec/exit0.none
        ]
        self._transport.set_protocol(self)
        self._transport.set_write_buffer_limits(high=_WRITE_LIMIT_BYTES)
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._transport.write("\r\n".join([*lines, "", ""]).encode())

    async def next_frame(self) -> Frame:
        """Return the next frame; frames that came before the end of TCP are returned before it is told.

        Raises: ConnectionLost, FrameFault.
        """
        while True:
            frame = None if self.reads_frozen else self._parser.next_frame()
            if frame is not None:
                return frame
            if self.lost.is_set():
                raise ConnectionLost
            self._arrived.clear()
            self._set_paused(self.reads_frozen)
            await self._arrived.wait()

    async def discard_input(self) -> None:
        """Behave as a server that stopped reading, but notice the end of TCP; returns then."""
        self._discarding = True
        self._set_paused(False)
        await self.lost.wait()

    async def send(self, data: bytes) -> None:
        """Write one encoded frame and wait for room.

        Raises: ConnectionLost.
        """
        if self.lost.is_set() or self._transport.is_closing():
            raise ConnectionLost
        self._transport.write(data)
        await self._room.wait()
        if self.lost.is_set():
            raise ConnectionLost

    async def flushed(self) -> None:
        """Wait until the kernel has everything that was written.

        A real server's writes end only then. Here what the client still sends after our TLS close_notify would have asyncio's TLS drop
        what is left in this process: the end of the output, and the Status.
        """
        under = getattr(getattr(self._transport, "_ssl_protocol", None), "_transport", None) or self._transport
        while self._transport.get_write_buffer_size() or under.get_write_buffer_size():  # they tell of limits only
            if self.lost.is_set() or self._transport.is_closing():
                return
            await asyncio.sleep(_FLUSH_LOOK_SECONDS)

    def close(self, *codes: int) -> None:
        """Send close frames and end TCP without waiting for the client's (kubernetes.md 1.3, 5)."""
        if not self._transport.is_closing():
            for code in codes:
                self._transport.write(encode_close(code))
            self._transport.close()

    def abort(self, *, reset: bool = False) -> None:
        """End TCP without a close frame; with ``reset`` by RST."""
        if reset:
            sock = self._transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Keep what the client sent (asyncio.Protocol)."""
        if self._discarding:
            return
        self._parser.feed(data)
        self._arrived.set()
        # The taker un-pauses when it needs more, for a frame that is larger than the limit as well.
        if self._parser.buffered_bytes > _READ_LIMIT_BYTES:
            self._set_paused(True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake everybody (asyncio.Protocol)."""
        self.lost.set()
        self._arrived.set()
        self._room.set()
        self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not take what we send (asyncio.Protocol)."""
        self._room.clear()

    def resume_writing(self) -> None:
        """There is room again (asyncio.Protocol)."""
        self._room.set()

    def _set_paused(self, paused: bool) -> None:
        if paused == self._paused or self._transport.is_closing():
            return
        self._paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
