"""Waiting for tools containers on the sandbox: each start that will not heal ends the wait by its own reason, long before the patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import StreamReader

from podshell.kube.debug_options import DebugKind, DebugOptions, ResolvedOptions, resolve
from podshell.kube.errors import ApiError, ServerError, TooManyRequests
from podshell.kube.kubeconfig import load_connection
from podshell.kube.manifests import (
    CONTAINER,
    Making,
    Manifest,
    NodeFacts,
    debug_container_name,
    ephemeral_container,
    ephemeral_patch,
    node_job,
    node_pod,
)
from podshell.kube.objects import Metadata, Pod
from podshell.kube.rest import Client, Params, PatchKind
from podshell.kube.starting import StartFailed, wait_job_pod, wait_started
from podshell.kube.waiter import waiter_command
from podshell.kube.workloads import JOBS, PODS
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import Content, manifests
from podshell.sandbox.content.nodes import node
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.kubelet.faults import OUT_OF_CPU, PodFault
from podshell.sandbox.rbac import Rule
from podshell.sandbox.resources import RESOURCEQUOTA
from podshell.sandbox.store import WatchEvent
from sandbox_fixtures import MakeSandboxCluster

T = TypeVar("T")

# A verdict comes in seconds; whoever hears "timed out" instead has waited for this.
PATIENCE_SECONDS = 60.0
# From the moment when the API server has what says that it will not start, and sends it to whoever watches, to the verdict.
VERDICT_SECONDS = 3.0


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


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster("lab", content=content)


@pytest.fixture
async def client(lab: SandboxCluster, tmp_path: Path) -> AsyncIterator[Client]:
    path = tmp_path / "config"
    lab.write_kubeconfig(path, users.ADMIN)
    async with Client(load_connection(files=[path], environ={})) as running:
        yield running


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


@pytest.fixture
def causes(lab: SandboxCluster) -> Causes:
    return Causes(lab)


async def failure(client: Client, manifest: Manifest, causes: Causes, words: str = "", kind: str = "") -> StartFailed:
    """Start what does not start; the verdict must follow its cause: what carries its reason, or `words`."""
    with pytest.raises(StartFailed) as raised:
        await start(client, manifest)
    assert causes.seconds_since(words=words or raised.value.broken.reason, kind=kind) < VERDICT_SECONDS
    assert not raised.value.timed_out
    assert raised.value.broken.next_step
    return raised.value


async def test_a_node_pod_starts_and_says_what_takes_its_time(client: Client, lab: SandboxCluster) -> None:
    lab.node_faults.add(PodFault(pull_seconds=0.3))
    told: list[str] = []
    pod = await start(client, pod_of("tools"), told)
    assert pod.spec.node_name == "worker-1"
    pulling = told.index("pulling the image tools:1 on node worker-1")
    assert told.index("the image tools:1 is on node worker-1") > pulling


async def test_an_image_that_is_not_there_is_named_with_its_events(client: Client, causes: Causes) -> None:
    failed = await failure(client, pod_of("tools", image="example.com/nope:1"), causes)
    assert failed.broken.reason in ("ErrImagePull", "ImagePullBackOff")
    assert "example.com/nope:1" in failed.broken.message
    assert any("example.com/nope:1" in event for event in failed.events)


async def test_a_pod_that_its_kubelet_refuses_tells_why(client: Client, lab: SandboxCluster, causes: Causes) -> None:
    lab.node_faults.add(PodFault(reject=OUT_OF_CPU))
    failed = await failure(client, pod_of("tools"), causes)
    assert (failed.broken.reason, OUT_OF_CPU.message in failed.broken.message) == ("OutOfcpu", True)


async def test_a_path_that_the_node_has_not_is_known_from_the_pods_events(client: Client, causes: Causes) -> None:
    manifest = pod_of("tools")
    spec = manifest["spec"]
    assert isinstance(spec, dict)
    spec["volumes"] = [{"name": "run", "hostPath": {"path": "/no/such/folder", "type": "Directory"}}]
    failed = await failure(client, manifest, causes)
    assert failed.broken.reason == "FailedMount"
    assert "hostPath type check failed" in failed.broken.message


async def test_a_node_whose_kubelet_is_silent_is_asked_after(client: Client, causes: Causes) -> None:
    failed = await failure(client, pod_of("tools", on="worker-2"), causes, words="worker-2", kind="Pod")
    assert (failed.broken.object, failed.broken.reason) == ("node worker-2", "NodeNotReady")


async def test_a_pod_that_somebody_deletes_meanwhile_ends_the_wait(client: Client, lab: SandboxCluster, causes: Causes) -> None:
    lab.node_faults.add(PodFault(hang=True))
    heard = asyncio.Event()
    made = await client.create(PODS.path("lab"), pod_of("tools"), Pod)
    waiting = asyncio.create_task(
        wait_started(client, "lab", "tools", CONTAINER, seconds=PATIENCE_SECONDS, say=lambda _: heard.set()),
    )
    await heard.wait()
    await client.delete(PODS.path("lab", "tools"), uid=made.metadata.uid)
    with pytest.raises(StartFailed) as raised:
        await waiting
    assert causes.seconds_since(kind="Pod", deleted=True) < VERDICT_SECONDS
    assert raised.value.broken.reason in ("Deleted", "NotFound")


async def test_when_nothing_happens_the_patience_ends_it_with_what_was_seen(client: Client, lab: SandboxCluster) -> None:
    lab.node_faults.add(PodFault(hang=True))
    with pytest.raises(StartFailed) as raised:
        await start(client, pod_of("tools"), seconds=2)
    assert raised.value.timed_out
    words = "the container is being created (image tools:1, node worker-1)"
    assert raised.value.broken.message == f"timed out after 2s waiting for container shell to start: {words}"
    assert "--timeout" in raised.value.broken.next_step


async def test_a_jobs_pod_is_found(client: Client) -> None:
    manifest = node_job(options(DebugKind.NODE), making(), NodeFacts("worker-1"), name="tools", namespace="lab")
    await client.create(JOBS.path("lab"), manifest, Metadata)
    pod = await wait_job_pod(client, "lab", "tools", seconds=PATIENCE_SECONDS)
    assert pod.metadata.name.startswith("tools-")


@pytest.mark.parametrize(
    ("namespace", "words"),
    [("lab", "exceeded quota"), ("strict", 'violates PodSecurity "baseline'), ("stricter", 'violates PodSecurity "restricted')],
)
async def test_a_job_that_may_make_no_pod_says_why(client: Client, lab: SandboxCluster, causes: Causes, namespace: str, words: str) -> None:
    if namespace == "lab":
        lab.store.create(RESOURCEQUOTA, {"metadata": {"name": "no-pods", "namespace": "lab"}, "spec": {"hard": {"pods": "0"}}})
    manifest = node_job(options(DebugKind.NODE), making(), NodeFacts("worker-1"), name="tools", namespace=namespace)
    await client.create(JOBS.path(namespace), manifest, Metadata)
    with pytest.raises(StartFailed) as raised:
        await wait_job_pod(client, namespace, "tools", seconds=PATIENCE_SECONDS)
    assert causes.seconds_since(words=words, kind="Event") < VERDICT_SECONDS
    assert not raised.value.timed_out
    assert words in raised.value.broken.message
    assert any(words in event for event in raised.value.events)


async def test_a_debug_container_starts(client: Client) -> None:
    await start(client, pod_of("cart"))
    name = debug_container_name()
    container = ephemeral_container(options(DebugKind.DEBUG), making(), name=name)
    await client.patch(PODS.path("lab", "cart", "ephemeralcontainers"), ephemeral_patch(container), Pod, how=PatchKind.STRATEGIC)
    pod = await wait_started(client, "lab", "cart", name, seconds=PATIENCE_SECONDS, say=lambda _: None)
    status = pod.container_status(name)
    assert status is not None
    assert status.state.running is not None


async def add_debug_container(client: Client, **fields: object) -> str:
    name = debug_container_name()
    container = ephemeral_container(options(DebugKind.DEBUG, **fields), making(), name=name)
    await client.patch(PODS.path("lab", "cart", "ephemeralcontainers"), ephemeral_patch(container), Pod, how=PatchKind.STRATEGIC)
    return name


async def test_a_debug_container_that_may_not_run_as_root_says_so(client: Client, causes: Causes) -> None:
    manifest = pod_of("cart")
    spec = manifest["spec"]
    assert isinstance(spec, dict)
    spec["securityContext"] = {"runAsNonRoot": True}
    await start(client, manifest)  # its own container says that it may be root
    name = await add_debug_container(client)
    with pytest.raises(StartFailed) as raised:
        await wait_started(client, "lab", "cart", name, seconds=PATIENCE_SECONDS, say=lambda _: None)
    assert raised.value.broken.reason == "CreateContainerConfigError"
    assert causes.seconds_since(words="container has runAsNonRoot", kind="Event") < VERDICT_SECONDS
    assert "--profile restricted" in raised.value.broken.next_step


async def test_a_debug_container_whose_pod_vanishes_says_so(client: Client, lab: SandboxCluster, causes: Causes) -> None:
    await start(client, pod_of("cart"))
    lab.node_faults.add(PodFault(pull_seconds=30.0))
    heard = asyncio.Event()
    name = await add_debug_container(client, image="busybox:1")
    waiting = asyncio.create_task(
        wait_started(client, "lab", "cart", name, seconds=PATIENCE_SECONDS, say=lambda _: heard.set()),
    )
    await heard.wait()
    await client.delete(PODS.path("lab", "cart"), grace_seconds=0)
    with pytest.raises(StartFailed) as raised:
        await waiting
    assert causes.seconds_since(kind="Pod", deleted=True) < VERDICT_SECONDS
    assert raised.value.broken.reason in ("Deleted", "NotFound")


async def debug_failure(client: Client, seconds: float = PATIENCE_SECONDS, **fields: object) -> StartFailed:
    """Add a debug container that does not start to the pod cart."""
    name = await add_debug_container(client, **fields)
    with pytest.raises(StartFailed) as raised:
        await wait_started(client, "lab", "cart", name, seconds=seconds, say=lambda _: None)
    return raised.value


FIREWALLED = "registry.example.com/nope:1"


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"image": FIREWALLED}, "ErrImagePull", "connect: connection refused"),
        ({"image": FIREWALLED, "pull_policy": "Never"}, "ErrImageNeverPull", "is not present with pull policy of Never"),
    ],
    ids=["firewalled", "never"],
)
async def test_a_debug_container_of_a_real_kubelet_is_given_up_at_its_event_12_s_before_its_status(
    make_sandbox_cluster: MakeSandboxCluster, tmp_path: Path, fields: dict[str, object], reason: str, words: str
) -> None:
    lab = await make_sandbox_cluster("lab", content=content, timings=Timings())
    causes = Causes(lab)
    lab.write_kubeconfig(tmp_path / "config")
    async with Client(load_connection(files=[tmp_path / "config"], environ={})) as client:
        await start(client, pod_of("cart"))
        failed = await debug_failure(client, **fields)
    assert causes.seconds_since(words=f"Error: {reason}", kind="Event") < VERDICT_SECONDS
    assert not failed.timed_out
    assert (failed.broken.object, failed.broken.reason) == (f"image {fields['image']}", reason)
    assert words in failed.broken.message
    assert failed.events
    # the pod's own container has events too: they are not about this start
    assert not any("tools:1" in event or "Scheduled" in event for event in failed.events)


async def test_who_may_read_no_events_hears_from_the_status_why_a_debug_container_does_not_start(
    lab: SandboxCluster, client: Client, tmp_path: Path
) -> None:
    pods = Rule(("get", "list", "watch", "create", "patch", "update"), ("",), ("pods", "pods/ephemeralcontainers"))
    lab.add_user("eve", "eve-token", [pods])
    await start(client, pod_of("cart"))
    lab.write_kubeconfig(tmp_path / "eve", "eve")
    async with Client(load_connection(files=[tmp_path / "eve"], environ={})) as eve:
        failed = await debug_failure(eve, image=FIREWALLED)
    assert (failed.broken.reason, failed.events) == ("ErrImagePull", [])
    assert "connection refused" in failed.broken.message


async def test_d2_a_hanging_pull_that_is_given_up_is_told_with_its_evidence_while_its_pod_is_there(
    client: Client, lab: SandboxCluster
) -> None:
    """D2 of the original: it looked once a second for a container that runs, and then said that the time was up, and no more."""
    lab.node_faults.add(PodFault(pull_seconds=60.0))
    told: list[str] = []
    with pytest.raises(StartFailed) as raised:
        await start(client, pod_of("tools", image="busybox:1"), told, seconds=1)
    failed = raised.value
    assert failed.timed_out
    assert failed.broken.object == "pod lab/tools"
    assert "pulling the image busybox:1 on node worker-1" in failed.broken.message
    assert 'Pulling: Pulling image "busybox:1"' in failed.events
    assert "pulling the image busybox:1 on node worker-1" in told
    assert (await client.get(PODS.path("lab", "tools"), Pod)).metadata.name == "tools"  # whoever deletes it has heard all this before


async def test_events_of_an_earlier_pod_of_the_same_name_are_no_evidence(client: Client, lab: SandboxCluster) -> None:
    await failure(client, pod_of("tools", image=FIREWALLED), Causes(lab))
    await client.delete(PODS.path("lab", "tools"), grace_seconds=0)
    lab.node_faults.add(PodFault(pull_seconds=60.0))
    with pytest.raises(StartFailed) as raised:
        await start(client, pod_of("tools"), seconds=1)
    assert raised.value.timed_out
    assert raised.value.events
    assert not any(FIREWALLED in event for event in raised.value.events)


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
