"""Debug and node sessions through the whole stack: made, used, refused, ended, and nothing left (issue "debug and node shells")."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from podshell.agent.ceiling import Action, ceiling_of
from podshell.sandbox.resources import JOB, POD
from stack import Stack, settled

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYTHING = ceiling_of([action.value for action in Action])
DEBUG: dict[str, object] = {"kind": "debug"}
NODE: dict[str, object] = {"kind": "node", "namespace": "", "pod": "", "container": "", "node": "worker-1"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack that allows everything, for the tests that do not restart anything."""
    async with Stack(tmp_path_factory.mktemp("debug"), ceiling=EVERYTHING) as stack:
        yield stack


def made_objects(stack: Stack) -> list[str]:
    """What the API server has of ours in the debug namespace, read past everything that is tested."""
    objects = [*stack.cluster.sandbox.store.list(JOB), *stack.cluster.sandbox.store.list(POD)]
    ours = [one["metadata"] for one in objects if one["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "podshell"]
    return [one["name"] for one in ours]


async def test_a_node_session_is_made_used_and_removed_with_its_pod(stack: Stack) -> None:
    async with stack.shell(**NODE) as terminal:
        await terminal.type(b"echo in:$((6*7)):node\r")
        await terminal.wait_output(b"in:42:node")
        session = await stack.session(terminal.session)
        assert made_objects(stack)
        await terminal.close_session()
        end = await terminal.wait_end()
        assert (end.reason, end.unkilled) == ("closed", [])
    assert session["made"]["object"] == "job"  # type: ignore[index]  # a MadeContainer
    await settled(lambda: not made_objects(stack), lambda: made_objects(stack))


async def test_a_debug_session_is_made_in_the_pod(stack: Stack) -> None:
    async with stack.shell(container="", **DEBUG) as terminal:
        await terminal.type(b"echo in:$((6*7)):pod\r")
        await terminal.wait_output(b"in:42:pod")
