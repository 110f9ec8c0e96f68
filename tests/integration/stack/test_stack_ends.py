"""How sessions end or do not come to be, and what the user is told (issue "the first shell", acceptance 6 and 7).

The exact idle time is shown in virtual time by the agent's unit tests; here it is short, and the whole way to the terminal is walked.
"""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from podshell.sandbox.controllers.owners import delete_pod
from podshell.sandbox.resources import POD
from podshell.wire import messages as m
from podshell.wire.terminal import Input
from stack import MakeStack, Stack, settled
from terminal_client import ApiError, TerminalClient

IDLE_SECONDS = 4.0
TWO = ("demo-east", "demo-west")
_WHERE = re.compile(rb"in:([a-z-]+):here")


async def say_cluster(terminal: TerminalClient) -> str:
    """Ask the shell where it is."""
    await terminal.type(b"echo in:$CLUSTER:here\r")
    await terminal.wait_for(lambda t: _WHERE.search(t.output))
    found = _WHERE.search(terminal.output)
    assert found is not None
    return found[1].decode()


async def refusal_of(stack: Stack, **where: object) -> dict[str, object]:
    """Open a session that is refused at once."""
    with pytest.raises(ApiError) as refused:
        await stack.open_session(**where)
    return {"status": refused.value.status, **refused.value.error}


# Idle (acceptance 6)


async def test_the_idle_warning_is_seen_and_stay_and_typing_extend(make_stack: MakeStack) -> None:
    stack = await make_stack(idle_timeout_seconds=IDLE_SECONDS)
    async with stack.shell() as terminal:
        await terminal.wait_attached()
        assert terminal.attached is not None
        assert terminal.attached.idle_timeout_seconds == IDLE_SECONDS
        warning = await terminal.wait_notice("idle_warning")
        assert 0 < int(str(warning.data["seconds"])) <= IDLE_SECONDS / 2
        await terminal.send(m.Stay())
        await terminal.wait_notice("idle_cleared")
        await terminal.wait_notice("idle_warning", 2)
        await terminal.type(b"echo $((40+2))\r")
        await terminal.wait_notice("idle_cleared", 2)
        await terminal.wait_output(b"42")
        begin = time.monotonic()
        await terminal.wait_notice("idle_warning", 3)
        end = await terminal.wait_end()
        assert time.monotonic() - begin > IDLE_SECONDS / 4, "a new idle time begins with typing"
        assert (end.reason, end.unkilled) == ("idle", []), end
        assert "4 s" in end.message
        await stack.wait_audit(terminal.session, "session.end")
        assert (await stack.session(terminal.session))["state"] == "ended"


async def test_what_no_hand_does_extends_nothing(make_stack: MakeStack) -> None:
    """Output, resizes, visibility, pings, and a terminal's own replies, as fast as they come, do not keep a session."""
    stack = await make_stack(idle_timeout_seconds=IDLE_SECONDS)
    async with stack.shell(command=["sh", "-c", "stty raw -echo; while :; do printf '\\033[6n'; sleep 0.1; done"]) as terminal:
        await terminal.wait_output(b"\x1b[6n")
        begin, typed, replied = time.monotonic(), 0, 0
        while terminal.end is None:
            assert time.monotonic() - begin < IDLE_SECONDS + 20, f"it should have idled out: {terminal}"
            before = len(terminal.output)
            reply = b"\x1b[1;1R"
            await terminal.try_send(Input(typed, reply, auto=True))
            typed += len(reply)
            replied += 1
            await terminal.try_send(m.Resize(80 + replied % 5, 24))
            await terminal.try_send(m.Visibility(True))
            await terminal.wait_for(lambda t, seen=before: len(t.output) > seen or t.end is not None)
        assert terminal.end.reason == "idle", terminal.end
        assert replied > 5, "too few replies to show anything"
        assert len(terminal.notices_of("idle_warning")) == 1, terminal


# What cannot be opened (acceptance 7)


