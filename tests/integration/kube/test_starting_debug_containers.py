"""Waiting for debug containers on the sandbox: their statuses are 12 s late on a real node, their events are not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from start_lab import (
    FIREWALLED,
    PATIENCE_SECONDS,
    VERDICT_SECONDS,
    Causes,
    add_debug_container,
    content,
    debug_failure,
    making,
    options,
    pod_of,
    start,
)

from podshell.kube.debug_options import DebugKind
from podshell.kube.kubeconfig import load_connection
from podshell.kube.manifests import (
    debug_container_name,
    ephemeral_container,
    ephemeral_patch,
)
from podshell.kube.objects import Pod
from podshell.kube.rest import Client, PatchKind
from podshell.kube.starting import StartFailed, wait_started
from podshell.kube.workloads import PODS
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.kubelet.faults import PodFault
from podshell.sandbox.rbac import Rule
from sandbox_fixtures import MakeSandboxCluster


async def test_a_debug_container_starts(client: Client) -> None:
    await start(client, pod_of("cart"))
    name = debug_container_name()
    container = ephemeral_container(options(DebugKind.DEBUG), making(), name=name)
    await client.patch(PODS.path("lab", "cart", "ephemeralcontainers"), ephemeral_patch(container), Pod, how=PatchKind.STRATEGIC)
    pod = await wait_started(client, "lab", "cart", name, seconds=PATIENCE_SECONDS, say=lambda _: None)
    status = pod.container_status(name)
    assert status is not None
    assert status.state.running is not None


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
