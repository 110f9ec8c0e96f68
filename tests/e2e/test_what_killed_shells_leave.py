"""What is left of shells that were killed, a minute later, as the plain kubectl lists it: nothing of ours runs, and which objects stay."""

from __future__ import annotations

import time

import pytest
from cluster_pods import NAMESPACE, PATIENCE_SECONDS, ClusterPods
from killed import PHASES, Killed
from second_client import SecondClient, until_none
from shell_program import START_SECONDS, environment, run_gc, shell_terminal, words_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

# The waiter's minute, its look each 5 s, a stream's end that is seen 5 s later (kube/lifeline.sh), and what a kubelet needs to tell of it.
WITHIN_SECONDS = 90.0
# ttlSecondsAfterFinished of a Job, and what its controller needs.
JOB_SECONDS = 10.0 + 30.0


async def test_nothing_runs_after_agent_and_gateway_were_killed_for_good_and_their_jobs_are_removed(
    killed: Killed, second: SecondClient
) -> None:
    deadline = killed.agent_killed_at + killed.patience_seconds + 30
    await until_none(lambda: second.running_node_pods(killed.of_agent), "pods of a killed agent run on", deadline=deadline)
    await until_none(lambda: second.debug_containers(NAMESPACE, [killed.targets["agent"]]), "its debug containers do", deadline=deadline)
    await until_none(lambda: second.jobs(killed.of_agent), "its Jobs are there after their ttl", deadline=deadline + JOB_SECONDS)
    await until_none(lambda: second.node_pods(killed.of_agent), "the pods of its Jobs are", deadline=deadline + JOB_SECONDS)


async def test_nothing_is_left_of_a_killed_command_line_of_a_gateway_when_its_shells_have_idled_out(
    killed: Killed, second: SecondClient
) -> None:
    assert killed.sessions is not None
    await killed.sessions
    assert (await second.jobs(killed.of_gateway), await second.node_pods(killed.of_gateway)) == ([], {})


async def test_a_node_pod_is_removed_when_only_its_program_was_killed(killed: Killed, pods: ClusterPods, second: SecondClient) -> None:
    """Long before its waiter would end it, and not only its container."""
    others = set(await second.node_pods(killed.namespace))
    words = words_of([killed.node], namespace=killed.namespace)
    async with shell_terminal(words, environment(pods.kubeconfig)) as terminal:
        await terminal.expect(b"# ", START_SECONDS)
        (name,) = set(await second.node_pods(killed.namespace)) - others
        terminal.process.kill()
        await terminal.process.wait()

    async def left() -> list[str]:
        return [one for one in await second.node_pods(killed.namespace) if one == name]

    await until_none(left, "the pod of a killed program is there", deadline=time.monotonic() + PATIENCE_SECONDS)


async def test_nothing_runs_a_minute_after_kubectl_shell_was_killed_and_gc_removes_the_objects(
    killed: Killed, pods: ClusterPods, second: SecondClient
) -> None:
    deadline, targets = killed.killed_at + WITHIN_SECONDS, [killed.targets[phase] for phase in PHASES]
    await until_none(lambda: second.running_node_pods(killed.namespace), "node pods run on", deadline=deadline)
    await until_none(lambda: second.debug_containers(NAMESPACE, targets), "debug containers do", deadline=deadline)
    # a pod whose image never came ends by its deadline, which is a minute here
    await until_none(lambda: second.unfinished_node_pods(killed.namespace), "node pods may still run", deadline=deadline)
    left = await second.node_pods(killed.namespace)
    assert len(left) == len(PHASES), left
    # those of both ways, which cannot be removed from their pods; one more for each image that was given up before the kill
    assert len(await second.debug_containers(NAMESPACE, targets, running=False)) >= 2 * len(PHASES)
    listed = await run_gc(pods, killed.namespace)
    assert [name for name in left if name not in listed] == []
    await run_gc(pods, killed.namespace, "--delete")
    assert await second.node_pods(killed.namespace) == {}