async def test_several_containers_are_answered_with_the_list(make_stack: MakeStack) -> None:
    stack = await make_stack()
    refused = await refusal_of(stack)
    assert (refused["status"], refused["code"]) == (422, "container_required"), refused
    assert refused["details"] == {"containers": ["cart", "exporter"]}, refused
    wrong = await refusal_of(stack, container="nothing")
    assert (wrong["status"], wrong["code"]) == (404, "not_found"), wrong
    assert "cart" in str(wrong["next_step"]), "it says which there are"
    pod = stack.cluster.pod_named("shop", "storefront")
    async with stack.shell(pod=pod, container="") as terminal:  # with one container there is nothing to choose
        await terminal.type(b"echo $((40+2))\r")
        await terminal.wait_output(b"42")


async def test_a_vanished_pod_an_unknown_cluster_and_one_without_agent_are_named(make_stack: MakeStack) -> None:
    stack = await make_stack()
    gone = await refusal_of(stack, pod="cart-7", container="cart")
    assert (gone["status"], gone["code"], gone["message"]) == (404, "not_found", 'pods "cart-7" not found'), gone
    unknown = await refusal_of(stack, cluster="demo-north", container="cart")
    assert (unknown["status"], unknown["code"]) == (404, "cluster_unknown"), unknown
    await stack.cluster.stop_agent()
    await stack.wait_online("demo-east", online=False)
    offline = await refusal_of(stack, container="cart")
    assert (offline["status"], offline["code"]) == (503, "agent_offline"), offline
    assert offline["next_step"]


async def test_a_pod_that_does_not_run_is_told_in_the_servers_words(make_stack: MakeStack) -> None:
    stack = await make_stack()
    async with stack.shell(namespace="reports", pod="forecast", container="") as terminal:
        end = await terminal.wait_end()
        assert end.reason == "failed", end
        assert end.refusal is not None
        assert end.refusal.code.value == "not_running", end
        # transcripts/refused/pending-pod: what the API server says of a pod without a node
        assert "pod forecast does not have a host assigned" in end.message, end
        assert end.next_step, end


async def test_a_container_without_a_shell_is_told_in_the_runtimes_words_and_what_to_do(make_stack: MakeStack) -> None:
    stack = await make_stack()
    pod = stack.cluster.pod_named("payments", "gateway")
    async with stack.shell(namespace="payments", pod=pod, container="") as terminal:
        end = await terminal.wait_end()
        assert end.refusal is not None, end
        assert end.refusal.code.value == "shell_missing", end
        assert "exec failed" in end.message, end
        assert "no such file or directory" in end.message or "executable file not found" in end.message, end
        assert "debug" in end.next_step, end


async def test_a_shell_ends_with_its_exit_code(make_stack: MakeStack) -> None:
    stack = await make_stack()
    async with stack.shell() as terminal:
        await terminal.type(b"exit 7\r")
        end = await terminal.wait_end()
        assert (end.reason, end.exit_code, end.left, end.unkilled) == ("exited", 7, [], []), end
    assert (await stack.wait_audit(terminal.session, "session.end"))["details"]["exit_code"] == 7  # type: ignore[index]  # a row
    shown = await stack.session(terminal.session)
    assert shown["state"] == "ended"
    assert shown["end"]["exit_code"] == 7  # type: ignore[index]  # an End


# Pods that go


async def test_a_deleted_pod_ends_the_session_with_the_reason_soon(make_stack: MakeStack) -> None:
    """Within 2 s of its end; 5 s here, where others use the machine. The pod's containers end at TERM at once."""
    stack = await make_stack()
    async with stack.shell() as terminal:
        await terminal.type(b"echo $((40+2))\r")
        await terminal.wait_output(b"42")
        view = stack.cluster.container()
        pod = stack.cluster.sandbox.store.get(POD, "shop", "cart-0")
        assert pod is not None
        delete_pod(stack.cluster.sandbox.store, pod)
        await settled(lambda: not view.processes(), lambda: f"the container's processes: {view.processes()}")
        begin = time.monotonic()
        end = await terminal.wait_end(5)
        assert end.reason == "target_gone", end
        assert "cart" in end.message, end
        assert time.monotonic() - begin < 5
        row = await stack.wait_audit(terminal.session, "session.end")
        assert row["details"]["reason"] == "target_gone", row  # type: ignore[index]  # a row


