"""Waiting for tools containers on the sandbox: each start that will not heal ends the wait by its own reason, long before the patience."""

from __future__ import annotations

import asyncio

import pytest
from start_lab import (
    FIREWALLED,
    PATIENCE_SECONDS,
    VERDICT_SECONDS,
    Causes,
    failure,
    making,
    options,
    pod_of,
    start,
)

from podshell.kube.debug_options import DebugKind
from podshell.kube.manifests import (
    CONTAINER,
    NodeFacts,
    node_job,
)
from podshell.kube.objects import Metadata, Pod
from podshell.kube.rest import Client
from podshell.kube.starting import StartFailed, wait_job_pod, wait_started
from podshell.kube.workloads import JOBS, PODS
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.kubelet.faults import OUT_OF_CPU, PodFault
from podshell.sandbox.resources import RESOURCEQUOTA


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
