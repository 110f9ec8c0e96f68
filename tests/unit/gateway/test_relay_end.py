"""A terminal's socket and its session may end in the same moment."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from podshell.gateway.relay import Relay
from podshell.wire import messages as m
from podshell.wire.terminal import TerminalHello


class GoneSocket:
    """A browser that has gone while the writer was in the middle of a message."""

    def __init__(self) -> None:
        self.scope: dict[str, object] = {}
        self.sending = asyncio.Event()
        self.at_the_end: Any = None

    async def receive(self) -> dict[str, object]:
        await self.sending.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send_bytes(self, data: bytes) -> None:
        self.sending.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.at_the_end()

    async def close(self, code: int) -> None:
        pass


async def test_a_session_that_ends_while_its_terminal_goes_does_not_hurt_the_link() -> None:
    """What the handler of a stream raises reaches the reader of the whole link: one closed tab cost every shell its link."""
    resets: list[int] = []
    link: Any = SimpleNamespace(set_source=lambda *_, **__: None, reset=lambda stream, refusal: resets.append(stream))
    socket, raised = GoneSocket(), []

    async def close() -> None:
        pass

    relay = Relay(cast(Any, socket), link, TerminalHello("ticket", "session", "viewer"), close, lambda *_: None)

    def session_ends() -> None:
        try:
            relay.receive_message(m.End("exited", 0))
        except Exception as error:
            raised.append(error)

    socket.at_the_end = session_ends
    relay.start(3)
    relay.receive_message(m.Attached("session", "epoch", 1, "running", 0, 0, 0, 0))
    async with asyncio.timeout(10):
        await relay.run()
    assert raised == []
    assert resets == [], "the session has ended: there is no stream to give back"
