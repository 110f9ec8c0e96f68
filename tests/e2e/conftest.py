"""Fixtures of the end-to-end suite: one cluster, one gateway with its agent, and one pod for the whole run."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from cluster_pods import ClusterPods
from running_podshell import RunningPodshell, running_podshell

from podshell.kube.kubeconfig import load_connection
from podshell.kube.rest import Client


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """In memory where there is one: the audit waits for the disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="podshell-e2e-", dir=memory if memory.is_dir() else None) as path:
        yield Path(path)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pods(folder: Path) -> AsyncIterator[ClusterPods]:
    """The cluster."""
    named = os.environ.get("PODSHELL_E2E_KUBECONFIG", "")
    without_shell = os.environ.get("PODSHELL_E2E_SHELLLESS_IMAGE", "")
    async with AsyncExitStack() as stack:
        if named:
            kubeconfig = agent_kubeconfig = Path(named).resolve()
        else:
            if not sys.platform.startswith("linux"):
                pytest.skip("the sandbox runs on Linux only; name a cluster: make e2e KUBECONFIG=...")
            kubeconfig, agent_kubeconfig = await _start_sandbox(folder, stack)
            without_shell = without_shell or "distroless:12"
        client = await stack.enter_async_context(Client(load_connection(files=[kubeconfig])))
        made = ClusterPods(client, kubeconfig, agent_kubeconfig, not named, without_shell)
        stack.push_async_callback(made.delete_all)
        yield made


async def _start_sandbox(folder: Path, stack: AsyncExitStack) -> tuple[Path, Path]:
    from podshell.sandbox.cluster import SandboxCluster
    from podshell.sandbox.content import small_content
    from podshell.sandbox.users import ADMIN, AGENT

    cluster = SandboxCluster("e2e", folder=folder / "sandbox", content=small_content)
    stack.push_async_callback(cluster.stop)
    await cluster.start()
    for name, user in (("admin", ADMIN), ("agent", AGENT)):
        cluster.write_kubeconfig(folder / f"{name}.kubeconfig", user)
    return folder / "admin.kubeconfig", folder / "agent.kubeconfig"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def podshell(pods: ClusterPods, folder: Path) -> AsyncIterator[RunningPodshell]:
    async with running_podshell(pods, folder / "podshell") as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pod(pods: ClusterPods) -> str:
    """A pod with the containers main and side."""
    return await pods.create(("main", "side"))
