"""Debug and node shells that the cluster lets not start: an image that never comes, and namespaces whose Pod Security refuses them."""

from __future__ import annotations

import time

import pytest
from cluster_pods import ClusterPods
from second_client import SecondClient
from shell_program import FAILED, NEVER, REFUSED, START_SECONDS, run_shell

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

# What an image without a folder for other users than root makes of the restricted profile.
NO_FOLDER = "no folder that its user can write to"


@pytest.mark.parametrize("kind", ["node", "debug"])
async def test_an_image_that_never_comes_is_told_before_the_timeout_with_reason_and_next_step(
    pods: ClusterPods, second: SecondClient, node: str, kind: str
) -> None:
    space = await pods.create_namespace("privileged")
    target = node if kind == "node" else f"pods/{await pods.create(namespace=space)}"
    begin = time.monotonic()
    code, output, errors = await run_shell(pods.kubeconfig, target, "--", "true", image=NEVER, namespace=space)
    seconds = time.monotonic() - begin
    assert (code, output) == (FAILED, b""), errors
    assert f"image {NEVER}: " in errors
    assert "refused" in errors, "why: nobody listens at that port"
    assert "name an image that the node can pull (--image" in errors
    assert seconds < START_SECONDS / 4, "no patience is needed for a registry that refuses"
    assert await second.node_pods(space) == {}


async def test_a_restricted_namespace_gets_the_restricted_profile(pods: ClusterPods, second: SecondClient) -> None:
    space = await pods.create_namespace("restricted")
    pod = await pods.create(namespace=space, restricted=True)
    code, output, errors = await run_shell(pods.kubeconfig, f"pods/{pod}", "--", "sh", "-c", "id -u; echo in:$((40+2))", namespace=space)
    if NO_FOLDER in errors:
        pytest.skip("the image has no folder that another user than root can write to")
    assert code == 0, errors
    user, said = output.split()
    assert (said, user != b"0") == (b"in:42", True)
    assert len(await second.debug_containers(space, [pod], running=False)) == 1


async def test_what_a_restricted_namespace_forbids_is_refused_with_the_reason_before_anything_is_added(
    pods: ClusterPods, second: SecondClient
) -> None:
    space = await pods.create_namespace("restricted")
    pod = await pods.create(namespace=space, restricted=True)
    words = ("--capabilities", "NET_ADMIN", f"pods/{pod}", "--", "true")
    code, output, errors = await run_shell(pods.kubeconfig, *words, namespace=space)
    assert (code, output) == (REFUSED, b""), errors
    assert "restricted" in errors
    assert "NET_ADMIN" in errors
    assert "(refused by Pod Security)" in errors
    assert await second.debug_containers(space, [pod], running=False) == []


async def test_a_baseline_namespace_refuses_a_node_pod_with_the_reason(pods: ClusterPods, second: SecondClient, node: str) -> None:
    space = await pods.create_namespace("baseline")
    code, output, errors = await run_shell(pods.kubeconfig, node, "--", "true", namespace=space)
    assert (code, output) == (REFUSED, b""), errors
    assert "baseline" in errors
    assert "(refused by Pod Security)" in errors
    assert await second.node_pods(space) == {}
    pod = await pods.create(namespace=space)  # the same namespace takes a debug container
    code, output, errors = await run_shell(pods.kubeconfig, f"pods/{pod}", "--", "echo", "in", namespace=space)
    assert (code, output) == (0, b"in\n"), errors
