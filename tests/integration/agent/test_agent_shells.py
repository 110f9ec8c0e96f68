"""The agent against a sandbox cluster and a gateway's end of the link: shells open, work and leave nothing behind."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from link_gateway import GatewayEnd, GatewayServer, Viewer
from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.wire.calls import OpenedSession, OpenSession


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


def opening(**fields: object) -> OpenSession:
    values = {"session": secrets.token_hex(8), "kind": "exec", "namespace": "shop", "pod": "cart-0", "user": "ada", "container": "cart"}
    return OpenSession(**{**values, **fields})  # type: ignore[arg-type]  # fields of OpenSession


async def open_shell(link: GatewayEnd, **fields: object) -> Viewer:
    """Open a session, attach its owner, and wait for the prompt."""
    wanted = opening(**fields)
    opened = await link.open(wanted)
    assert isinstance(opened, OpenedSession), opened
    viewer = link.attach(wanted.session)
    await viewer.until_attached()
    return viewer


async def test_a_shell_opens_answers_and_tells_its_exit_code(link: GatewayEnd) -> None:
    viewer = await open_shell(link, cols=101, rows=37)
    viewer.type("stty size; echo $((40+2))\n")
    output = await viewer.until_output(b"\r\n42\r\n")
    assert b"37 101\r\n" in output
    assert b"\x1e" not in output
    viewer.type("exit 7\n")
    end = await viewer.until_end()
    assert (end.reason, end.exit_code, end.left, end.unkilled) == ("exited", 7, [], [])
