"""The quick way in and out of a WebSocket: takes and writes messages at once, without a task and a queue in between.

ASGI has `await receive()` and `await send(...)` only. Each message of a link or a terminal would cost a queue, a pause of the socket and a
task switch on its way in; on its way out the link's reader would wait for a slow browser, or cost a task switch for each keystroke.
Our uvicorn protocol class puts a `DirectSocket` into the scope; where there is none, everybody takes the ordinary way.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "podshell.direct"

# RFC 6455 5.2: FIN and binary; a server does not mask
_BINARY = 0x82
_SHORT, _MIDDLE, _LONG = struct.Struct("!BB"), struct.Struct("!BBH"), struct.Struct("!BBQ")


class DirectSocket:
    """One accepted WebSocket."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: DirectProtocol) -> None:
        self._protocol = protocol

    @property
    def ready(self) -> bool:
        """A message can be written now without growing a queue."""
        protocol = self._protocol
        return protocol.writable.is_set() and not (protocol.close_sent or protocol.disconnected or protocol.transport.is_closing())

    def send(self, *parts: bytes | memoryview) -> None:
        """Write one binary message, given in pieces. Only when `ready`."""
        size = sum(map(len, parts))
        if size < 126:
            header = _SHORT.pack(_BINARY, size)
        elif size < 65536:
            header = _MIDDLE.pack(_BINARY, 126, size)
        else:
            header = _LONG.pack(_BINARY, 127, size)
        self._protocol.transport.write(b"".join((header, *parts)))

    def abort(self) -> None:
        """Drop the connection; what waits is lost. For a peer that does not take a goodbye."""
        self._protocol.transport.abort()

    def receive_by(self, receiver: Callable[[bytes], None] | None) -> None:
        """Give each binary message to `receiver` as soon as it is read, also those that wait; the end still comes by ASGI's `receive`.

        `receiver` must take all that it gets: reading is not paused. None: back to ASGI.
        """
        self._protocol.receive_by(receiver)


class DirectProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websockets-sansio protocol that offers a DirectSocket to the application, and bounds messages by path."""

    # A terminal sends 32 KiB of input or 16 KiB of JSON at most; a live page a line of JSON.
    small_message_bytes = 64 * 1024
    direct_receiver: Callable[[bytes], None] | None = None

    def handle_connect(self, event: Any) -> None:
        """Handle the upgrade request; see uvicorn."""
        if not event.path.startswith("/link"):
            self.conn.max_message_size = self.small_message_bytes
        super().handle_connect(event)
        if not self.close_sent:
            extensions = cast("dict[str, object]", self.scope["extensions"])
            extensions[EXTENSION] = DirectSocket(self)

    def send_receive_event_to_app(self) -> None:
        """Pass a whole message on; see uvicorn."""
        receiver = self.direct_receiver
        if receiver is None or self.curr_msg_data_type == "text" or self.close_sent:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        receiver(bytes(data))

    def receive_by(self, receiver: Callable[[bytes], None] | None) -> None:
        """See DirectSocket."""
        self.direct_receiver = receiver
        if receiver is None:
            return
        waiting = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        for message in waiting:
            data = message.get("bytes") if message["type"] == "websocket.receive" else None
            if isinstance(data, bytes):
                receiver(data)
            else:
                self.queue.put_nowait(message)
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self.transport.resume_reading()


def direct_socket(scope: Scope) -> DirectSocket | None:
    """Return the quick way of a socket, when the server has one."""
    found = scope.get("extensions", {}).get(EXTENSION)
    return found if isinstance(found, DirectSocket) else None
