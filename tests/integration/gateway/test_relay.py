"""A terminal's bytes through the gateway."""

from __future__ import annotations

import asyncio
import random

import pytest
from fake_agent import FakeAgent
from gateway_lab import POD, Lab, TerminalClient, hello

from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.terminal import (
    Ack,
    Input,
    Output,
    ServerMessage,
    TerminalError,
    TerminalPing,
    TerminalPong,
    decode_server,
    encode_client,
)


async def receive(socket: object, kind: type[ServerMessage]) -> ServerMessage:
    """Receive up to the first message of a kind."""
    async with asyncio.timeout(20):
        while True:
            message = decode_server(await socket.recv())  # type: ignore[attr-defined]  # a websockets connection
            if isinstance(message, kind):
                return message


async def test_a_browser_signs_in_opens_a_shell_and_types(lab: Lab, agent: FakeAgent) -> None:
    browser = await lab.browser()
    opened = await browser.client.post("/api/sessions", json=POD, headers=browser.headers())
    assert opened.status_code == 201, opened.text
    session, ticket = opened.json()["session"]["id"], opened.json()["ticket"]
    agent.shells[session].echo = True
    async with lab.terminal_socket(Origin=lab.url, Cookie=browser.cookie) as socket:
        await socket.send(hello(session, ticket))
        attached = await receive(socket, m.Attached)
        assert isinstance(attached, m.Attached)
        assert attached.epoch == agent.epoch
        await socket.send(encode_client(Input(0, b"ls\r")))
        received = b""
        while len(received) < 3:
            output = await receive(socket, Output)
            assert isinstance(output, Output)
            received += output.data
        assert received == b"ls\r"
    await browser.close()


async def test_bytes_survive_cuts_of_socket_and_link_in_both_directions(lab: Lab, agent: FakeAgent) -> None:
    """1 MiB each way, cut at random places; every byte arrives once, in order."""
    rng = random.Random(20)
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    shell, sent, typed = agent.shells[session], rng.randbytes(1 << 20), rng.randbytes(1 << 20)
    async with TerminalClient(api, session, ticket, backoff=0.01) as terminal:
        typing = asyncio.create_task(terminal.type(typed))
        for number in range(12):
            agent.write(session, sent[number * len(sent) // 12 : (number + 1) * len(sent) // 12])
            # by then some of it is under way, some not
            seen = terminal.position
            await terminal.wait_for(lambda t, seen=seen: t.position > seen)
            (terminal.drop if number % 2 else agent.cut)()
        await terminal.wait_for(lambda t: len(t.output) == len(sent), 60)
        await typing
        await agent.until(lambda: len(shell.all_typed()) == len(typed), 60)
        assert bytes(terminal.output) == sent
        assert shell.all_typed() == typed
        assert list(shell.typed) == [terminal.viewer]
        assert terminal.attaches > 6
        assert not terminal.gaps
    await api.close()


async def test_a_gateway_restart_keeps_the_session_and_every_byte(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with TerminalClient(api, session, ticket) as terminal:
        agent.write(session, b"before ")
        await terminal.wait_output(b"before ")
        await lab.restart()
        agent.write(session, b"after")
        await terminal.wait_output(b"before after", 60)
        assert agent.goaway is not None
        assert (await lab.record(session)).state == "running"
    await api.close()


async def test_the_last_output_and_the_end_reach_the_terminal(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with TerminalClient(api, session, ticket) as terminal:
        agent.write(session, b"bye\r\n" * 50_000)
        agent.finish(session, m.End("exited", 7))
        end = await terminal.wait_end()
        assert (end.reason, end.exit_code) == ("exited", 7)
        assert terminal.output == b"bye\r\n" * 50_000
    await lab.record_when(session, lambda record: not record.live)
    shown = await api.call("GET", f"/api/sessions/{session}")
    assert shown["state"] == "ended"
    assert shown["end"]["exit_code"] == 7  # type: ignore[index]  # the shape is spec/api.md's
    await api.close()


async def test_an_ended_session_that_the_agent_forgot_shows_its_end(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    agent.finish(session, m.End("exited", 3))
    await lab.record_when(session, lambda record: not record.live)
    del agent.shells[session]
    async with TerminalClient(api, session) as terminal:
        assert (await terminal.wait_end()).exit_code == 3
    await api.close()


async def test_detach_is_told_to_the_agent_and_a_lost_socket_is_not(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    shell = agent.shells[session]
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, ticket))
        await receive(socket, m.Attached)
        await socket.send(encode_client(m.Detach()))
        await socket.wait_closed()
        assert socket.close_code == 1000
    await agent.until(lambda: shell.detached == 1)
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, await api.ticket(session)))
        await receive(socket, m.Attached)
        socket.transport.abort()
    await agent.until(lambda: len(shell.resets) == 1)
    assert shell.resets[0].code == "link_lost"
    assert shell.detached == 1
    await api.close()


async def test_terminal_controls_reach_the_agent(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    shell = agent.shells[session]
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, ticket, cols=100, rows=30, visible=False, window=4096, role="owner"))
        await receive(socket, m.Attached)
        attach, grant = agent.attaches[0]
        assert (attach.cols, attach.rows, attach.visible, attach.window, attach.role) == (100, 30, False, 4096, "owner")
        assert (grant.operation, grant.session, grant.user) == ("attach", session, "ada")
        for message in (m.Resize(120, 40), m.Visibility(True), m.Stay(), TerminalPing(7)):
            await socket.send(encode_client(message))
        assert await receive(socket, TerminalPong) == TerminalPong(7)
        await agent.until(lambda: shell.sizes == [(120, 40)] and shell.stays == 1)
        agent.notify(session, m.Notice("idle_warning", {"seconds": 60}))
        assert await receive(socket, m.Notice) == m.Notice("idle_warning", {"seconds": 60})
    await api.close()


async def test_output_stops_at_the_window_until_it_is_acknowledged(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, ticket, window=4096))
        await receive(socket, m.Attached)
        agent.write(session, bytes(10_000))
        received = 0
        for limit in (4096, 8192, 10_000):
            while received < limit:
                output = await receive(socket, Output)
                assert isinstance(output, Output)
                assert output.offset == received
                received += len(output.data)
            assert received == limit
            # everything that may come has come: a pong is behind it
            await socket.send(encode_client(TerminalPing(limit)))
            assert isinstance(decode_server(await socket.recv()), TerminalPong)
            await socket.send(encode_client(Ack(received)))
    await api.close()


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(encode_client(Ack(1)), id="acknowledges what was never sent"),
        pytest.param(encode_client(Input(5, b"x")), id="leaves out input"),
        pytest.param(encode_client(Input(0, b"x" * 30_000)) + b"x" * 10_000, id="sends too much in one message"),
        pytest.param(b"\x99", id="sends an unknown type"),
        pytest.param(b"\x42" + bytes(8), id="sends what only a gateway may"),
        pytest.param(b"", id="sends nothing"),
    ],
)
async def test_a_terminal_that_breaks_the_protocol_is_closed_and_its_session_goes_on(lab: Lab, agent: FakeAgent, message: bytes) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, ticket))
        await receive(socket, m.Attached)
        await socket.send(message)
        error = await receive(socket, TerminalError)
        assert isinstance(error, TerminalError)
        assert error.refusal.code == "protocol_error"
        await socket.wait_closed()
        assert socket.close_code == 4400
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, await api.ticket(session)))
        assert await receive(socket, m.Attached)
    await api.close()


