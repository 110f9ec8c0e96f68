"""Which clusters `podshell up` serves: the kubeconfig's context, or the sandbox's two.

A `Served` cluster is a name and a connection; sandbox clusters also live here for as long as `up` runs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from podshell.kube.connection import Connection
from podshell.kube.errors import KubeconfigError, KubeError
from podshell.kube.kubeconfig import find_files, load_connection
from podshell.kube.rest import Client
from podshell.launch.failures import LaunchError

SANDBOX_NAMES = ("demo-east", "demo-west")
# Label and colour: one of the two is marked as production, so that the console shows how that looks.
SANDBOX_MARKS = {"demo-east": ("production", "red"), "demo-west": ("staging", "blue")}
# What stands for the tools image there.
SANDBOX_TOOLS = ("tools", "1")
# An API server that is there answers /version in milliseconds; a VPN that is down does not answer at all.
PROBE_SECONDS = 5.0


@dataclass(frozen=True)
class Served:
    """One cluster that `up` serves, and what to say of it. `tools_image`: repository and version, where the cluster has its own."""

    name: str
    connection: Connection
    description: str
    label: str = ""
    colour: str = ""
    tools_image: tuple[str, str] | None = None


def wants_sandbox(sandbox: bool, kubeconfig: Path | None, context: str) -> bool:
    """Tell whether the sandbox is to be used: asked for, or there is no kubeconfig at all and none was named."""
    return sandbox or (kubeconfig is None and not context and not find_files())


async def from_kubeconfig(kubeconfig: Path | None, context: str) -> Served:
    """Return the cluster of a kubeconfig's context, after it has answered.

    Raises:
        LaunchError: the file is bad, or the server does not answer; names `--sandbox`.
    """
    if kubeconfig is not None and not kubeconfig.exists():
        raise LaunchError(f"there is no file {kubeconfig}; name another with --kubeconfig, or start the built-in clusters with --sandbox")
    try:
        connection = load_connection(files=[kubeconfig] if kubeconfig else None, context=context, terminal=True)
    except KubeconfigError as error:
        raise LaunchError(f"{error}; or start the built-in clusters with --sandbox") from error
    version = await _probe(connection)
    where = f"context {connection.context_name}, server {connection.server}, user {connection.user_name or 'none'}, Kubernetes {version}"
    return Served(cluster_name(connection.context_name), connection, where)


async def _probe(connection: Connection) -> str:
    try:
        async with asyncio.timeout(PROBE_SECONDS), Client(connection) as client:
            return (await client.server_version()).git_version
    except (KubeError, TimeoutError) as error:
        why = f"no answer within {PROBE_SECONDS:.0f} s" if isinstance(error, TimeoutError) else str(error)
        raise LaunchError(
            f"the cluster of context {connection.context_name} ({connection.server}) does not answer: {why}. "
            "Check the connection or choose another --context; --sandbox starts the built-in clusters instead"
        ) from error


def cluster_name(context: str) -> str:
    """Make a cluster name of a context name: letters, digits, dots and dashes, at most 63 (`arn:aws:...:cluster/prod` gives `prod`)."""
    last = context.rsplit("/", 1)[-1].lower()
    return re.sub(r"[^a-z0-9.-]+", "-", last).strip("-.")[:63] or "cluster"


@asynccontextmanager
async def sandbox(folder: Path, scale_pods: int = 0) -> AsyncIterator[list[Served]]:
    """Run the two sandbox clusters.

    Raises:
        LaunchError: they cannot start here.
    """
    from podshell.sandbox.cluster import SandboxCluster
    from podshell.sandbox.users import AGENT

    async with AsyncExitStack() as stack:
        served = []
        for name in SANDBOX_NAMES:
            cluster = SandboxCluster(name, folder=folder / name, scale_pods=scale_pods)
            stack.push_async_callback(cluster.stop)
            try:
                await cluster.start()
            except OSError as error:
                raise LaunchError(f"the sandbox cluster {name} cannot start: {error.strerror or error}") from error
            path = folder / f"{name}.kubeconfig"
            cluster.write_kubeconfig(path, user=AGENT)
            kind = "isolated containers" if cluster.runtime.isolated else "plain processes"
            said = f"sandbox ({kind}), server {cluster.url}"
            marks = SANDBOX_MARKS.get(name, ("", ""))
            served.append(Served(name, load_connection(files=[path]), said, *marks, tools_image=SANDBOX_TOOLS))
        yield served
