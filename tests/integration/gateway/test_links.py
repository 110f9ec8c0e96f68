"""Agents at the gateway's door: enrolment, proof, clones."""

from __future__ import annotations

import asyncio
import secrets

import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fake_agent import FakeAgent
from gateway_lab import POD, Lab

from podshell.gateway.facts import FactKeeper
from podshell.wire.messages import Fact
from terminal_client import ApiError


async def rejected(agent: FakeAgent) -> str:
    """Start an agent that must be rejected; returns the code."""
    async with agent:
        await agent.until(lambda: agent.rejected is not None)
        assert not agent.welcomes
        assert agent.rejected is not None
        return agent.rejected.refusal.code.value


async def test_an_agent_joins_with_a_token_once_and_with_its_key_from_then_on(lab: Lab) -> None:
    agent = await lab.agent()
    async with agent:
        await agent.until(agent.linked.is_set)
    again = FakeAgent(lab.url, "lab", key=agent.key)
    async with again:
        await again.until(again.linked.is_set)
    thief = FakeAgent(lab.url, "lab", token=agent.token)
    assert await rejected(thief) == "unauthenticated", "a token works once"


async def test_an_unknown_key_stays_outside(lab: Lab) -> None:
    assert await rejected(FakeAgent(lab.url, "lab")) == "unauthenticated"
    assert await rejected(FakeAgent(lab.url, "lab", token="guessed")) == "unauthenticated"
    assert not lab.gateway.services.links.all()


async def test_a_token_shown_for_another_cluster_is_used_up(lab: Lab) -> None:
    token = await lab.gateway.make_enrolment("lab")
    assert await rejected(FakeAgent(lab.url, "other", token=token)) == "unauthenticated"
    assert await rejected(FakeAgent(lab.url, "lab", token=token)) == "unauthenticated"


async def test_a_key_is_for_its_own_cluster_only(lab: Lab, agent: FakeAgent) -> None:
    foreign = FakeAgent(lab.url, "other", key=agent.key, token=await lab.gateway.make_enrolment("other"))
    assert await rejected(foreign) == "unauthenticated"


@pytest.mark.parametrize("claim", ["signature", "public_key", "cluster", "instance", "epoch"])
async def test_a_proof_binds_everything_that_is_claimed(lab: Lab, agent: FakeAgent, claim: str) -> None:
    """HELLO says something else than what was signed."""
    liar = FakeAgent(lab.url, "lab", key=agent.key, instance="agent-9")
    stranger = Ed25519PrivateKey.generate()
    false: dict[str, object] = {
        "signature": secrets.token_bytes(64),
        "public_key": stranger.public_key().public_bytes_raw(),
        "cluster": "other",
        "instance": "agent-1",
        "epoch": "another",
    }
    liar.lies = {claim: false[claim]}
    assert await rejected(liar) == "unauthenticated"


async def test_the_newer_of_two_clones_is_refused_and_the_older_stays(lab: Lab, agent: FakeAgent) -> None:
    for _ in range(2):
        clone = FakeAgent(lab.url, "lab", key=agent.key, instance=agent.instance)
        clone.epoch = agent.epoch
        assert await rejected(clone) == "conflict"
    rows = [row for row in await lab.gateway.services.audit.newest(100) if row.action == "agent.clone"]
    assert [(row.cluster, row.outcome, row.details["instance"]) for row in rows] == [("lab", "refused", "agent-1")], "told once"
    api = lab.api()
    session, _ = await api.open_session(**POD)
    assert session in agent.shells
    await api.close()


async def test_a_new_life_takes_the_place_of_the_old_link(lab: Lab, agent: FakeAgent) -> None:
    async with FakeAgent(lab.url, "lab", key=agent.key, instance=agent.instance) as newer:
        await newer.until(newer.linked.is_set)
        links = lab.gateway.services.links.all()
        assert [link.place.epoch for link in links] == [newer.epoch]
        await agent.stop()


async def test_a_lost_link_is_not_chosen_while_its_last_facts_are_written(
    lab: Lab, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    await agent.until(lambda: not agent.unacked)
    writing, go_on = asyncio.Event(), asyncio.Event()
    keep = FactKeeper.keep

    async def slowly(self: FactKeeper, fact: Fact) -> object:
        writing.set()
        await go_on.wait()
        return await keep(self, fact)

    monkeypatch.setattr(FactKeeper, "keep", slowly)
    monkeypatch.setattr("podshell.gateway.keepers.LAST_FACTS_SECONDS", 60.0)
    gone = asyncio.Event()
    lab.gateway.services.links.on_change(lambda _, up: None if up else gone.set())
    agent.tell(session, "ended", reason="idle")
    async with asyncio.timeout(20):
        await writing.wait()
        await agent.stop()
        await gone.wait()
    with pytest.raises(ApiError) as offline:
        await api.open_session(**POD)
    assert offline.value.error["code"] == "agent_offline"
    go_on.set()
    await lab.record_when(session, lambda record: record.end is not None)
    await api.close()


async def test_an_agent_that_speaks_out_of_turn_is_cut_off(lab: Lab) -> None:
    for first in (b"\x02\0\0\0\0\0\0\x01\xc0", b"\x05\0\0\0\0\0\0\0", b"\x99\0\0\0\0\0\0\0"):
        subprotocols = [websockets.Subprotocol("podshell.link.v1")]
        async with websockets.connect(f"{lab.ws_url}/link", subprotocols=subprotocols) as socket:
            await socket.recv()
            await socket.send(first)
            await socket.wait_closed()
            assert socket.close_code == 1002
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"{lab.ws_url}/link")


async def test_clusters_show_their_agents(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    (cluster,) = await api.call("GET", "/api/clusters")
    assert cluster["name"] == "lab"  # type: ignore[index]  # a row
    assert cluster["state"] == "online"  # type: ignore[index]
    assert cluster["ceiling"] == {"podExec": True}  # type: ignore[index]
    assert cluster["kubernetes_version"] == "v1.36.2"  # type: ignore[index]
    assert cluster["agents"][0]["instance"] == agent.instance  # type: ignore[index]
    await api.close()
