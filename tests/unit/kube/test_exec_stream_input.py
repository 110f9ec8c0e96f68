"""How an exec stream tells that input may go on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from podshell.kube.channels import Subprotocol
from podshell.kube.exec_stream import ExecStream
from podshell.kube.stdin_window import WINDOW_V5_BYTES

PIECE_BYTES = 16 * 1024


class FakeTransport:
    """A socket that takes everything at once; pongs are the test's."""

    def __init__(self) -> None:
        self.sent_bytes = 0
        self.pings: list[bytes] = []
        self.underlying_transport = SimpleNamespace()
        self.is_disconnected = False

    def send_reuse_external_bytearray(self, kind: object, message: bytearray, offset: int) -> None:
        self.sent_bytes += len(message) - offset - 1  # behind the reserved header and the channel

    def send_ping(self, payload: bytes = b"") -> None:
        self.pings.append(payload)

    def send(self, kind: object, message: bytes) -> None:
        pass

    def disconnect(self, graceful: bool = True) -> None:
        pass


async def test_who_fills_the_window_again_when_told_so_is_told_again() -> None:
    """A lost wake: 1 MiB typed into `head -c 1048576` stood still in the middle, with the window empty."""
    waiting = [b"x" * PIECE_BYTES] * 64

    def send_what_waits() -> None:
        while waiting and stream.stdin_writable:
            stream.send_stdin(waiting.pop())

    transport = FakeTransport()
    receiver: Any = SimpleNamespace(up=lambda: None, output=lambda channel, data: None, ended=lambda end: None)
    stream = ExecStream(cast(Any, None), "/exec", True, receiver, send_what_waits)
    stream._attach(cast(Any, transport), Subprotocol.V5)
    send_what_waits()
    assert transport.sent_bytes == WINDOW_V5_BYTES
    while transport.pings:
        # as the socket hands them over: two pongs of one read, then what follows from them
        for payload in (transport.pings.pop(0) for _ in range(min(6, len(transport.pings)))):
            stream._receive_pong(payload)
    assert waiting == []
    assert transport.sent_bytes == 64 * PIECE_BYTES
    stream.abort()
