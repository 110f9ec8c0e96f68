"""Which pods `SandboxCluster.settle` goes on waiting for."""

import pytest

from podshell.sandbox.cluster import _is_settled
from podshell.sandbox.store import Obj

RUNNING: Obj = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
CREATING: Obj = {"state": {"waiting": {"reason": "ContainerCreating"}}}
CRASHING: Obj = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}


def pod(*containers: Obj, phase: str = "Pending", ready: bool = False) -> Obj:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": {"name": "cart-0"}, "status": {"phase": phase, "conditions": conditions, "containerStatuses": list(containers)}}


def test_a_pod_that_has_only_some_of_its_containers_running_is_waited_for() -> None:
    assert not _is_settled(pod(RUNNING, CREATING))
    assert not _is_settled(pod(CREATING))
    assert not _is_settled(pod())


@pytest.mark.parametrize(
    "settled",
    [
        pod(RUNNING, RUNNING, phase="Running", ready=True),
        pod(RUNNING, CRASHING, phase="Running"),
        pod(RUNNING, phase="Running"),  # on a lost node: nobody will say more
        pod(phase="Succeeded"),
    ],
)
def test_a_pod_of_which_nothing_more_will_come_is_not_waited_for(settled: Obj) -> None:
    assert _is_settled(settled)
