"""A pod that others keep changing is no fault of a node: whoever is refused for it is told to try again, and not to look at the node."""

from __future__ import annotations

import pytest
from test_stack_conflicts import DEBUG, EVERYTHING, SHORT, answer_with_conflicts

from stack import MakeStack


async def test_conflicts_without_end_are_no_fault_of_the_node(make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = await make_stack(ceiling=EVERYTHING, tools=SHORT)
    answer_with_conflicts(stack.cluster.sandbox, monkeypatch, 1000)
    async with stack.shell(**DEBUG) as terminal:
        end = await terminal.wait_end()
    assert "the object has been modified" in end.message
    assert "node" not in end.next_step, end
