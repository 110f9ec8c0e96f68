"""Debug and node shells on the cluster under test: `kubectl shell` as a process, and the same through the gateway.

What is left is listed by a second client. A recipe that the cluster or the image does not allow is skipped, with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from cluster_pods import NAMESPACE, PATIENCE_SECONDS, TOOLS_IMAGE, ClusterPods
from running_podshell import CLUSTER, RunningPodshell, running_podshell
from shell_program import IMAGE_OF_SHELLS, NO_PROGRAM, permitted_shell

from podshell.agent.ceiling import Ceiling
from podshell.agent.settings import ToolsSettings
from podshell.kube.manifests import SELECTOR
from podshell.kube.objects import Pod
from podshell.kube.workloads import PODS
from terminal_client import TerminalClient

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tools_podshell(pods: ClusterPods, folder: Path) -> AsyncIterator[RunningPodshell]:
    """A gateway and an agent that allow debug and node sessions."""
    repository, _, version = IMAGE_OF_SHELLS.rpartition(":")
    tools = ToolsSettings(
        image_repository=repository, image_version=version, debug_namespace="podshell" if pods.sandboxed else NAMESPACE, patience_seconds=20
    )
    ceiling = Ceiling(pod_exec=True, pod_debug=True, node_shell=True)
    async with running_podshell(pods, folder / "tools", ceiling=ceiling, tools=tools) as running:
        yield running


async def pods_of_ours(pods: ClusterPods) -> list[str]:
    """What the plain client lists of what shells made on nodes."""
    found = await pods.client.list(PODS.path(), Pod, params={"labelSelector": SELECTOR})
    living = (one.metadata for one in found if one.metadata.deletion_timestamp is None)
    return [one.name for one in living if one.namespace not in pods.namespaces]  # those have tests of their own


async def nothing_is_left(pods: ClusterPods) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await pods_of_ours(pods):
            await asyncio.sleep(0.2)


# With one's own kubeconfig.


async def test_a_node_shell_runs_a_command_has_its_exit_code_and_leaves_nothing(pods: ClusterPods, node: str) -> None:
    code, output, errors = await permitted_shell(pods, node, "--", "sh", "-c", "cat; exit 7", stdin=b"through the node")
    assert (code, output) == (7, b"through the node"), errors
    await nothing_is_left(pods)


async def test_a_debug_shell_runs_in_the_pods_network_and_has_its_exit_code(pods: ClusterPods, pod: str) -> None:
    code, output, errors = await permitted_shell(pods, f"pods/{pod}", "--", "sh", "-c", "echo $((6 * 7)); exit 9")
    assert (code, output) == (9, b"42\n"), errors
    found = await pods.client.get(PODS.path(NAMESPACE, pod), Pod)
    assert len(found.spec.ephemeral_containers or ()) == 1
    code, _, errors = await permitted_shell(pods, f"pods/{pod}", "--", "true")
    again = await pods.client.get(PODS.path(NAMESPACE, pod), Pod)
    assert (code, len(again.spec.ephemeral_containers or ())) == (0, 1), errors


@pytest.mark.parametrize("kind", ["node", "debug"])
async def test_a_shell_that_is_attached_to_has_its_exit_code(pods: ClusterPods, pod: str, node: str, kind: str) -> None:
    target = node if kind == "node" else f"pods/{pod}"
    code, output, errors = await permitted_shell(pods, "--attach", target, "--", "sh", "-c", "cat; exit 5", stdin=b"attached")
    assert (code, output) == (5, b"attached"), errors
    await nothing_is_left(pods)


# Through the gateway.


@pytest.mark.parametrize("kind", ["node", "debug"])
async def test_a_session_is_left_and_found_again_with_its_state(
    tools_podshell: RunningPodshell, pods: ClusterPods, pod: str, node: str, kind: str
) -> None:
    place = {"namespace": "", "pod": "", "container": "", "node": node} if kind == "node" else {"namespace": NAMESPACE, "pod": pod}
    session, ticket = await tools_podshell.api.open_session(cluster=CLUSTER, **{**place, "kind": kind})
    async with TerminalClient(tools_podshell.api, session, ticket) as terminal:
        await terminal.type(b"kept=$((6 * 7)); echo is:$kept:set\n")
        await terminal.wait_output(b"is:42:set")
    async with TerminalClient(tools_podshell.api, session) as terminal:
        await terminal.type(b"echo still:$kept:there; exit 3\n")
        await terminal.wait_output(b"still:42:there")
        end = await terminal.wait_end()
    assert (end.reason, end.exit_code, end.unkilled) == ("exited", 3, [])
    await nothing_is_left(pods)


# The recipes of docs/how-to/debug-and-node-shells.md that not every cluster permits.


def needs_tools_image() -> None:
    if not TOOLS_IMAGE:
        pytest.skip("it needs the tools image: set PODSHELL_E2E_TOOLS_IMAGE")


async def test_enter_is_a_root_shell_in_the_node_itself(pods: ClusterPods, node: str) -> None:
    code, output, errors = await permitted_shell(
        pods, node, "--enter", "--", "sh", "-c", "id -u; readlink /proc/1/ns/mnt; readlink /proc/self/ns/mnt"
    )
    if code == NO_PROGRAM:
        needs_tools_image()
    assert code == 0, (output, errors)
    user, first, own = output.decode().splitlines()
    assert (user, first) == ("0", own)
    await nothing_is_left(pods)


async def test_ip_netns_exec_works_after_enter(pods: ClusterPods, node: str) -> None:
    code, output, errors = await permitted_shell(pods, node, "--enter", "--", "ip", "netns", "list")
    if code != 0 or not output.split():
        pytest.skip(f"the node has no ip, or no named network namespace: {errors.splitlines()[-1:]}")
    name = output.split()[0].decode()
    code, output, errors = await permitted_shell(pods, node, "--enter", "--", "ip", "netns", "exec", name, "ip", "-o", "link", "show", "lo")
    assert (code, b"LOOPBACK" in output) == (0, True), errors
    await nothing_is_left(pods)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("bpftool", "-j", "prog", "list"), b"["),
        (("bpftrace", "-e", 'BEGIN { printf("seen %d\\n", 40 + 2); exit(); }'), b"seen 42"),
    ],
    ids=["bpftool", "bpftrace"],
)
async def test_the_tracing_tools_work_with_the_trace_profile(
    pods: ClusterPods, node: str, command: tuple[str, ...], expected: bytes
) -> None:
    needs_tools_image()
    if pods.sandboxed:
        pytest.skip("the sandbox's nodes have no kernel of their own: tests/image traces with the image's tools")
    code, output, errors = await permitted_shell(pods, node, "--profile", "trace", "--", *command)
    assert (code, expected in output) == (0, True), (output, errors)
    await nothing_is_left(pods)


async def test_systemctl_and_journalctl_of_the_node_answer(pods: ClusterPods, node: str) -> None:
    """S2's last recipe; listed as not run where the node has no systemd."""
    if pods.sandboxed:
        pytest.skip("the sandbox's nodes have no systemd")
    code, output, errors = await permitted_shell(pods, node, "--profile", "systemd", "--", "chroot", "/host", "systemctl", "status")
    if code != 0:
        pytest.skip(f"the node's systemctl does not answer: {errors.splitlines()[-1:]}")
    assert output.decode().startswith("● ")
    code, output, errors = await permitted_shell(
        pods, node, "--profile", "systemd", "--", "chroot", "/host", "journalctl", "-n", "1", "--no-pager"
    )
    assert (code, len(output.splitlines()) >= 1) == (0, True), errors
