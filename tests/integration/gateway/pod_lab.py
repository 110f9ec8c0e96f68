"""Everything real from the page to the pods: a gateway, an agent, and a sandbox cluster with pods in trouble."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import websockets
from gateway_lab import Lab, running_lab

from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.gateway.audit import AuditRow
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.resources import POD

PATIENCE_SECONDS = 30.0


class PodLab:
    """The three parts."""

    def __init__(self, lab: Lab, agent: Agent, cluster: SandboxCluster) -> None:
        self.lab = lab
        self.agent = agent
        self.cluster = cluster
        self.api = lab.api()

    def pod_name(self, prefix: str) -> str:
        return next(one["metadata"]["name"] for one in self.cluster.store.list(POD) if one["metadata"]["name"].startswith(prefix))

    def path(self, pod: str, what: str = "") -> str:
        return f"/api/clusters/lab/namespaces/shop/pods/{pod}{what}"

    async def audit(self, action: str) -> list[AuditRow]:
        """The rows of one action, oldest first."""
        return [row for row in reversed(await self.lab.gateway.services.audit.newest(1000)) if row.action == action]

    async def page(self) -> Page:
        ticket = (await self.api.call("POST", "/api/tickets", {"purpose": "live"}))["ticket"]
        socket = await websockets.connect(
            f"{self.lab.ws_url}/ws/live", additional_headers={"Authorization": f"Bearer {self.lab.token}"}, max_size=None
        )
        await socket.send(json.dumps({"ticket": ticket}))
        assert json.loads(await socket.recv()) == {"type": "ready"}
        return Page(socket)


class Page:
    """A live socket: the rows of each subscription by uid, and each log as far as it came."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        self.complete: set[str] = set()
        self.texts: dict[str, str] = {}
        self.offsets: dict[str, int] = {}
        self.ends: dict[str, dict[str, Any] | None] = {}

    async def send(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def read_log(self, id: str, pod: str, **fields: object) -> None:
        self.texts[id], self.offsets[id] = "", 0
        self.ends.pop(id, None)
        await self.send(logs=id, cluster="lab", namespace="shop", pod=pod, **{"container": "main", **fields})

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._take(json.loads(await self.socket.recv()))

    def _take(self, message: dict[str, Any]) -> None:
        id = message.get("id", "")
        match message["type"]:
            case "batch":
                rows = self.rows.setdefault(id, {})
                if message["reset"]:
                    rows.clear()
                rows |= {row["uid"]: row for row in message["set"]}
                for uid in message["removed"]:
                    rows.pop(uid, None)
                if message["complete"]:
                    self.complete.add(id)
            case "log":
                self.texts[id] += message["text"]
                assert message["end"] >= self.offsets[id]
                self.offsets[id] = message["end"]
            case "log_end":
                self.ends[id] = message["refusal"]


async def settled(condition: Callable[[], object], what: str) -> None:
    """Look at what tells nobody of its changes until `condition` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {what}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running_pods(folder: Path, cluster: SandboxCluster, ceiling: Ceiling) -> AsyncIterator[PodLab]:
    """Run gateway and agent over a sandbox cluster; entered once the agent is linked and has read the pods."""
    kubeconfig, enrolment = folder / "kubeconfig", folder / "enrolment"
    cluster.write_kubeconfig(kubeconfig, users.AGENT)
    async with running_lab(folder / "gateway") as lab:
        enrolment.write_text(await lab.gateway.make_enrolment("lab"))
        settings = AgentSettings(
            gateway_urls=(lab.url,), cluster="lab", state_dir=folder / "agent", kubeconfig=kubeconfig, enrolment_token_file=enrolment,
            ceiling=ceiling, reconnect_base_seconds=0.05,
        )  # fmt: skip
        async with Agent(settings) as agent:
            await agent.linked.wait()
            pods = PodLab(lab, agent, cluster)
            yield pods
            await pods.api.close()
