"""Debug and node sessions when something dies: the shell goes on where a holder keeps it, and nothing of ours stays behind."""

from __future__ import annotations

import os
import shutil

import pytest

from podshell.agent.ceiling import Action, ceiling_of
from podshell.agent.settings import ToolsSettings
from podshell.sandbox.resources import JOB, POD
from stack import MakeStack, Stack, settled
from terminal_client import TerminalClient

EVERYTHING = ceiling_of([action.value for action in Action])
# Two seconds stand for the minute of waiter and sweep.
SHORT = ToolsSettings(image_repository="tools", image_version="1", patience_seconds=2, sweep_seconds=0.2)
DEBUG: dict[str, object] = {"kind": "debug", "container": ""}
NODE: dict[str, object] = {"kind": "node", "namespace": "", "pod": "", "container": "", "node": "worker-1"}
needs_dtach = pytest.mark.skipif(shutil.which("dtach") is None, reason="the sandbox's tools image takes dtach from this machine")


def node_pods(stack: Stack) -> list[str]:
    """The node pods of ours that the cluster has, and their Jobs."""
    objects = [*stack.cluster.sandbox.store.list(JOB), *stack.cluster.sandbox.store.list(POD)]
    ours = [one["metadata"] for one in objects if one["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "podshell"]
    return [one["name"] for one in ours]


def debug_containers(stack: Stack) -> list[str]:
    """The debug containers of ours that run."""
    pod = stack.cluster.sandbox.store.get(POD, "shop", "cart-0")
    assert pod is not None
    statuses = pod["status"].get("ephemeralContainerStatuses", [])
    return [one["name"] for one in statuses if "running" in one["state"]]


async def say(terminal: TerminalClient, text: str, expected: bytes) -> None:
    await terminal.type(text.encode() + b"\r")
    await terminal.wait_output(expected)


@needs_dtach
@pytest.mark.parametrize("kind", [DEBUG, NODE], ids=["debug", "node"])
async def test_the_state_of_a_held_shell_survives_an_agent_that_is_killed(make_stack: MakeStack, kind: dict[str, object]) -> None:
    stack = await make_stack(agent_process=True, ceiling=EVERYTHING)
    async with stack.shell(**kind) as terminal:
        await say(terminal, "export X=1; sleep 1725 & J=$!; echo first:$((40+2)):", b"first:42:")
        await stack.cluster.kill_agent()
        await stack.wait_online(stack.cluster.name, online=False)
        await stack.cluster.start_agent()
        await terminal.wait_for(lambda t: t.resets)
        await say(terminal, "sh -c 'echo again:$((X+1)):'", b"again:2:")
        await say(terminal, "kill -0 $J && jobs -p | grep -x $J | sed 's/.*/its job go''es on/'", b"its job goes on")
        assert await stack.wait_audit(terminal.session, "session.resume")
        assert not await stack.audit(terminal.session, "session.restart")
        assert not terminal.notices_of("restarted")
        assert (await stack.session(terminal.session))["incarnation"] == 1
        await terminal.close_session()
        await terminal.wait_end()
    await settled(lambda: not node_pods(stack), lambda: node_pods(stack))


@needs_dtach
@pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
async def test_a_shell_in_the_node_itself_is_attached_to_again_after_an_agent_that_was_killed(make_stack: MakeStack) -> None:
    stack = await make_stack(agent_process=True, ceiling=EVERYTHING)
    where = "$(readlink /proc/self/ns/mnt | grep -c $(readlink /proc/1/ns/mnt | tr -dc 0-9))"
    async with stack.shell(**NODE, debug={"enter": True}) as terminal:
        await say(terminal, f"export X=1; echo first:{where}:", b"first:1:")
        await stack.cluster.kill_agent()
        await stack.wait_online(stack.cluster.name, online=False)
        await stack.cluster.start_agent()
        await terminal.wait_for(lambda t: t.resets)
        await say(terminal, f"echo again:{where}:$((X+1)):", b"again:1:2:")
        assert not terminal.notices_of("restarted")
        await terminal.close_session()
        await terminal.wait_end()


async def test_an_exec_session_restarts_beside_that_and_says_so(make_stack: MakeStack) -> None:
    stack = await make_stack(agent_process=True, ceiling=EVERYTHING)
    async with stack.shell() as terminal:
        await say(terminal, "export X=1; echo first:$((40+2)):", b"first:42:")
        await stack.cluster.kill_agent()
        await stack.cluster.start_agent()
        await stack.wait_audit(terminal.session, "session.restart")
        # what is typed before the terminal knows of the other shell is not for that one
        await terminal.wait_for(lambda t: t.resets)
        await say(terminal, "echo again:$((X+1)):", b"again:1:")
        assert (await stack.session(terminal.session))["incarnation"] == 2
        assert terminal.attached is not None
        # by this, consoles and command lines tell their users that it is another shell
        assert (terminal.attached.incarnation, terminal.attached.reset) == (2, True)


@pytest.mark.parametrize("kind", [DEBUG, NODE], ids=["debug", "node"])
async def test_nothing_stays_when_the_agent_is_killed_and_nobody_follows(make_stack: MakeStack, kind: dict[str, object]) -> None:
    stack = await make_stack(agent_process=True, ceiling=EVERYTHING, tools=SHORT)
    async with stack.shell(**kind) as terminal:
        await say(terminal, "echo first:$((40+2)):", b"first:42:")
        assert node_pods(stack) or debug_containers(stack)
        await stack.cluster.kill_agent()
        await settled(lambda: not debug_containers(stack), lambda: debug_containers(stack))
        if kind is NODE:
            await settled(lambda: not _running(stack), lambda: node_pods(stack))


@pytest.mark.parametrize("phase", ["creating", "pulling", "starting"])
async def test_nothing_stays_of_a_node_session_whose_agent_is_killed_while_it_is_made(make_stack: MakeStack, phase: str) -> None:
    stack = await make_stack(agent_process=True, gateway_process=False, ceiling=EVERYTHING, tools=SHORT)
    await stack.open_session(**NODE)
    if phase != "creating":
        await settled(lambda: node_pods(stack), "a node pod")
    if phase == "starting":
        await settled(lambda: _running(stack), "a node pod that runs")
    await stack.cluster.kill_agent()
    await settled(lambda: not _running(stack), lambda: node_pods(stack))
    await stack.stop_gateway()  # who comes back finds no session, and removes what is left of it
    await stack.cluster.start_agent()
    await settled(lambda: not node_pods(stack), lambda: f"{node_pods(stack)}; {stack.logs()}")


async def test_idle_shells_close_before_their_viewers_and_take_what_was_made_with_them(make_stack: MakeStack) -> None:
    stack = await make_stack(ceiling=EVERYTHING, tools=SHORT, idle_timeout_seconds=4.0)
    async with stack.shell(**DEBUG) as debug, stack.shell(**NODE) as node:
        for terminal in (debug, node):
            await say(terminal, "(trap '' HUP; exec sleep 1719) & echo first:$((40+2)):", b"first:42:")
        for terminal in (debug, node):
            await terminal.wait_notice("idle_warning")
            end = await terminal.wait_end()
            assert (end.reason, end.left, end.unkilled) == ("idle", [], []), end
            await stack.wait_audit(terminal.session, "session.end")
        assert (debug.attaches, node.attaches) == (1, 1), "they were attached all the time"
    await settled(lambda: not node_pods(stack), lambda: node_pods(stack))
    await settled(lambda: not debug_containers(stack), lambda: debug_containers(stack))


async def test_a_killed_gateway_ends_no_shell_and_a_detached_one_idles_out(make_stack: MakeStack) -> None:
    stack = await make_stack(gateway_process=True, agent_process=True, ceiling=EVERYTHING, tools=SHORT, idle_timeout_seconds=5.0)
    async with stack.shell(**NODE) as terminal:
        await say(terminal, "echo first:$((40+2)):", b"first:42:")
        await stack.kill_gateway()
    await settled(lambda: not node_pods(stack), lambda: node_pods(stack))


def _running(stack: Stack) -> list[str]:
    pods = [one for one in stack.cluster.sandbox.store.list(POD) if one["metadata"]["name"] in node_pods(stack)]
    return [one["metadata"]["name"] for one in pods if one["status"].get("phase") == "Running"]
