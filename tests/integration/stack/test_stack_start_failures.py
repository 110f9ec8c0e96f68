"""Starts that cannot succeed, through the gateway: the node pod is a Job's there, and a refusal travels as one (see also
../cli/test_start_failures.py, which has the whole table without a gateway).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from podshell.agent.ceiling import Action, ceiling_of
from podshell.agent.settings import ToolsSettings
from podshell.sandbox.admission import WebhookDenial
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.kubelet.faults import OUT_OF_CPU, PodFault
from podshell.sandbox.resources import JOB, NAMESPACE, RESOURCEQUOTA
from podshell.sandbox.store import Obj, WatchEvent
from podshell.wire.errors import ErrorCode, RefusedBy
from stack import Stack
from terminal_client import ApiError

pytestmark = pytest.mark.asyncio(loop_scope="module")

VERDICT_SECONDS = 3.0
TOOLS = ToolsSettings(image_repository="tools", image_version="1", allowed_images=("tools:*", "missing/*"))
ON_NODE: dict[str, object] = {"kind": "node", "namespace": "", "pod": "", "container": "", "node": "worker-1"}
IN_POD: dict[str, object] = {"kind": "debug", "container": ""}
SPACE = "podshell"  # where this agent makes node pods
FIREWALLED = "missing/nothing:1"

Undo = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """What is asked for, what is in the way (`arrange` returns what takes it away again), and the refusal. `cause`: see the other table."""

    fields: dict[str, object]
    arrange: Callable[[SandboxCluster], Undo]
    cause: str
    code: ErrorCode
    refused_by: RefusedBy
    about: str
    reason: str
    words: str
    step: str


def nothing(_: SandboxCluster) -> Undo:
    return lambda: None


def quota(lab: SandboxCluster) -> Undo:
    lab.store.create(RESOURCEQUOTA, {"metadata": {"name": "no-pods", "namespace": SPACE}, "spec": {"hard": {"pods": "0"}}})
    return lambda: lab.store.delete(RESOURCEQUOTA, SPACE, "no-pods")


def level_while_the_job_is_made(lab: SandboxCluster) -> Undo:
    """The level is read first: what the Job's controller meets is one that came later, or that the agent may not read."""

    def label(level: str) -> None:
        def change(one: Obj) -> None:
            one["metadata"].setdefault("labels", {})["pod-security.kubernetes.io/enforce"] = level

        lab.store.modify(NAMESPACE, None, SPACE, change)

    def note(event: WatchEvent) -> None:
        if event.resource == JOB and event.type == "ADDED":
            label("baseline")

    stop = lab.store.listen(note)
    return lambda: (stop(), label("privileged"))


def deny(lab: SandboxCluster) -> Undo:
    return lab.server.admission.add(WebhookDenial(message="no tools here", resources=("pods",)))


def fault(**fields: object) -> Callable[[SandboxCluster], Undo]:
    return lambda lab: lab.node_faults.add(PodFault(**fields))  # type: ignore[arg-type]  # fields by name


CASES = {
    "image of a node pod": Case(
        {**ON_NODE, "debug": {"image": FIREWALLED}}, nothing, "Error: ErrImagePull", ErrorCode.START_FAILED, RefusedBy.NODE,
        f"image {FIREWALLED}", "ErrImagePull ImagePullBackOff", "connection refused", "--image",
    ),
    "image of a debug container": Case(
        {**IN_POD, "debug": {"image": FIREWALLED}}, nothing, "Error: ErrImagePull", ErrorCode.START_FAILED, RefusedBy.NODE,
        f"image {FIREWALLED}", "ErrImagePull", "connection refused", "--image",
    ),
    "quota": Case(
        ON_NODE, quota, "exceeded quota", ErrorCode.START_FAILED, RefusedBy.KUBERNETES, f"job {SPACE}/", "FailedCreate",
        "exceeded quota: no-pods", "larger quota",
    ),
    "Pod Security": Case(
        ON_NODE, level_while_the_job_is_made, "violates PodSecurity", ErrorCode.START_FAILED, RefusedBy.POD_SECURITY, f"job {SPACE}/",
        "FailedCreate", 'violates PodSecurity "baseline', "enforce=privileged",
    ),
    "admission": Case(
        ON_NODE, deny, "no tools here", ErrorCode.START_FAILED, RefusedBy.ADMISSION, f"job {SPACE}/", "FailedCreate",
        'admission webhook "policy.example.com" denied the request: no tools here', "ask its owner",
    ),
    "kubelet": Case(
        ON_NODE, fault(reject=OUT_OF_CPU), "OutOfcpu", ErrorCode.START_FAILED, RefusedBy.NODE, f"pod {SPACE}/", "OutOfcpu",
        OUT_OF_CPU.message, "kubectl describe node",
    ),
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    ceiling = ceiling_of([action.value for action in Action])
    async with Stack(tmp_path_factory.mktemp("failures"), ceiling=ceiling, tools=TOOLS) as stack:
        yield stack


@pytest.fixture
def undone() -> Iterator[ExitStack]:
    with ExitStack() as exits:
        yield exits


@pytest.mark.parametrize("name", CASES)
async def test_a_session_that_cannot_start_ends_within_3_s_of_the_cause_with_object_reason_and_next_step(
    stack: Stack, undone: ExitStack, name: str
) -> None:
    case, lab = CASES[name], stack.cluster.sandbox
    seen: list[tuple[float, str]] = []
    undone.callback(lab.store.listen(lambda event: seen.append((time.monotonic(), str(event.obj)))))
    undone.callback(case.arrange(lab))
    async with stack.shell(**case.fields) as terminal:
        end = await terminal.wait_end()
        ended_at = time.monotonic()
    assert ended_at - next(moment for moment, text in seen if case.cause in text) < VERDICT_SECONDS
    refusal = end.refusal
    assert refusal is not None
    assert (end.reason, refusal.code, refusal.refused_by) == ("failed", case.code, case.refused_by)
    assert str(refusal.details["object"]).startswith(case.about)
    assert refusal.details["reason"] in case.reason.split()  # a pod of a Job may be further by the time when it is found
    assert case.words in refusal.message
    assert case.step in refusal.next_step
    if "kubelet" not in name:
        assert any(case.cause in event for event in refusal.details["events"])


@pytest.mark.parametrize(
    ("node", "code", "words"),
    [
        ("worker-2", ErrorCode.NODE_UNREACHABLE, "Kubelet stopped posting node status."),
        ("worker-win", ErrorCode.BAD_REQUEST, "unsupported OS (kubectl shell requires Linux)"),
    ],
)
async def test_a_node_that_starts_nothing_is_refused_before_anything_is_made(stack: Stack, node: str, code: ErrorCode, words: str) -> None:
    with pytest.raises(ApiError) as refused:
        await stack.open_session(**{**ON_NODE, "node": node})
    assert refused.value.error["code"] == code
    assert words in str(refused.value.error["message"])
    assert node in str(refused.value.error["details"])
