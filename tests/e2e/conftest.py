"""Fixtures of the end-to-end suite: one cluster, one gateway with its agent, and one pod for the whole run."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from cluster_pods import NAMESPACE, ClusterPods
from killed import PHASES, Killed, kill_everything
from running_podshell import RunningPodshell, running_podshell
from second_client import SecondClient
from shell_program import busy_registry
from two_users import RULES, USERS, make_users

from podshell.kube.errors import ApiError
from podshell.kube.kubeconfig import load_connection
from podshell.kube.objects import Node
from podshell.kube.rest import Client
from warm_parent import WarmParent

# What is killed at the beginning has had its minute when it is looked at in the end.
_ORDER = {"test_killed_shells": -1, "test_what_killed_shells_leave": 1}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _ORDER.get(item.path.stem, 0))


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
    from podshell.sandbox.rbac import Rule
    from podshell.sandbox.users import ADMIN, AGENT

    cluster = SandboxCluster("e2e", folder=folder / "sandbox", content=small_content)
    stack.push_async_callback(cluster.stop)
    await cluster.start()
    rules = [Rule(tuple(one["verbs"]), tuple(one["apiGroups"]), tuple(one["resources"])) for one in RULES]
    for name in USERS:
        cluster.add_user(name, secrets.token_urlsafe(24), rules, namespace=NAMESPACE)
    for name, user in (("admin", ADMIN), ("agent", AGENT), *((name, name) for name in USERS)):
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node(pods: ClusterPods) -> str:
    """A node that runs Linux and takes pods."""
    if pods.sandboxed and os.geteuid() != 0:
        pytest.skip("nodes of the sandbox need root")
    try:
        nodes = await pods.client.list("/api/v1/nodes", Node)
    except ApiError as error:
        pytest.skip(f"the nodes may not be listed: {error}")
    ready = [one for one in nodes if one.ready and (one.metadata.labels or {}).get("kubernetes.io/os") == "linux"]
    if not ready:
        pytest.skip("no node of Linux is ready")
    return ready[0].metadata.name


@pytest.fixture(scope="session")
def warm_parent() -> Iterator[WarmParent]:
    """Where gateways and agents that are killed come from."""
    with WarmParent() as parent:
        yield parent


@pytest.fixture(scope="session")
def second(pods: ClusterPods) -> SecondClient:
    """Another client than the one that is tested."""
    return SecondClient(pods.kubeconfig)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def users(pods: ClusterPods, second: SecondClient, folder: Path) -> AsyncIterator[dict[str, Path]]:
    """The kubeconfigs of two users who may debug pods, by name."""
    if pods.sandboxed:
        yield {name: folder / f"{name}.kubeconfig" for name in USERS}
        return
    async with make_users(second, folder) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def killed(pods: ClusterPods, second: SecondClient, node: str, folder: Path, warm_parent: WarmParent) -> AsyncIterator[Killed]:
    """Shells that were killed, once for the whole run."""
    direct, of_gateway, of_agent = [await pods.create_namespace("privileged") for _ in range(3)]
    names = (*PHASES, "agent")
    targets = dict(zip(names, await asyncio.gather(*(pods.create() for _ in names)), strict=True))
    patience_seconds = 6 if pods.sandboxed else 20
    with busy_registry() as image:
        one = Killed(pods, second, node, direct, of_gateway, of_agent, targets, patience_seconds, image)
        try:
            await kill_everything(one, folder / "killed", warm_parent)
            yield one
        finally:
            if one.sessions is not None:
                one.sessions.cancel()
                await asyncio.gather(one.sessions, return_exceptions=True)
