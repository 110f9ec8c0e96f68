"""The parts as processes of their own: one sandbox cluster, one gateway, one agent, measured from outside.

Owns the processes for the length of a run; everything is on loopback and in one temporary folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import TypedDict, cast

import httpx
import psutil
from tests.terminal_client import Api

from podshell.kube.exec import ExecTarget

# cart 2, search 3 (and one without a shell), checkout 2, storefront 2 pods of 1
_SHOP_CONTAINERS = 9


class ContainerBody(TypedDict):
    """As spec/api.md has it."""

    name: str
    image: str
    state: str


class PodBody(TypedDict):
    name: str
    containers: list[ContainerBody]


class Part:
    """A child process: its memory and its CPU time."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._view = psutil.Process(process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def rss_bytes(self) -> int:
        return int(self._view.memory_info().rss)

    @property
    def cpu_seconds(self) -> float:
        times = self._view.cpu_times()
        return float(times.user + times.system)

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(10):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


class Parts:
    """A running sandbox, gateway and agent. `idle_timeout` 0: sessions never idle out."""

    def __init__(self, folder: Path, *, scale_pods: int = 0) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._scale_pods = scale_pods
        self.sandbox: Part
        self.gateway: Part
        self.agent: Part
        self.api: Api
        self.url = ""
        self._parts: list[Part] = []

    async def __aenter__(self) -> Parts:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.api.close()
        await self._stop()

    async def _stop(self) -> None:
        for part in reversed(self._parts):
            await part.stop()

    async def _start(self) -> None:
        scale = ["--scale", f"pods={self._scale_pods}"] if self._scale_pods else []
        self.sandbox = await self._spawn(
            "sandbox", "--clusters", "1", "--folder", self.folder / "sandbox", "--kubeconfig-out", self.kubeconfig, *scale
        )
        await self._wait_file(self.kubeconfig)
        state, token, enrolment = self.folder / "gateway", self.folder / "cli.json", self.folder / "enrolment"
        self.gateway = await self._spawn(
            "gateway", "--port", "0", "--state-dir", state, "--cli-token-file", token, "--enrol", f"bench={enrolment}",
            "--idle-timeout-seconds", "0", "--sessions-per-user", "1000", "--sessions-per-cluster", "1000",
        )  # fmt: skip
        await self._wait_file(token)
        await self._wait_file(enrolment)
        access = json.loads(token.read_text())
        self.url = access["gateway"]
        self.agent = await self._spawn(
            "agent", "--cluster", "bench", "--gateway-urls", self.url, "--state-dir", self.folder / "agent",
            "--enrolment-token-file", enrolment, "--kubeconfig", self.kubeconfig, "--ceiling-pod-exec", "--session-limit", "1000",
        )  # fmt: skip
        self.api = Api(self.url, access["token"])
        await self._wait_online()

    async def _spawn(self, *words: str | Path) -> Part:
        log = (self.folder / f"{words[0]}.log").open("wb")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "podshell.launch.main",
            *map(str, words),
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        part = Part(str(words[0]), process)
        self._parts.append(part)
        return part

    async def _wait_file(self, path: Path) -> None:
        async with asyncio.timeout(30):
            while not (path.exists() and path.stat().st_size):  # noqa: ASYNC110  # another process writes it; there is no event
                await asyncio.sleep(0.02)

    async def _wait_online(self) -> None:
        async with asyncio.timeout(30):
            while True:
                clusters = await self.api.call("GET", "/api/clusters")
                if any(cluster["state"] == "online" for cluster in clusters):  # type: ignore[index]  # a list of clusters
                    return
                await asyncio.sleep(0.05)

    async def targets(self) -> list[ExecTarget]:
        """The nine containers of the sandbox's shop that have a shell: where sessions are many they spread, as users do."""
        async with asyncio.timeout(30):
            while len(found := await self._shop()) < _SHOP_CONTAINERS:  # noqa: ASYNC110  # the kubelet starts them
                await asyncio.sleep(0.1)
        return found

    async def _shop(self) -> list[ExecTarget]:
        pods = await self.api.call("GET", "/api/clusters/bench/pods?namespace=shop")
        return [
            ExecTarget("shop", pod["name"], container["name"])
            for pod in cast("list[PodBody]", pods)
            for container in pod["containers"]
            if container.get("state") == "running" and not container["image"].startswith("distroless")
        ]

    def rss(self) -> dict[str, int]:
        """Memory of each part, in bytes."""
        return {part.name: part.rss_bytes for part in self._parts}

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each part so far."""
        return {part.name: part.cpu_seconds for part in self._parts}


async def first_page_seconds(url: str) -> float:
    """How long one GET of the console's first page takes."""
    async with httpx.AsyncClient() as client:
        begin = asyncio.get_running_loop().time()
        (await client.get(url)).raise_for_status()
        return asyncio.get_running_loop().time() - begin
