"""What an agent could not remove is told with what becomes of it, however long the API server's own sentence is."""

from __future__ import annotations

import os

import pytest
from test_stack_killed import EVERYTHING, NODE, SHORT, keep_something_running

from podshell.sandbox import users
from stack import MakeStack

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")


async def test_a_pod_that_could_not_be_deleted_is_said_to_end_by_itself(make_stack: MakeStack) -> None:
    stack = await make_stack(ceiling=EVERYTHING, tools=SHORT)
    async with stack.shell(**NODE) as terminal:
        await keep_something_running(terminal)
        stack.cluster.sandbox.authority.unbind(users.AGENT_NODES)
        await terminal.close_session()
        end = await terminal.wait_end()
    told = " ".join([*end.left, *end.unkilled])
    assert "it could not be deleted" in told
    assert f"ends by itself within {SHORT.patience_seconds} s" in told, end
