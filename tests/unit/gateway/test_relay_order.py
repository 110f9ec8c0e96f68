"""In which order a relay tells its terminal what came from the agent."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

from podshell.gateway.relay import Relay
from podshell.wire import messages as m
from podshell.wire.terminal import InputAck, TerminalHello, decode_server


class RecordingSocket:
    """A terminal that takes everything and says nothing; it hangs up after `count` messages."""

    def __init__(self, count: int) -> None:
        self.scope: dict[str, object] = {}
        self.sent: list[object] = []
        self._count = count
        self._gone = asyncio.Event()

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(decode_server(data))
        if len(self.sent) == self._count:
            self._gone.set()

    async def receive(self) -> dict[str, str]:
        await self._gone.wait()
        return {"type": "websocket.disconnect"}


async def test_credit_for_input_that_comes_with_attached_is_told_after_it() -> None:
    """Told before it, the limit in ATTACHED would be the last word, and a terminal whose credit is used up would wait for ever."""

    async def close() -> None: ...

    socket = RecordingSocket(2)
    hello = TerminalHello("ticket", "s1", "0123456789abcdef")
    relay = Relay(socket, Mock(), hello, close, lambda *_: None)  # type: ignore[arg-type]  # as much of a WebSocket as it uses
    relay.start(1)
    attached = m.Attached("s1", "e1", 1, "running", start=0, head=0, input_taken=65_536, input_limit=65_536)
    relay.receive_message(attached)
    relay.receive_window(65_536, 131_072)
    async with asyncio.timeout(20):
        await relay.run()
    assert socket.sent == [attached, InputAck(65_536, 131_072)]