async def test_an_observer_sees_and_cannot_type(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    agent.write(session, b"seen")
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, await api.ticket(session), role="observer"))
        output = await receive(socket, Output)
        assert isinstance(output, Output)
        assert output.data == b"seen"
        assert agent.attaches[0][1].operation == "observe"
        await socket.send(encode_client(Input(0, b"x")))
        await socket.wait_closed()
        assert socket.close_code == 4400
    assert agent.shells[session].all_typed() == b""
    await api.close()


async def test_a_terminal_that_does_not_read_its_goodbye_is_cut_off(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, ticket, window=1 << 20))
        await receive(socket, m.Attached)
        socket.transport.pause_reading()
        agent.write(session, bytes(1 << 20))
        # more than the kernel takes waits in the gateway
        await agent.until(lambda: agent.data_bytes_sent == 1 << 20)
        relays = [task for task in asyncio.all_tasks() if "terminal of" in task.get_name()]
        assert relays
        lab.gateway.services.terminals.drop(session, Refusal(ErrorCode.REVOKED, RefusedBy.POLICY, "over"))
        async with asyncio.timeout(20):
            await asyncio.wait(relays)
        await agent.until(lambda: len(agent.shells[session].resets) == 1)
        socket.transport.abort()
    await api.close()


async def test_a_terminal_that_comes_again_ends_its_older_socket(lab: Lab, agent: FakeAgent) -> None:
    """After a change of network the old connection is half open; it must not go on holding back output."""
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with lab.terminal_socket() as older, lab.terminal_socket() as newer:
        await older.send(hello(session, ticket, viewer="v1"))
        await receive(older, m.Attached)
        await newer.send(hello(session, await api.ticket(session), viewer="v1"))
        await receive(newer, m.Attached)
        await older.wait_closed()
        assert older.close_code == 4409
        assert len(agent.shells[session].consumers) == 1
    await api.close()


async def test_twenty_stalled_terminals_do_not_hold_up_the_others(lab: Lab, agent: FakeAgent) -> None:
    """100 sessions on one link, 20 of them have a full window unread: the others get every frame all the same."""
    api = lab.api()
    opened = [await api.open_session(**POD) for _ in range(100)]
    sockets = []
    try:
        for session, ticket in opened:
            socket = await lab.terminal_socket()
            sockets.append(socket)
            await socket.send(hello(session, ticket, window=65_536))
            await receive(socket, m.Attached)
        stalled, others = list(zip(opened, sockets, strict=True))[:20], list(zip(opened, sockets, strict=True))[20:]
        for (session, _), socket in stalled:
            socket.transport.pause_reading()
            agent.write(session, bytes(200_000))
        for round_number in range(5):
            for (session, _), _socket in others:
                agent.write(session, b"%d" % round_number)
            for _, socket in others:
                output = await receive(socket, Output)
                assert isinstance(output, Output)
                assert output.data == b"%d" % round_number
    finally:
        for socket in sockets:
            socket.transport.abort()
        await api.close()
