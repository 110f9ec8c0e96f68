"""The quick way out of a WebSocket: writes a message at once when nothing is in its way, without a task in between.

ASGI has `await send(...)` only, which from a link's reader would either wait for a slow browser or cost a task switch for each keystroke.
Our uvicorn protocol class puts a `DirectSocket` into the scope; where there is none, everybody takes the ordinary way.
"""

from __future__ import annotations

from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "podshell.direct"


class DirectSocket:
    """One accepted WebSocket."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: WebSocketsSansIOProtocol) -> None:
        self._protocol = protocol

    @property
    def ready(self) -> bool:
        """A message can be written now without growing a queue."""
        protocol = self._protocol
        return protocol.writable.is_set() and not (protocol.close_sent or protocol.disconnected or protocol.transport.is_closing())

    def send(self, data: bytes) -> None:
        """Write one binary message. Only when `ready`."""
        protocol = self._protocol
        protocol.conn.send_binary(data)
        protocol.transport.write(b"".join(protocol.conn.data_to_send()))

    def abort(self) -> None:
        """Drop the connection; what waits is lost. For a peer that does not take a goodbye."""
        self._protocol.transport.abort()


class DirectProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websockets-sansio protocol that offers a DirectSocket to the application, and bounds messages by path."""

    # A terminal sends 32 KiB of input or 16 KiB of JSON at most; a live page a line of JSON.
    small_message_bytes = 64 * 1024

    def handle_connect(self, event: Any) -> None:
        """Handle the upgrade request; see uvicorn."""
        if not event.path.startswith("/link"):
            self.conn.max_message_size = self.small_message_bytes
        super().handle_connect(event)
        if not self.close_sent:
            extensions = cast("dict[str, object]", self.scope["extensions"])
            extensions[EXTENSION] = DirectSocket(self)


def direct_socket(scope: Scope) -> DirectSocket | None:
    """Return the quick way of a socket, when the server has one."""
    found = scope.get("extensions", {}).get(EXTENSION)
    return found if isinstance(found, DirectSocket) else None
