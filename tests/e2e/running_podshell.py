"""A gateway and an agent on the cluster under test, in this process, and the shells that tests open through them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cluster_pods import NAMESPACE, PATIENCE_SECONDS, ClusterPods

from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings, ToolsSettings
from podshell.gateway.app import Gateway
from podshell.gateway.journal import SessionRecord
from podshell.gateway.settings import GatewaySettings
from terminal_client import Api, TerminalClient

CLUSTER = "e2e"
COMMAND = [sys.executable, "-m", "podshell.launch.main"]


class RunningPodshell:
    """A gateway; `agent` or `agent_process` run beside it."""

    def __init__(self, pods: ClusterPods, folder: Path, gateway: Gateway) -> None:
        self.pods = pods
        self.folder = folder
        self.gateway = gateway
        self.token_file = folder / "cli.json"
        self.api = Api("", "")

    @property
    def url(self) -> str:
        return self.gateway.url

    @asynccontextmanager
    async def shell(self, pod: str, container: str = "main", *, end: bool = True, **options: object) -> AsyncIterator[TerminalClient]:
        """Open a session with a terminal on it; `end`: and end it at the end."""
        session, ticket = await self.api.open_session(cluster=CLUSTER, namespace=NAMESPACE, pod=pod, container=container, **options)
        async with TerminalClient(self.api, session, ticket) as terminal:
            try:
                yield terminal
            finally:
                if end and terminal.end is None:
                    await self.api.call("DELETE", f"/api/sessions/{session}")

    async def record(self, terminal: TerminalClient) -> SessionRecord:
        """Return what the gateway knows of a running shell's processes, as soon as it does."""
        journal = self.gateway.services.journal
        changed = asyncio.Event()
        end = self.gateway.services.bus.subscribe("sessions", lambda _: changed.set())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (found := await journal.find(terminal.session)) is None or not found.sid:
                    await changed.wait()
                    changed.clear()
                return found
        finally:
            end()

    async def enrolment(self) -> Path:
        path = self.folder / "enrolment"
        path.write_text(await self.gateway.make_enrolment(CLUSTER))
        return path


@asynccontextmanager
async def running_gateway(pods: ClusterPods, folder: Path, **settings: object) -> AsyncIterator[RunningPodshell]:
    """Run a gateway that is patient with busy machines."""
    folder.mkdir(parents=True, exist_ok=True)
    gateway = Gateway(GatewaySettings(port=0, state_dir=folder / "state", agent_answer_seconds=20.0, **settings))  # type: ignore[arg-type]  # by name
    running = RunningPodshell(pods, folder, gateway)
    try:
        await gateway.start()
        await gateway.write_cli_token(running.token_file)
        running.api = Api(gateway.url, json.loads(running.token_file.read_text())["token"])
        yield running
    finally:
        await running.api.close()
        await gateway.stop()


@asynccontextmanager
async def running_podshell(
    pods: ClusterPods,
    folder: Path,
    *,
    ceiling: Ceiling | None = None,
    tools: ToolsSettings | None = None,
    kubeconfig: Path | None = None,
    **settings: object,
) -> AsyncIterator[RunningPodshell]:
    """Run a gateway and an agent, which by default allows shells in running containers only. `kubeconfig`: the agent's, if not its own."""
    async with running_gateway(pods, folder, **settings) as running:
        agent_settings = AgentSettings(
            gateway_urls=(running.url,),
            cluster=CLUSTER,
            state_dir=folder / "agent",
            enrolment_token_file=await running.enrolment(),
            kubeconfig=kubeconfig or pods.agent_kubeconfig,
            ceiling=ceiling or Ceiling(pod_exec=True),
            tools=tools or ToolsSettings(),
            reconnect_base_seconds=0.2,
        )
        async with Agent(agent_settings) as agent, asyncio.timeout(PATIENCE_SECONDS) as waiting:
            await agent.linked.wait()
            waiting.reschedule(None)
            yield running


@asynccontextmanager
async def agent_process(running: RunningPodshell) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `podshell agent` as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "agent",
        "--gateway-urls", running.url,
        "--cluster", CLUSTER,
        "--state-dir", str(running.folder / "agent"),
        "--enrolment-token-file", str(await running.enrolment()),
        "--kubeconfig", str(running.pods.agent_kubeconfig),
        "--ceiling-pod-exec",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await process.stdout.readline()).decode().strip() == f"agent of {CLUSTER}: linked"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
