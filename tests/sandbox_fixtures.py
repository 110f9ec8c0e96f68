"""Sandbox clusters for integration tests: a real API server and real processes, with a small content that is up in about a second.

Each test gets a cluster of its own; nothing of it is left when the test ends. Registered as a plugin by `tests/conftest.py`.

    async def test_something(sandbox_cluster: SandboxCluster) -> None:
        sandbox_cluster.write_kubeconfig(path)                 # or .url, .ca_pem, .token(users.AGENT)
        sandbox_cluster.authority.unbind(users.AGENT_EXEC)     # the agent may not exec any more
        sandbox_cluster.faults.cut()                           # every open stream ends without a close frame
        await sandbox_cluster.server.rotate()                  # the API server restarts on its port

The content is shop/cart-0 (containers cart and exporter, bash), shop/storefront-… (sh only), payments/gateway-… (distroless) and
reports/forecast (pending); `make_sandbox_cluster` starts others, such as a second one with the same names.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from podshell.sandbox.cluster import ContentMaker, SandboxCluster
from podshell.sandbox.content import small_content
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.resources import POD

# Crashed containers and missing images come again after 0.2 s instead of 10 s; what a kubelet says late of a debug container comes after
# 0.3 s instead of 12 s, and still after its events.
QUICK = Timings(backoff_base_seconds=0.2, backoff_cap_seconds=2.0, pull_failure_seconds=0.05, ephemeral_sync_seconds=0.3)

MakeSandboxCluster = Callable[..., Awaitable[SandboxCluster]]


@pytest.fixture
async def make_sandbox_cluster(tmp_path: Path) -> AsyncIterator[MakeSandboxCluster]:
    """Start a cluster: `await make_sandbox_cluster("demo-west", content=full_content, scale_pods=5000)`."""
    async with AsyncExitStack() as stack:

        async def make(
            name: str = "demo-east",
            *,
            content: ContentMaker = small_content,
            scale_pods: int = 0,
            server_version: tuple[int, int] = (1, 36),
            timings: Timings = QUICK,
            isolated: bool | None = None,
            port: int = 0,
        ) -> SandboxCluster:
            cluster = SandboxCluster(
                name,
                folder=tmp_path / name,
                content=content,
                scale_pods=scale_pods,
                server_version=server_version,
                timings=timings,
                isolated=isolated,
            )
            stack.push_async_callback(cluster.stop)
            await cluster.start(port)
            await cluster.settle()
            return cluster

        yield make


@pytest.fixture
async def sandbox_cluster(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    """A running cluster "demo-east" whose pods have settled."""
    return await make_sandbox_cluster()


async def end_unnoticed(cluster: SandboxCluster, namespace: str, pod: str, container: str) -> None:
    """End a debug container while its pod says that it runs: a kubelet takes some hundred milliseconds to say more."""

    def status() -> dict[str, Any]:
        found = cluster.store.get(POD, namespace, pod)
        assert found is not None
        return next(one for one in found["status"]["ephemeralContainerStatuses"] if one["name"] == container)

    before = status()
    running = cluster.runtime.container(before["containerID"].removeprefix("containerd://"))
    assert running is not None, before
    os.kill(running.pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while "terminated" not in status()["state"]:
            await asyncio.sleep(0.02)  # what is polled is the cluster's own memory

    def say_that_it_runs(obj: dict[str, Any]) -> None:
        entries = obj["status"]["ephemeralContainerStatuses"]
        entries[:] = [before if one["name"] == container else one for one in entries]

    cluster.store.modify(POD, namespace, pod, say_that_it_runs)
