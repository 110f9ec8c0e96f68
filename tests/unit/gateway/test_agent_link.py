"""One stream's fault stays that stream's."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from podshell.gateway.agent_link import AgentLink
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal
from podshell.wire.link import DataReceived, LinkConnection, Side


class Handler:
    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.output = bytearray()
        self.lost: list[Refusal] = []

    def receive_data(self, offset: int, data: memoryview) -> None:
        if self.broken:
            raise RuntimeError("a bug")
        self.output += data

    def receive_message(self, message: object) -> None: ...
    def receive_gap(self, start: int, end: int) -> None: ...
    def receive_window(self, acked: int, limit: int) -> None: ...

    def lose(self, refusal: Refusal) -> None:
        self.lost.append(refusal)


def attach() -> m.Attach:
    return m.Attach(session="s1", viewer="v1", grant=b"")


async def test_a_handler_that_fails_loses_its_stream_and_nobody_elses(caplog: pytest.LogCaptureFixture) -> None:
    connection = LinkConnection(Side.GATEWAY, now=0.0)
    socket: Any = SimpleNamespace(scope={})
    hello: Any = SimpleNamespace(cluster="east", instance="agent-1", epoch="e1", draining=False)
    link = AgentLink(connection, socket, hello, lambda *_: None)
    broken, sound = Handler(broken=True), Handler()
    first, second = connection.open_consumer(attach()), connection.open_consumer(attach())
    link._handlers |= {first: broken, second: sound}
    with caplog.at_level(logging.ERROR):
        link._dispatch([DataReceived(first, 0, memoryview(b"x"), False), DataReceived(second, 0, memoryview(b"typed"), False)])
        link._dispatch([DataReceived(first, 1, memoryview(b"y"), False)])
    assert bytes(sound.output) == b"typed"
    assert sound.lost == []
    assert [refusal.code for refusal in broken.lost] == [ErrorCode.INTERNAL]
    assert not connection.has_stream(first)
    assert connection.has_stream(second)
    assert "typed" not in caplog.text
