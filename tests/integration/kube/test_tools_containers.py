"""Tools containers on the sandbox, as agent and command line make them: made, used again, taken away; and how they do not start."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from podshell.aio.clock import LoopClock
from podshell.kube.access import KubernetesAccess
from podshell.kube.debug_containers import add_container, pod_problem, read_equipped, reusable, sharing_problem
from podshell.kube.debug_options import DebugKind, DebugOptions, OptionProblem, ResolvedOptions, resolve
from podshell.kube.errors import Forbidden, NotFound
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import Exited
from podshell.kube.hazards import Broken
from podshell.kube.kubeconfig import load_connection
from podshell.kube.manifests import CONTAINER, Making, Manifest, debug_key, ephemeral_container, node_job, node_pod
from podshell.kube.node_pods import NodePod, delete_session, node_facts, node_problem
from podshell.kube.objects import Metadata, Node, Pod
from podshell.kube.pod_security import fit_namespace
from podshell.kube.rest import Client
from podshell.kube.shells import Shell, ShellPlan
from podshell.kube.starting import wait_job_pod, wait_started
from podshell.kube.waiter import waiter_command
from podshell.kube.workloads import JOBS, NODES, PODS
from podshell.sandbox import users
from podshell.sandbox.admission import WebhookDenial
from podshell.sandbox.cluster import SandboxCluster
from stack import ContainerView, settled

NAMESPACE = "podshell"


@pytest.fixture
async def client(sandbox_cluster: SandboxCluster, tmp_path: Path) -> AsyncIterator[Client]:
    path = tmp_path / "config"
    sandbox_cluster.write_kubeconfig(path, users.ADMIN)
    async with Client(load_connection(files=[path], environ={})) as running:
        yield running


def options_of(kind: DebugKind, **fields: object) -> ResolvedOptions:
    resolved = resolve(kind, DebugOptions(**{"image": "tools:1", **fields}))  # type: ignore[arg-type]  # fields by name
    assert isinstance(resolved, ResolvedOptions), resolved
    return resolved


def making_of(session: str, user: str, *, key: str = "", patience: int = 60) -> Making:
    return Making(session, user, waiter_command(600, patience), time.time(), key=key)


def node_builder(session: str, *, job: bool, patience: int = 60, **fields: object) -> Callable[[str], Manifest]:
    options = options_of(DebugKind.NODE, **fields)
    build = node_job if job else node_pod
    facts = node_facts("worker-1", None)
    return lambda name: build(options, making_of(session, "ada", patience=patience), facts, name=name, namespace=NAMESPACE)


async def debug_container(client: Client, user: str, *, patience: int = 60, **fields: object) -> str | Broken:
    """Find or make a debug container in cart-0, as both front ends do; returns its name."""
    options = options_of(DebugKind.DEBUG, **fields)
    key = debug_key(options, user)
    found = await read_equipped(client, "shop", "cart-0")
    if (problem := pod_problem(found.pod, options.target) or sharing_problem(found, options.target, user)) is not None:
        return problem
    if name := reusable(found, key):
        return name
    making = making_of("s", user, key=key, patience=patience)
    name = await add_container(client, "shop", "cart-0", lambda name: ephemeral_container(options, making, name=name))
    await started(client, "shop", "cart-0", name)
    return name


async def started(client: Client, namespace: str, pod: str, container: str) -> Pod:
    return await wait_started(client, namespace, pod, container, seconds=30, say=lambda _: None)


async def names_of_ours(client: Client) -> list[str]:
    selector = {"labelSelector": "app.kubernetes.io/managed-by=podshell"}
    found = [*await client.list(PODS.path(NAMESPACE), Metadata, params=selector)]
    found += await client.list(JOBS.path(NAMESPACE), Metadata, params=selector)
    return [one.metadata.name for one in found]


async def nothing_is_left(client: Client) -> None:
    async with asyncio.timeout(20):
        while await names_of_ours(client):
            await asyncio.sleep(0.05)  # another client's view: it is asked, not told


@pytest.mark.parametrize("job", [False, True], ids=["pod", "job"])
async def test_a_node_pod_starts_and_goes_and_removing_it_again_is_fine(client: Client, job: bool) -> None:
    made = NodePod(client, JOBS if job else PODS, NAMESPACE, "worker-1")
    await made.create(node_builder("one", job=job))
    pod = (await wait_job_pod(client, NAMESPACE, made.name, seconds=20)).metadata.name if job else made.name
    running = await started(client, NAMESPACE, pod, CONTAINER)
    assert running.spec.node_name == "worker-1"
    status = running.container_status(CONTAINER)
    assert status is not None
    assert status.image_id
    await made.remove()
    await made.remove()
    await nothing_is_left(client)


async def test_a_create_whose_answer_nobody_heard_is_still_removed(client: Client) -> None:
    made = NodePod(client, PODS, NAMESPACE, "worker-1")
    creating = asyncio.ensure_future(made.create(node_builder("one", job=False)))
    async with asyncio.timeout(5):
        while not made.may_exist:
            await asyncio.sleep(0)  # until the request is on its way
    creating.cancel()
    await made.remove()
    await nothing_is_left(client)


async def test_a_session_is_removed_by_its_label_and_another_is_not(client: Client) -> None:
    pods = [NodePod(client, PODS, NAMESPACE, "worker-1") for _ in range(2)]
    for made, session in zip(pods, ("mine", "theirs"), strict=True):
        await made.create(node_builder(session, job=False))
    assert await delete_session(client, PODS, NAMESPACE, "mine") == [pods[0].name]
    async with asyncio.timeout(20):
        while pods[0].name in await names_of_ours(client):
            await asyncio.sleep(0.05)  # another client's view
    assert await names_of_ours(client) == [pods[1].name]


async def test_a_pod_that_took_the_name_since_is_not_removed(client: Client) -> None:
    made = NodePod(client, PODS, NAMESPACE, "worker-1")
    await made.create(node_builder("one", job=False))
    await client.delete(PODS.path(NAMESPACE, made.name), grace_seconds=0)
    await nothing_is_left(client)
    await client.create(PODS.path(NAMESPACE), node_builder("two", job=False)(made.name), Metadata)
    await made.remove()
    assert await names_of_ours(client) == [made.name]


async def test_a_name_that_is_taken_is_chosen_anew(client: Client) -> None:
    first, second = (NodePod(client, PODS, NAMESPACE, "worker-1") for _ in range(2))
    await first.create(node_builder("one", job=False))
    second.name = first.name
    await second.create(node_builder("two", job=False))
    assert second.name != first.name
    await second.remove()
    assert first.name in await names_of_ours(client)


@pytest.mark.parametrize("job", [False, True], ids=["pod", "job"])
async def test_a_maker_that_vanishes_while_creating_leaves_nothing(client: Client, job: bool) -> None:
    """No lifeline ever comes, as after kill -9: the waiter ends the container by itself, here after 1 s."""
    made = NodePod(client, JOBS if job else PODS, NAMESPACE, "worker-1")
    await made.create(node_builder("one", job=job, patience=1))
    params = {"labelSelector": "podshell.dev/session=one"}
    phases: list[str] = []
    async with asyncio.timeout(30):
        while phases != ["Succeeded"]:
            phases = [pod.status.phase for pod in await client.list(PODS.path(NAMESPACE), Pod, params=params)]
            await asyncio.sleep(0.05)  # another client's view


async def test_a_debug_container_of_the_same_user_is_used_again_and_another_users_is_not(client: Client) -> None:
    first = await debug_container(client, "ada")
    assert await debug_container(client, "ada") == first
    assert await debug_container(client, "bob") != first


async def test_two_users_do_not_share_the_processes_of_one_pod(client: Client) -> None:
    mine = await debug_container(client, "ada", target="cart")
    assert await debug_container(client, "ada", target="cart") == mine
    refused = await debug_container(client, "bob", target="cart")
    assert isinstance(refused, Broken)
    assert (refused.reason, "ada" in refused.message) == ("TargetShared", True)
    assert isinstance(await debug_container(client, "bob"), str)


async def test_pods_and_nodes_where_nothing_can_start_are_known_before(client: Client) -> None:
    async def of_pod(namespace: str, name: str, target: str = "") -> str:
        problem = pod_problem(await client.get(PODS.path(namespace, name), Pod), target)
        return problem.reason if problem is not None else ""

    async def of_node(name: str, os: str = "linux") -> str:
        problem = node_problem(await client.get(NODES.path("", name), Node), os)
        return problem.reason if problem is not None else ""

    assert await of_pod("reports", "forecast") == "PodPending"
    assert await of_pod("shop", "cart-0", "nope") == "TargetUnknown"
    assert await of_pod("shop", "cart-0", "exporter") == ""
    assert (await of_node("worker-1"), await of_node("worker-2")) == ("", "NodeNotReady")
    assert (await of_node("worker-win"), await of_node("worker-1", "windows")) == ("UnsupportedOS", "UnsupportedOS")
    assert isinstance(await fit_namespace(client, options_of(DebugKind.NODE), "shop"), OptionProblem)
    with pytest.raises(NotFound):
        await fit_namespace(client, options_of(DebugKind.NODE), "no-such-namespace")


class Screen:
    """A shell's owner."""

    def __init__(self) -> None:
        self.output = bytearray()
        self._changed = asyncio.Event()

    def shell_output(self, data: bytes | memoryview) -> None:
        self.output += data
        self._changed.set()

    def shell_errors(self, data: bytes | memoryview) -> None:
        self.shell_output(data)

    def shell_writable(self) -> None:
        pass

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(30):
            while text not in self.output:
                self._changed.clear()
                await self._changed.wait()


