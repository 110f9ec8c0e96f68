"""How an end is told that came with the end of a pod's time."""

from __future__ import annotations

import msgspec
import pytest
from agent_fakes import running_pod

from podshell.agent.ends import blame_time
from podshell.agent.targets import identify
from podshell.kube.objects import Annotations, Pod
from podshell.wire.messages import End

EXPIRES = "2026-03-01T04:00:00Z"
EXPIRES_MS = 1_772_337_600_000
GONE = End("target_gone", None, "the pod p is being deleted")


def test_a_pod_of_ours_says_when_its_time_is_over() -> None:
    pod = running_pod()
    assert identify(pod, "app").expires == ""
    metadata = msgspec.structs.replace(pod.metadata, annotations=Annotations(expires=EXPIRES))
    assert identify(Pod(metadata, pod.spec, pod.status), "app").expires == EXPIRES
    written = {"metadata": {"name": "p", "annotations": {"podshell.dev/expires": EXPIRES}}}
    assert identify(msgspec.convert(written, Pod), "app").expires == EXPIRES


def test_an_end_at_the_deadline_says_so_and_what_to_do() -> None:
    told = blame_time(GONE, EXPIRES, EXPIRES_MS + 100)
    assert told.message == f"its time was over at {EXPIRES}: the pod p is being deleted"
    assert "--ttl" in told.next_step
    assert blame_time(GONE, EXPIRES, EXPIRES_MS - 2_000) == told, "the deadline's clock may be a little ahead"


@pytest.mark.parametrize(
    ("end", "expires", "now_ms"),
    [
        pytest.param(GONE, EXPIRES, EXPIRES_MS - 60_000, id="deleted before"),
        pytest.param(GONE, "", EXPIRES_MS, id="not a pod of ours"),
        pytest.param(GONE, "next week", EXPIRES_MS, id="not a time"),
        pytest.param(End("closed"), EXPIRES, EXPIRES_MS + 100, id="closed by its user"),
        pytest.param(End("exited", 0), EXPIRES, EXPIRES_MS + 100, id="its shell has ended"),
    ],
)
def test_any_other_end_is_told_as_it_is(end: End, expires: str, now_ms: int) -> None:
    assert blame_time(end, expires, now_ms) == end
