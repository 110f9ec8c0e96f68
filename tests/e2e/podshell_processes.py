"""A gateway and an agent on the cluster under test as processes of their own, to be killed and started again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from cluster_pods import PATIENCE_SECONDS
from running_podshell import CLUSTER
from shell_program import START_SECONDS

from terminal_client import Api, ApiError
from warm_parent import Part, WarmParent


class PodshellProcesses:
    """One gateway and one agent with their state folders. `async with running_processes(...)`.

    The agent has the kubeconfig that is given: that of whoever runs the suite may make node pods in any namespace.
    """

    def __init__(self, parent: WarmParent, folder: Path, kubeconfig: Path, image: str, namespace: str, patience_seconds: int) -> None:
        self._parent = parent
        self._folder = folder
        self._agent_words = [
            "agent", "--cluster", CLUSTER, "--kubeconfig", str(kubeconfig),
            "--state-dir", str(folder / "agent"), "--enrolment-token-file", str(folder / "enrolment"),
            "--reconnect-base-seconds", "0.2", "--reconnect-cap-seconds", "1", "--restart-base-seconds", "0.1",
            "--ceiling-pod-exec", "--ceiling-pod-debug", "--ceiling-node-shell",
            "--tools-image-repository", image.rpartition(":")[0], "--tools-image-version", image.rpartition(":")[2],
            "--tools-debug-namespace", namespace, "--tools-patience-seconds", str(patience_seconds),
            "--tools-start-seconds", str(START_SECONDS),
        ]  # fmt: skip
        self._port = 0
        self._gateway: Part | None = None
        self._agent: Part | None = None
        self.api = Api("", "")

    async def start_gateway(self) -> None:
        """Start the gateway; after the first time on the same port and state folder."""
        words = ["gateway", "--port", str(self._port), "--state-dir", str(self._folder / "state"), "--owner", "ada"]
        first, token = not self._port, self._folder / "cli.json"
        if first:
            words += ["--cli-token-file", str(token), "--enrol", f"{CLUSTER}={self._folder / 'enrolment'}"]
        self._gateway = self._parent.start(words, self._folder / "gateway.log")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while first and not (token.exists() and (self._folder / "enrolment").exists()):
            self._gateway.check()
            assert time.monotonic() < deadline, f"the gateway has written no files: {self.logs()}"
            await asyncio.sleep(0.05)  # nobody tells of a file
        if first:
            access = json.loads(token.read_text())
            self._port = int(access["gateway"].rsplit(":", 1)[1])
            self._agent_words += ["--gateway-urls", access["gateway"]]
            await self.api.close()
            self.api = Api(access["gateway"], access["token"])

    async def start_agent(self) -> None:
        """Start the agent, and wait until the gateway shows it."""
        self._agent = self._parent.start(self._agent_words, self._folder / "agent.log")
        await self.wait_online()

    async def wait_online(self, *, online: bool = True) -> None:
        """Wait until the gateway says that the cluster has an agent, or none."""
        wanted, shown = "online" if online else "offline", ""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while shown != wanted:
            assert time.monotonic() < deadline, f"the cluster is {shown}, not {wanted}: {self.logs()}"
            try:
                rows = await self.api.call("GET", "/api/clusters")
                shown = ", ".join(row["state"] for row in rows)  # type: ignore[index]  # a list of clusters: this one
            except (httpx.TransportError, ApiError):
                shown = "unknown: the gateway may be starting"
            await asyncio.sleep(0.05)  # the live socket would tell, and is not what is tested here

    async def kill_gateway(self) -> None:
        """kill -9."""
        assert self._gateway is not None
        await self._gateway.kill()

    async def kill_agent(self) -> None:
        """kill -9."""
        assert self._agent is not None
        await self._agent.kill()

    async def stop(self) -> None:
        for part in (self._agent, self._gateway):
            if part is not None:
                await part.kill()
        await self.api.close()

    def logs(self) -> str:
        """What both have printed last."""
        return "".join(f"--- {part.name}\n{part.read_log()}" for part in (self._gateway, self._agent) if part is not None)


@asynccontextmanager
async def running_processes(
    parent: WarmParent, folder: Path, kubeconfig: Path, *, image: str, namespace: str, patience_seconds: int
) -> AsyncIterator[PodshellProcesses]:
    folder.mkdir(parents=True)
    running = PodshellProcesses(parent, folder, kubeconfig, image, namespace, patience_seconds)
    try:
        await running.start_gateway()
        await running.start_agent()
        yield running
    finally:
        await running.stop()
