"""Whether a workload is well: one word and one sentence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from podshell.agent.health import workload_health
from podshell.kube.workloads import DaemonSet, Deployment, Job, StatefulSet, Workload


def made(kind: type[Workload], status: dict[str, Any], *, generation: int = 1, **spec: Any) -> Workload:
    body = {"metadata": {"name": "w", "generation": generation}, "spec": spec, "status": {"observedGeneration": 1, **status}}
    return msgspec.json.decode(msgspec.json.encode(body), type=kind)


def settled(ready: int, replicas: int = 3) -> dict[str, Any]:
    return {"readyReplicas": ready, "replicas": replicas, "updatedReplicas": replicas}


QUOTA = {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}
LATE = {"conditions": [{"type": "Progressing", "status": "False", "message": "has timed out"}]}
ROLLING = {"readyReplicas": 3, "replicas": 4, "updatedReplicas": 1}


@pytest.mark.parametrize(
    ("workload", "ready", "desired", "statuses", "health", "reason"),
    [
        (made(Deployment, settled(3)), 3, 3, "Running " * 3, "healthy", "3 of 3 pods ready"),
        (made(Deployment, settled(0, 0)), 0, 0, "", "healthy", "no pods are wanted"),
        (
            made(Deployment, settled(0)), 0, 3, "ImagePullBackOff ErrImagePull ImagePullBackOff", "unhealthy",
            "0 of 3 pods ready; 2 ImagePullBackOff, 1 ErrImagePull",
        ),
        (
            made(Deployment, settled(2)), 2, 3, "Running Running Init:CrashLoopBackOff", "unhealthy",
            "2 of 3 pods ready; 1 Init:CrashLoopBackOff",
        ),
        (
            made(Deployment, ROLLING), 3, 3, "Running Running Running ContainerCreating", "progressing",
            "rolling out: 1 of 3 pods updated, 3 ready",
        ),
        (
            made(Deployment, ROLLING), 3, 3, "Running Running Running ImagePullBackOff", "progressing",
            "rolling out: 1 of 3 pods updated, 3 ready; 1 ImagePullBackOff",
        ),
        (made(Deployment, settled(3), generation=2), 3, 3, "Running " * 3, "progressing", "rolling out: 3 of 3 pods updated, 3 ready"),
        (made(Deployment, settled(1)), 1, 3, "Running Pending ContainerCreating", "progressing", "1 of 3 pods ready, 2 starting"),
        (made(Deployment, settled(1)), 1, 3, "Running " * 3, "unhealthy", "1 of 3 pods ready"),
        (
            made(StatefulSet, settled(0, 0)), 0, 3, "", "unhealthy", "0 of 3 pods ready; it has no pods: look at its events",
        ),
        (made(Deployment, settled(0) | QUOTA), 0, 3, "", "unhealthy", "exceeded quota"),
        (made(Deployment, settled(3) | LATE), 3, 3, "Running " * 3, "unhealthy", "has timed out"),
        # a partition, or OnDelete, keeps the older pods for ever
        (made(StatefulSet, {"readyReplicas": 3, "updatedReplicas": 1}), 3, 3, "Running " * 3, "healthy", "3 of 3 pods ready"),
        (made(DaemonSet, {"updatedNumberScheduled": 1}), 2, 2, "Running " * 2, "healthy", "2 of 2 pods ready"),
        (made(StatefulSet, {}), 0, 1, "Unschedulable", "unhealthy", "0 of 1 pods ready; 1 Unschedulable"),
        (made(Job, {"active": 1, "succeeded": 2}), 2, 5, "Running", "progressing", "2 of 5 done, 1 running"),
        (made(Job, {"conditions": [{"type": "Complete", "status": "True"}]}), 1, 1, "Completed", "healthy", "completed"),
        (made(Job, {"conditions": [{"type": "Failed", "status": "True", "message": "limit"}]}), 0, 1, "", "unhealthy", "failed: limit"),
        (made(Job, {"active": 1}), 0, 1, "CrashLoopBackOff", "unhealthy", "0 of 1 done, 1 running; 1 CrashLoopBackOff"),
    ],
)  # fmt: skip
def test_a_workload_is_judged(workload: Workload, ready: int, desired: int, statuses: str, health: str, reason: str) -> None:
    assert workload_health(workload, ready, desired, statuses.split()) == (health, reason)


def test_pods_that_their_controller_has_not_counted_yet_are_no_reason_to_worry() -> None:
    workload = made(Deployment, settled(1))
    told = ("progressing", "1 of 3 pods ready, 2 not counted yet")
    assert workload_health(workload, 1, 3, ["Running"] * 3, 3) == told
    assert workload_health(workload, 1, 3, ["Running"] * 3, 1).health == "unhealthy", "it is their containers that are not ready"
