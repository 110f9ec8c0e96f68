"""A terminal's bytes through the gateway."""

from __future__ import annotations

import asyncio
import hashlib
import random

from fake_agent import FakeAgent
from gateway_lab import POD, Lab, TerminalClient, hello

from podshell.wire import messages as m
from podshell.wire.terminal import Ack, Input, Output, OutputGap, TerminalError, TerminalPing, TerminalPong, decode_server, encode_client


async def test_a_browser_signs_in_opens_a_shell_and_types(lab: Lab, agent: FakeAgent) -> None:
    browser = await lab.browser()
    opened = await browser.client.post("/api/sessions", json=POD, headers=browser.headers())
    assert opened.status_code == 201, opened.text
    session, ticket = opened.json()["session"]["id"], opened.json()["ticket"]
    agent.shells[session].echo = True
    async with lab.terminal_socket(Origin=lab.url, Cookie=browser.cookie) as socket:
        await socket.send(hello(session, ticket))
        attached = decode_server(await socket.recv())
        assert isinstance(attached, m.Attached)
        assert attached.epoch == agent.epoch
        await socket.send(encode_client(Input(0, b"ls\r")))
        received = b""
        while len(received) < 3:
            message = decode_server(await socket.recv())
            if isinstance(message, Output):
                received += message.data
        assert received == b"ls\r"
    await browser.close()
