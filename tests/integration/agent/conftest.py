"""Fixtures of the agent's integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from link_gateway import GatewayEnd, GatewayServer
from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayServer]:
    async with GatewayServer().running() as server:
        yield server


@pytest.fixture
def settings(gateway: GatewayServer, sandbox_cluster: SandboxCluster, tmp_path: Path) -> AgentSettings:
    kubeconfig = tmp_path / "kubeconfig"
    sandbox_cluster.write_kubeconfig(kubeconfig, users.AGENT)
    return AgentSettings(
        gateway_urls=(gateway.url,),
        cluster="east",
        state_dir=tmp_path / "agent",
        kubeconfig=kubeconfig,
        ceiling=Ceiling(pod_exec=True),
        reconnect_base_seconds=0.1,
        restart_base_seconds=0.1,
    )


@pytest.fixture
async def link(settings: AgentSettings, gateway: GatewayServer) -> AsyncIterator[GatewayEnd]:
    async with Agent(settings):
        yield await gateway.next_link()
