"""Somebody else changes a pod between our look at it and our patch: the API server answers 409, and the patch is tried again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from podshell.agent.ceiling import Action, ceiling_of
from podshell.agent.settings import ToolsSettings
from podshell.sandbox import statuses
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.resources import POD
from stack import MakeStack

EVERYTHING = ceiling_of([action.value for action in Action])
SHORT = ToolsSettings(image_repository="tools", image_version="1", patience_seconds=3)
DEBUG: dict[str, object] = {"kind": "debug", "container": ""}
# kube/debug_containers.py gives up after so many.
TRIES = 5


def answer_with_conflicts(cluster: SandboxCluster, monkeypatch: pytest.MonkeyPatch, count: int) -> Callable[[], int]:
    """Answer the first patches of ephemeral containers with 409; returns what tells how many came."""
    admission, patches = cluster.server.admission, 0
    admit = admission.admit

    def refuse(resource: object, subresource: str, obj: dict, *, create: bool) -> None:  # type: ignore[type-arg]  # an object of the sandbox
        nonlocal patches
        if subresource == "ephemeralcontainers":
            patches += 1
            if patches <= count:
                raise statuses.conflict("pods", obj["metadata"]["name"])
        admit(resource, subresource, obj, create=create)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(admission, "admit", refuse)
    return lambda: patches


def debug_containers(cluster: SandboxCluster) -> list[str]:
    pod = cluster.store.get(POD, "shop", "cart-0")
    assert pod is not None
    return [one["name"] for one in pod["spec"].get("ephemeralContainers", [])]


async def test_a_patch_that_meets_conflicts_is_tried_again_and_adds_one_container(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = await make_stack(ceiling=EVERYTHING, tools=SHORT)
    asked = answer_with_conflicts(stack.cluster.sandbox, monkeypatch, TRIES - 1)
    async with stack.shell(**DEBUG) as terminal:
        await terminal.type(b"echo up:$((40+2)):\r")
        await terminal.wait_output(b"up:42:")
        assert asked() == TRIES
        assert len(debug_containers(stack.cluster.sandbox)) == 1


async def test_conflicts_without_end_are_told_after_some_tries(make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = await make_stack(ceiling=EVERYTHING, tools=SHORT)
    asked = answer_with_conflicts(stack.cluster.sandbox, monkeypatch, 1000)
    async with stack.shell(**DEBUG) as terminal:
        end = await terminal.wait_end()
    assert end.reason == "failed"
    assert "the object has been modified" in end.message
    assert asked() == TRIES
    assert debug_containers(stack.cluster.sandbox) == []
