"""The live socket: many subscriptions, shared feeds, and what happens when agents come and go."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import websockets
from fake_agent import FakeAgent
from gateway_lab import POD, Lab

from podshell.gateway.app import Gateway
from podshell.gateway.bus import HostileBus
from podshell.wire import messages as m
from podshell.wire.calls import InventoryBatch, PodRow


def pod(name: str, status: str = "Running", namespace: str = "default") -> PodRow:
    return PodRow(f"uid-{name}", namespace, name, "Running", status, "1/1", 0, "2026-01-01T00:00:00Z")


def batch(*rows: PodRow, removed: tuple[str, ...] = (), **fields: Any) -> InventoryBatch:
    return InventoryBatch(msgspec.Raw(msgspec.msgpack.encode(list(rows))), list(removed), **fields)


class LivePage:
    """A page: what each subscription shows by uid, and everything that came."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        self.complete: set[str] = set()
        self.refusals: dict[str, Any] = {}
        self.resets = 0

    async def subscribe(self, id: str, topic: str, **what: str) -> None:
        self.rows[id] = {}
        await self.socket.send(json.dumps({"subscribe": id, "topic": topic, **what}))

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self.take(json.loads(await self.socket.recv()))

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] != "batch":
            return
        id = message["id"]
        if message["reset"]:
            self.resets += 1
            self.rows[id] = {}
            self.complete.discard(id)
        for row in message["set"]:
            self.rows[id][row.get("uid") or row.get("id") or row["name"]] = row
        for uid in message["removed"]:
            self.rows[id].pop(uid, None)
        if message["complete"]:
            self.complete.add(id)
        self.refusals[id] = message["refusal"]


async def open_page(lab: Lab) -> LivePage:
    api = lab.api()
    ticket = (await api.call("POST", "/api/tickets", {"purpose": "live"}))["ticket"]
    await api.close()
    socket = await websockets.connect(f"{lab.ws_url}/ws/live", additional_headers={"Authorization": f"Bearer {lab.token}"}, max_size=None)
    await socket.send(json.dumps({"ticket": ticket}))
    assert json.loads(await socket.recv()) == {"type": "ready"}
    return LivePage(socket)


async def test_pods_come_and_change_and_go(lab: Lab, agent: FakeAgent) -> None:
    agent.pods = [pod("web-0"), pod("web-1")]
    page = await open_page(lab)
    await page.subscribe("p", "pods", cluster="lab", namespace="default")
    await page.until(lambda: "p" in page.complete)
    assert set(page.rows["p"]) == {"uid-web-0", "uid-web-1"}
    agent.send_batch(batch(pod("web-0", "CrashLoopBackOff"), removed=("uid-web-1",)))
    await page.until(lambda: "uid-web-1" not in page.rows["p"])
    assert page.rows["p"]["uid-web-0"]["status"] == "CrashLoopBackOff"
    await page.socket.close()


async def test_two_pages_share_one_feed_and_the_second_sees_what_is_there(lab: Lab, agent: FakeAgent) -> None:
    agent.pods = [pod(f"web-{number}") for number in range(1200)]
    first, second = await open_page(lab), await open_page(lab)
    for page in (first, second):
        await page.subscribe("p", "pods", cluster="lab")
        await page.until(lambda page=page: "p" in page.complete)
        assert len(page.rows["p"]) == 1200
    assert [method for method, _ in agent.calls] == ["inventory.watch"]
    await first.socket.close()
    await second.socket.close()


async def test_a_lost_agent_is_said_and_a_new_list_follows_when_it_is_back(lab: Lab, agent: FakeAgent) -> None:
    agent.pods = [pod("web-0")]
    page = await open_page(lab)
    await page.subscribe("p", "pods", cluster="lab")
    await page.until(lambda: "p" in page.complete)
    agent.pods = [pod("web-9")]
    agent.cut()
    await page.until(lambda: page.refusals.get("p") is not None)
    assert page.refusals["p"]["code"] == "agent_offline"
    await page.until(lambda: set(page.rows["p"]) == {"uid-web-9"} and page.refusals["p"] is None)
    await page.socket.close()


async def test_sessions_and_clusters_are_shown_as_they_change(lab: Lab, agent: FakeAgent) -> None:
    page = await open_page(lab)
    await page.subscribe("s", "sessions")
    await page.subscribe("c", "clusters")
    await page.until(lambda: {"s", "c"} <= page.complete)
    assert page.rows["c"]["lab"]["state"] == "online"
    api = lab.api()
    session, _ = await api.open_session(**POD)
    await page.until(lambda: page.rows["s"].get(session, {}).get("state") == "running")
    agent.finish(session, m.End("exited", 4))
    await page.until(lambda: page.rows["s"][session]["state"] == "ended")
    assert page.rows["s"][session]["end"]["exit_code"] == 4
    await agent.stop()
    await page.until(lambda: page.rows["c"]["lab"]["state"] == "offline")
    await api.close()
    await page.socket.close()


async def test_a_bus_that_drops_duplicates_and_reorders_leaves_no_page_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podshell.gateway.live.RESYNC_SECONDS", 0.2)
    lab = Lab(tmp_path)
    lab.gateway = Gateway(lab.settings, bus=HostileBus(seed=7, chance=0.3))
    await lab.start()
    try:
        async with await lab.agent() as agent:
            await agent.until(agent.linked.is_set)
            page = await open_page(lab)
            await page.subscribe("s", "sessions")
            api = lab.api()
            opened = [(await api.open_session(**POD))[0] for _ in range(10)]
            await page.until(lambda: all(page.rows["s"].get(id, {}).get("state") == "running" for id in opened))
            for session in opened:
                agent.finish(session, m.End("exited", 0))
            await page.until(lambda: all(page.rows["s"].get(id, {}).get("state") == "ended" for id in opened))
            await api.close()
            await page.socket.close()
    finally:
        await lab.gateway.stop()


async def test_what_cannot_be_watched_is_refused_on_its_own_subscription(lab: Lab, agent: FakeAgent) -> None:
    agent.pods = [pod("web-0")]
    page = await open_page(lab)
    await page.subscribe("x", "pods", cluster="nowhere")
    await page.subscribe("p", "pods", cluster="lab")
    await page.until(lambda: page.refusals.get("x") is not None and "p" in page.complete)
    assert page.refusals["x"]["code"] == "cluster_unknown"
    await page.socket.close()


@pytest.mark.parametrize("first", ['{"ticket": "x"}', "{}", "nonsense", '{"subscribe": "p", "topic": "pods"}'])
async def test_nothing_is_shown_without_a_ticket(lab: Lab, first: str) -> None:
    async with websockets.connect(f"{lab.ws_url}/ws/live", additional_headers={"Authorization": f"Bearer {lab.token}"}) as socket:
        await socket.send(first)
        assert json.loads(await socket.recv())["type"] == "error"
        await socket.wait_closed()
        assert (socket.close_code or 0) >= 4000
