"""Waiting for a start while the API server is busy or replaced, or while the node has no network plugin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import StreamReader
from start_lab import (
    PATIENCE_SECONDS,
    VERDICT_SECONDS,
    Causes,
    debug_failure,
    pod_of,
    start,
)

from podshell.kube import starting
from podshell.kube.errors import ApiError, ServerError, TooManyRequests
from podshell.kube.kubeconfig import load_connection
from podshell.kube.manifests import (
    CONTAINER,
)
from podshell.kube.objects import Pod
from podshell.kube.rest import Client, Page, Params
from podshell.kube.starting import StartFailed, wait_started
from podshell.kube.workloads import PODS
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.kubelet.faults import PodFault
from podshell.sandbox.resources import NODE

T = TypeVar("T")


class BusyServer(Client):
    """A client whose reads and watches of pods are refused, one refusal after the other; then all is well."""

    def __init__(self, lab: SandboxCluster, folder: Path, refusals: list[ApiError]) -> None:
        lab.write_kubeconfig(folder / "busy")
        super().__init__(load_connection(files=[folder / "busy"], environ={}))
        self.refusals = refusals

    async def get(self, path: str, kind: type[T], params: Params | None = None) -> T:
        self._refuse(path)
        return await super().get(path, kind, params)

    @asynccontextmanager
    async def open_stream(self, path: str, params: Params | None = None) -> AsyncIterator[StreamReader]:
        self._refuse(path)
        async with super().open_stream(path, params) as content:
            yield content

    def _refuse(self, path: str) -> None:
        if "/pods" in path and self.refusals:
            raise self.refusals.pop()


async def test_a_busy_api_server_or_one_that_is_replaced_does_not_end_a_start(lab: SandboxCluster, client: Client, tmp_path: Path) -> None:
    lab.node_faults.add(PodFault(pull_seconds=0.5))
    await client.create(PODS.path("lab"), pod_of("tools"), Pod)
    refusals = [
        TooManyRequests("Too many requests, please try again later.", retry_after_seconds=0.1),  # of the watch: reads come between
        ServerError("apiserver is shutting down", status_code=503),
        ServerError("etcdserver: leader changed", status_code=500),
        TooManyRequests("storage is (re)initializing", retry_after_seconds=0.1),
    ]
    told: list[str] = []
    async with BusyServer(lab, tmp_path, refusals) as busy:
        waiting = asyncio.create_task(wait_started(busy, "lab", "tools", CONTAINER, seconds=PATIENCE_SECONDS, say=told.append))
        while refusals:
            await asyncio.sleep(0.02)  # what is polled is this test's own list
        await lab.server.rotate()
        pod = await waiting
    status = pod.container_status(CONTAINER)
    assert status is not None
    assert status.state.running is not None
    assert any("the API server does not answer" in text for text in told)


async def test_an_api_server_that_stays_busy_ends_a_start_when_the_patience_is_over(
    lab: SandboxCluster, client: Client, tmp_path: Path
) -> None:
    await client.create(PODS.path("lab"), pod_of("tools"), Pod)
    refusals: list[ApiError] = [ServerError("etcdserver: request timed out", status_code=500) for _ in range(1000)]
    async with BusyServer(lab, tmp_path, refusals) as busy:
        with pytest.raises(StartFailed) as raised:
            await wait_started(busy, "lab", "tools", CONTAINER, seconds=1, say=lambda _: None)
    assert raised.value.timed_out
    assert "etcdserver: request timed out" in raised.value.broken.message
    assert len(refusals) > 1000 - 50  # it is not asked again and again without a pause


NO_NETWORK = (  # kubernetes pkg/kubelet/kubelet.go (updateRuntimeUp), with containerd's words
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


def lose_network(lab: SandboxCluster, name: str) -> None:
    """Let a node say that its network plugin is missing; the kubelet of the sandbox then starts nothing there, on no network."""
    ready = {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": NO_NETWORK}
    lab.store.modify(NODE, None, name, lambda one: one["status"].update(conditions=[ready]))


async def test_a_node_whose_network_plugin_is_missing_is_no_reason_to_give_a_pod_on_its_own_network_up_and_it_is_said(
    client: Client, lab: SandboxCluster
) -> None:
    lose_network(lab, "worker-2")
    told: list[str] = []
    with pytest.raises(StartFailed) as raised:
        await start(client, pod_of("tools", on="worker-2"), told, seconds=2)
    assert raised.value.timed_out
    assert any("worker-2 is not Ready, but starts pods on its own network" in text and "cni plugin" in text for text in told)


async def test_a_debug_container_in_a_pod_that_needs_the_missing_network_plugin_is_given_up(
    client: Client, lab: SandboxCluster, causes: Causes
) -> None:
    manifest = pod_of("cart")
    spec = manifest["spec"]
    assert isinstance(spec, dict)
    spec["hostNetwork"] = False
    await start(client, manifest)
    lab.node_faults.add(PodFault(pull_seconds=60.0))  # as good as a kubelet that does not look at the pod
    lose_network(lab, "worker-1")
    failed = await debug_failure(client, image="busybox:1")
    assert causes.seconds_since(words="cni plugin not initialized", kind="Node") < VERDICT_SECONDS
    assert (failed.broken.object, failed.broken.reason) == ("node worker-1", "NodeNotReady")
    assert "kubectl shell worker-1" in failed.broken.next_step


class DeafServer(Client):
    """A client whose lists never come back."""

    async def list_pages(self, path: str, item: type[T], *, limit: int = 500, params: Params | None = None) -> AsyncIterator[Page[T]]:
        await asyncio.Event().wait()
        yield Page((), "", remaining=False)


async def test_evidence_that_does_not_come_keeps_nobody_from_hearing_the_verdict(
    lab: SandboxCluster, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "_EVIDENCE_SECONDS", 0.1)
    await client.create(PODS.path("lab"), pod_of("tools", image="registry.example.com/nope:1"), Pod)
    lab.write_kubeconfig(tmp_path / "deaf")
    async with DeafServer(load_connection(files=[tmp_path / "deaf"], environ={})) as deaf, asyncio.timeout(VERDICT_SECONDS):
        with pytest.raises(StartFailed) as raised:
            await wait_started(deaf, "lab", "tools", CONTAINER, seconds=PATIENCE_SECONDS, say=lambda _: None)
    assert raised.value.broken.object == "image registry.example.com/nope:1"
    assert raised.value.events == []
