"""Tickets: one socket, once, for one user and one session."""

from __future__ import annotations

import asyncio

import pytest
import websockets
from fake_agent import FakeAgent
from gateway_lab import POD, Lab, hello

from podshell.wire.terminal import TerminalError, decode_server


async def refused_code(lab: Lab, first: bytes) -> tuple[str, int]:
    """Open a terminal socket with a first message; returns the error's code and the close code."""
    async with lab.terminal_socket() as socket, asyncio.timeout(20):
        await socket.send(first)
        error = decode_server(await socket.recv())
        assert isinstance(error, TerminalError), error
        await socket.wait_closed()
        return error.refusal.code.value, socket.close_code or 0


async def test_a_ticket_works_once(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, ticket))
        decode_server(await socket.recv())
    assert await refused_code(lab, hello(session, ticket)) == ("ticket_refused", 4410)
    await api.close()


async def test_a_ticket_is_for_its_session_and_purpose_only(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    other, _ = await api.open_session(**POD)
    assert (await refused_code(lab, hello(other, ticket)))[0] == "ticket_refused"
    assert (await refused_code(lab, hello(session, ticket)))[0] == "ticket_refused", "it was used up by the attempt"
    live = await api.call("POST", "/api/tickets", {"purpose": "live"})
    assert (await refused_code(lab, hello(session, str(live["ticket"]))))[0] == "ticket_refused"
    assert not agent.attaches
    await api.close()


async def test_a_ticket_of_an_earlier_life_of_the_gateway_is_to_be_replaced(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    await lab.restart()
    assert await refused_code(lab, hello(session, ticket)) == ("link_lost", 4503)
    await api.close()


async def test_forged_tickets_reach_no_agent(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    for forged in ("", "x", ticket[:-1], ticket + "x", ticket.split(".")[0] + ".x"):
        assert (await refused_code(lab, hello(session, forged)))[0] in ("ticket_refused", "link_lost")
    assert not agent.attaches
    await api.close()


@pytest.mark.parametrize("kind", ["terminal", "live"])
async def test_a_socket_that_does_not_say_who_it_is_is_closed_and_not_taken_for_signed_out(
    lab: Lab, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("podshell.gateway.terminals.HELLO_SECONDS", 0.2)
    monkeypatch.setattr("podshell.gateway.live.HELLO_SECONDS", 0.2)
    address, bearer = f"{lab.ws_url}/ws/{kind}", {"Authorization": f"Bearer {lab.token}"}
    subprotocols = [websockets.Subprotocol(f"podshell.{kind}.v1")]
    async with asyncio.timeout(20), websockets.connect(address, subprotocols=subprotocols, additional_headers=bearer) as socket:
        await socket.wait_closed()
        assert socket.close_code == 4410
    assert not agent.attaches
