"""What the tests of starts share: a small cluster, what is started in it, and when the API server got to know why it does not start."""

from __future__ import annotations

import asyncio
import time

import pytest

from podshell.kube.debug_options import DebugKind, DebugOptions, ResolvedOptions, resolve
from podshell.kube.manifests import (
    CONTAINER,
    Making,
    Manifest,
    NodeFacts,
    debug_container_name,
    ephemeral_container,
    ephemeral_patch,
    node_pod,
)
from podshell.kube.objects import Pod
from podshell.kube.rest import Client, PatchKind
from podshell.kube.starting import StartFailed, wait_started
from podshell.kube.waiter import waiter_command
from podshell.kube.workloads import PODS
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import Content, manifests
from podshell.sandbox.content.nodes import node
from podshell.sandbox.store import WatchEvent

# A verdict comes in seconds; whoever hears "timed out" instead has waited for this.
PATIENCE_SECONDS = 60.0


# From the moment when the API server has what says that it will not start, and sends it to whoever watches, to the verdict.
VERDICT_SECONDS = 3.0


FIREWALLED = "registry.example.com/nope:1"


class Causes:
    """When the API server got to know what, by the clock of the loop that the verdict is taken on."""

    def __init__(self, lab: SandboxCluster) -> None:
        self._seen: list[tuple[float, WatchEvent]] = []
        lab.store.listen(lambda event: self._seen.append((asyncio.get_running_loop().time(), event)))

    def seconds_since(self, *, words: str = "", kind: str = "", deleted: bool = False) -> float:
        """Seconds since the first change that carries `words` in any of its texts, or since the first deletion."""
        for moment, event in self._seen:
            about = not kind or event.resource.kind == kind
            if about and (event.type == "DELETED" or "deletionTimestamp" in event.obj["metadata"] if deleted else words in str(event.obj)):
                return asyncio.get_running_loop().time() - moment
        raise AssertionError(f"nothing says {words!r}: {[event for _, event in self._seen][-3:]}")


def content(_: str, version: str) -> Content:
    nodes = [node("worker-1", "192.0.2.1", version=version), node("worker-2", "192.0.2.2", version=version, ready=False)]
    spaces = [manifests.namespace("lab"), manifests.namespace("strict", "baseline"), manifests.namespace("stricter", "restricted")]
    return Content([*nodes, *spaces, *(manifests.service_account(name, "default") for name in ("lab", "strict", "stricter"))])


def options(kind: DebugKind, **fields: object) -> ResolvedOptions:
    resolved = resolve(kind, DebugOptions(**{"image": "tools:1", **fields}))  # type: ignore[arg-type]  # fields by name
    assert isinstance(resolved, ResolvedOptions), resolved
    return resolved


def making() -> Making:
    return Making("5e5510", "ada", waiter_command(600), time.time(), key="k3y")


def pod_of(name: str, *, on: str = "worker-1", **fields: object) -> Manifest:
    return node_pod(options(DebugKind.NODE, **fields), making(), NodeFacts(on), name=name, namespace="lab")


async def start(client: Client, manifest: Manifest, told: list[str] | None = None, seconds: float = PATIENCE_SECONDS) -> Pod:
    made = await client.create(PODS.path("lab"), manifest, Pod)
    say = (told if told is not None else []).append
    return await wait_started(client, "lab", made.metadata.name, CONTAINER, seconds=seconds, say=say)


async def failure(client: Client, manifest: Manifest, causes: Causes, words: str = "", kind: str = "") -> StartFailed:
    """Start what does not start; the verdict must follow its cause: what carries its reason, or `words`."""
    with pytest.raises(StartFailed) as raised:
        await start(client, manifest)
    assert causes.seconds_since(words=words or raised.value.broken.reason, kind=kind) < VERDICT_SECONDS
    assert not raised.value.timed_out
    assert raised.value.broken.next_step
    return raised.value


async def add_debug_container(client: Client, **fields: object) -> str:
    name = debug_container_name()
    container = ephemeral_container(options(DebugKind.DEBUG, **fields), making(), name=name)
    await client.patch(PODS.path("lab", "cart", "ephemeralcontainers"), ephemeral_patch(container), Pod, how=PatchKind.STRATEGIC)
    return name


async def debug_failure(client: Client, seconds: float = PATIENCE_SECONDS, **fields: object) -> StartFailed:
    """Add a debug container that does not start to the pod cart."""
    name = await add_debug_container(client, **fields)
    with pytest.raises(StartFailed) as raised:
        await wait_started(client, "lab", "cart", name, seconds=seconds, say=lambda _: None)
    return raised.value
