"""What a kubelet asks an agent."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.kube.kubeconfig import load_connection
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_an_agent_is_alive_at_once_and_ready_with_its_link(sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    sandbox_cluster.write_kubeconfig(kubeconfig, user=users.AGENT)
    port = free_port()
    settings = AgentSettings(cluster="east", state_dir=tmp_path / "agent", health_port=port)
    async with (
        Agent(settings, load_connection(files=[kubeconfig])) as agent,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        alive = await client.get("/healthz")
        assert (alive.status_code, alive.text) == (200, "ok\n")
        async with asyncio.timeout(20):
            while not agent.inventory.pods_known:  # the first list of the reflector; it tells nobody else
                await asyncio.sleep(0.02)
        waiting = await client.get("/readyz")
        assert (waiting.status_code, waiting.text) == (503, "no gateway is connected\n")
        agent._note_link(True)
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.text) == (200, "ok\n")
        agent._note_link(False)


async def test_a_taken_port_is_said(tmp_path: Path, sandbox_cluster: SandboxCluster) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    sandbox_cluster.write_kubeconfig(kubeconfig, user=users.AGENT)
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        settings = AgentSettings(cluster="east", state_dir=tmp_path / "agent", health_port=taken.getsockname()[1])
        agent = Agent(settings, load_connection(files=[kubeconfig]))
        with pytest.raises(ValueError, match=r"the health port \d+ cannot be used: it is taken; choose another one, or 0 for none"):
            await agent.start()
        await agent.stop()
