"""Loss of rights under debug and node sessions: what the agent may no longer remove or enter ends by itself, and is told of."""

from __future__ import annotations

import os

import pytest
from test_stack_killed import DEBUG, EVERYTHING, NODE, SHORT, keep_something_running, observing

from podshell.sandbox import users
from stack import MakeStack
from terminal_client import TerminalClient

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")

EXEC, NODES = (users.AGENT_EXEC,), (users.AGENT_NODES, users.AGENT_BASIC)
EVERYTHING_LOST = (*EXEC, *NODES, users.AGENT_READ, users.AGENT_ATTACH, users.AGENT_DEBUG)


async def close(terminal: TerminalClient) -> None:
    await terminal.close_session()
    await terminal.wait_end()


@pytest.mark.parametrize("lost", [EXEC, NODES], ids=["exec", "nodes"])
async def test_nothing_runs_on_when_sessions_are_closed_and_the_agent_is_killed_after_its_rights_were_taken(
    make_stack: MakeStack, lost: tuple[str, ...]
) -> None:
    stack = await make_stack(agent_process=True, ceiling=EVERYTHING, tools=SHORT)
    async with observing(stack.cluster.sandbox) as observer, stack.shell(**DEBUG) as debug, stack.shell(**NODE) as node:
        for terminal in (debug, node):
            await keep_something_running(terminal)
        assert len(await observer.living()) == 2
        for name in lost:
            stack.cluster.sandbox.authority.unbind(name)
        await close(debug)
        await close(node)
        if users.AGENT_NODES in lost:
            assert node.end is not None
            told = " ".join([*node.end.left, *node.end.unkilled])
            assert "it could not be deleted" in told, "the session says that its pod may still be there"
            assert 'cannot delete resource "jobs"' in told
        await stack.cluster.kill_agent()
        await observer.until("living")


async def test_nothing_runs_on_when_an_agent_without_any_rights_is_killed_under_its_sessions(make_stack: MakeStack) -> None:
    stack = await make_stack(agent_process=True, ceiling=EVERYTHING, tools=SHORT)
    async with observing(stack.cluster.sandbox) as observer, stack.shell(**DEBUG) as debug, stack.shell(**NODE) as node:
        for terminal in (debug, node):
            await keep_something_running(terminal)
        for name in EVERYTHING_LOST:
            stack.cluster.sandbox.authority.unbind(name)
        await stack.cluster.kill_agent()
        await observer.until("living")