def held_shell(client: Client, target: ExecTarget, screen: Screen, resume: str = "") -> Shell:
    plan = ShellPlan(target, (), tty=True, tools=True, resume=resume)
    return Shell(KubernetesAccess(client), plan, screen, LoopClock(), size=(80, 24))


def jobs(view: ContainerView) -> set[tuple[int, int]]:
    """The jobs of the test below, by pid and start time."""
    return {key for key, one in view.processes().items() if one.command == "sleep 1727"}


@pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
@pytest.mark.skipif(shutil.which("dtach") is None, reason="the sandbox's tools image takes dtach from this machine")
async def test_a_held_shell_keeps_its_state_for_whoever_resumes_it_and_leaves_nothing_when_it_is_closed(
    sandbox_cluster: SandboxCluster, client: Client
) -> None:
    made = NodePod(client, PODS, NAMESPACE, "worker-1")
    await made.create(node_builder("one", job=False))
    await started(client, NAMESPACE, made.name, CONTAINER)
    target, view = ExecTarget(NAMESPACE, made.name, CONTAINER), ContainerView.of(sandbox_cluster, made.name, CONTAINER, NAMESPACE)
    first = held_shell(client, target, screen := Screen())
    assert await first.open() is None
    assert (first.held, first.resumed) == (True, False)
    first.send_input(b"export X=1; (trap '' HUP; exec sleep 1727) & echo up:$((40+2)):\r")
    await screen.until(b"up:42:")
    await settled(lambda: jobs(view), "that the job in the background has become its command")
    living = jobs(view)
    first.abort()  # as the loss of every connection

    second = held_shell(client, target, again := Screen(), resume=first.nonce)
    assert await second.open() is None
    assert (second.held, second.resumed, second.leader) == (True, True, first.leader)
    second.send_input(b"echo again:$((X+1)):\r")
    await again.until(b"again:2:")
    assert living <= set(view.processes())

    report = await second.close()
    assert (report.done, report.left, report.unkilled) == (True, [], [])
    assert "sleep" in " ".join(report.killed)
    await settled(lambda: len(view.execs()) == 1, lambda: f"the waiter's own only: {list(map(str, view.processes().values()))}")
    third = held_shell(client, target, Screen(), resume=first.nonce)
    assert await third.open() is None
    assert isinstance(await third.wait(), Exited), "who comes late hears how it ended, and gets no other shell for it"
    await third.close()
    await made.remove()


async def test_a_refused_create_leaves_nothing_to_remove(sandbox_cluster: SandboxCluster, client: Client) -> None:
    sandbox_cluster.server.admission.add(WebhookDenial(resources=("pods",), namespace=NAMESPACE))
    made = NodePod(client, PODS, NAMESPACE, "worker-1")
    with pytest.raises(Forbidden):
        await made.create(node_builder("one", job=False))
    assert not made.may_exist
    await made.remove()