# Two clusters


async def test_each_shell_lands_in_its_cluster_and_one_agents_end_leaves_the_other_alone(make_stack: MakeStack) -> None:
    """The same namespace, pod and container in both."""
    stack = await make_stack(clusters=TWO)
    async with stack.shell("demo-east") as east, stack.shell("demo-west") as west:
        assert await asyncio.gather(say_cluster(east), say_cluster(west)) == list(TWO)
        attaches = west.attaches
        await stack["demo-east"].stop_agent()
        assert (await east.wait_end()).reason == "agent_stopped"
        await stack.wait_online("demo-east", online=False)
        await west.type(b"echo $((40+2))\r")
        await west.wait_output(b"42")
        assert (west.attaches, west.errors, west.end) == (attaches, [], None), west
        async with stack.shell("demo-west") as another:
            assert await say_cluster(another) == "demo-west"
        assert (await refusal_of(stack, cluster="demo-east", container="cart"))["code"] == "agent_offline"


@pytest.mark.parametrize("how", ["killed", "stopped in order, as by a rolling update"])
async def test_an_agent_that_comes_back_restarts_its_sessions_in_the_same_tab(make_stack: MakeStack, how: str) -> None:
    """F25: the old processes are gone, the new shell is the next incarnation, and no typing meant for the old one reaches it."""
    stack = await make_stack(clusters=TWO, agent_process=True)
    async with stack.shell("demo-east") as east, stack.shell("demo-west") as west:
        assert await asyncio.gather(say_cluster(east), say_cluster(west)) == list(TWO)
        first_epoch = east.epoch
        await east.type(b"mark=old; sleep 1234\r")
        view = stack["demo-east"].container()
        await settled(lambda: any(p.command == "sleep 1234" for p in view.processes().values()), "the program in the old shell")
        old = set(view.processes())
        await (stack["demo-east"].kill_agent() if how == "killed" else stack["demo-east"].stop_agent())
        await stack.wait_online("demo-east", online=False)
        await east.type(b"echo for the old shell\r")
        await settled(lambda: len(old & set(view.processes())) == 2, lambda: f"only the container's own are left: {view.processes()}")
        await stack["demo-east"].start_agent()
        await east.wait_for(lambda t: t.epoch not in ("", first_epoch))
        # no byte follows what was there: this is how a terminal knows of another life of the agent, and of the shell
        assert east.attached is not None
        assert (east.attached.incarnation, east.attached.reset) == (2, True), east
        seen = len(east.output)
        await east.type(b"echo mark:$mark:$CLUSTER\r")
        await east.wait_for(lambda t: b"mark::demo-east" in t.output[seen:])
        assert b"for the old shell" not in east.output[seen:], east
        assert (await stack.session(east.session))["incarnation"] == 2
        await stack.wait_audit(east.session, "session.restart")
        assert [row["action"] for row in await stack.audit(east.session)].count("session.restart") == 1
        assert (west.attaches, west.errors, west.end) == (1, [], None), west


async def test_a_session_without_any_terminal_is_restarted_and_told_at_the_next_attach(make_stack: MakeStack) -> None:
    stack = await make_stack(agent_process=True)
    async with stack.shell() as terminal:
        await terminal.type(b"mark=old; echo $((40+2))\r")
        await terminal.wait_output(b"42")
        await terminal.leave()
    await stack.cluster.kill_agent()
    await stack.wait_online("demo-east", online=False)
    await stack.cluster.start_agent()
    await stack.wait_audit(terminal.session, "session.restart")
    async with TerminalClient(stack.api, terminal.session) as back:
        attached = await back.wait_attached()
        assert attached.incarnation == 2, back
        await back.type(b"echo mark:$mark:\r")
        await back.wait_output(b"mark::\r")
