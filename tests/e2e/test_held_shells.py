"""Debug and node shells when gateway and agent are killed: who comes back goes on with the same shell, where the image can hold one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cluster_pods import NAMESPACE, TOOLS_IMAGE, ClusterPods
from podshell_processes import PodshellProcesses, running_processes
from running_podshell import CLUSTER
from second_client import SecondClient, until_none
from shell_program import START_SECONDS

from terminal_client import TerminalClient
from warm_parent import WarmParent

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

# As long as containers wait for somebody by default: starting an agent again takes less.
PATIENCE_SECONDS = 60
SANDBOX_TOOLS = "tools:1"


async def say(terminal: TerminalClient, text: bytes, expected: bytes) -> None:
    seen = len(terminal.output)
    await terminal.type(text + b"\r")
    await terminal.wait_for(lambda t: expected in t.output[seen:], START_SECONDS)


async def open_shell(running: PodshellProcesses, **place: object) -> TerminalClient:
    session, ticket = await running.api.open_session(cluster=CLUSTER, **place)
    return TerminalClient(running.api, session, ticket)


async def test_a_held_shell_goes_on_after_kill_9_of_the_gateway_and_of_the_agent(
    pods: ClusterPods, second: SecondClient, node: str, folder: Path, warm_parent: WarmParent
) -> None:
    image = TOOLS_IMAGE or (SANDBOX_TOOLS if pods.sandboxed else "")
    if not image:
        pytest.skip("a shell is held only where its image has dtach: set PODSHELL_E2E_TOOLS_IMAGE")
    namespace, pod = await pods.create_namespace("privileged"), await pods.create()
    async with running_processes(
        warm_parent, folder / "held", pods.kubeconfig, image=image, namespace=namespace, patience_seconds=PATIENCE_SECONDS
    ) as running:
        on_node = await open_shell(running, kind="node", namespace="", pod="", container="", node=node)
        in_pod = await open_shell(running, kind="debug", namespace=NAMESPACE, pod=pod)
        async with on_node, in_pod:
            for shell in (on_node, in_pod):
                await say(shell, b"export X=1; echo first:$((40+2)):", b"first:42:")
            attaches = [shell.attaches for shell in (on_node, in_pod)]
            await running.kill_gateway()
            await running.start_gateway()
            for shell, before in zip((on_node, in_pod), attaches, strict=True):
                await shell.wait_for(lambda t, before=before: t.attaches > before, 60)  # type: ignore[misc]  # bound now
                await say(shell, b"echo second:$((X+1)):", b"second:2:")
                assert shell.resets == 0, "the agent went on all the time"
            await running.kill_agent()
            await running.wait_online(online=False)
            await running.start_agent()
            for shell in (on_node, in_pod):
                await shell.wait_for(lambda t: t.resets, 60)
                await say(shell, b"sh -c 'echo third:$((X+2)):'", b"third:3:")
                assert shell.notices_of("restarted") == []
                await shell.close_session()
                await shell.wait_end()
        deadline = asyncio.get_running_loop().time() + 60
        await until_none(lambda: second.node_pods(namespace), "the pod of a session that was closed", deadline=deadline)
        await until_none(lambda: second.jobs(namespace), "its Job", deadline=deadline)
