"""Whether a workload is well, in one word and one sentence, from what it says of itself and from its pods. Pure.

    healthy      what is wanted is there
    progressing  on its way: rolling out, starting, a job that runs
    unhealthy    it does not get there by itself as it looks now

A workload's own status takes ten minutes to say that a rollout is stuck (progressDeadlineSeconds); its pods say so at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from podshell.kube.objects import Condition
from podshell.kube.workloads import Workload
from podshell.wire.errors import clip_text

_LIMIT_REASON = 500

# Statuses, as kubectl prints them, that do not pass by waiting; after "Init:" too.
_TROUBLES = frozenset(
    {
        "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError",
        "CreateContainerError", "RunContainerError", "ContainerCannotRun", "Error", "OOMKilled", "Unschedulable", "Evicted", "Unknown",
    }
)  # fmt: skip


class Health(NamedTuple):
    """`reason` is one sentence."""

    health: str
    reason: str


def is_trouble(status: str) -> bool:
    """Tell whether a pod with this status needs somebody."""
    return status.removeprefix("Init:") in _TROUBLES


def workload_health(workload: Workload, ready: int, desired: int, statuses: Iterable[str], ready_pods: int = 0) -> Health:
    """Judge a workload; `statuses` are those of its pods that are not being deleted.

    `ready` is what its controller has counted, which may be later than `ready_pods`, what its pods say.
    """
    counted = Counter(statuses)
    conditions = {one.type: one for one in workload.status.conditions or ()}
    if type(workload).__name__ == "Job":
        return _job_health(workload, desired, counted, conditions)
    for kind, bad in (("ReplicaFailure", "True"), ("Progressing", "False")):
        told = conditions.get(kind)
        if told is not None and told.status == bad:
            return Health("unhealthy", _clipped(told.message or told.reason))
    if desired == 0:
        return Health("healthy", "no pods are wanted")
    trouble = _trouble(counted)
    if trouble and ready < desired:
        return Health("unhealthy", f"{ready} of {desired} pods ready; {trouble}")
    if _rolls_out(workload, desired):
        status = workload.status
        updated = max(status.updated_replicas, status.updated_number_scheduled)
        return Health("progressing", f"rolling out: {updated} of {desired} pods updated, {ready} ready{f'; {trouble}' if trouble else ''}")
    if ready >= desired:
        return Health("healthy", f"{ready} of {desired} pods ready")
    starting = sum(count for status, count in counted.items() if status not in ("Running", "NotReady", "Completed"))
    if starting:
        return Health("progressing", f"{ready} of {desired} pods ready, {starting} starting")
    if ready_pods > ready:
        return Health("progressing", f"{ready} of {desired} pods ready, {ready_pods - ready} not counted yet")
    missing = "" if counted else "; it has no pods: look at its events"
    return Health("unhealthy", f"{ready} of {desired} pods ready{missing}")


def _job_health(job: Workload, desired: int, counted: Counter[str], conditions: dict[str, Condition]) -> Health:
    for kind, health, text in (
        ("Failed", "unhealthy", "failed"),
        ("Complete", "healthy", "completed"),
        ("Suspended", "healthy", "suspended"),
    ):
        told = conditions.get(kind)
        if told is not None and told.status == "True":
            return Health(health, _clipped(f"{text}: {told.message}" if told.message else text))
    trouble = _trouble(counted)
    status = job.status
    done = f"{status.succeeded} of {desired} done, {status.active} running"
    return Health("unhealthy", f"{done}; {trouble}") if trouble else Health("progressing", done)


def _rolls_out(workload: Workload, desired: int) -> bool:
    status = workload.status
    if status.observed_generation < workload.metadata.generation:
        return True
    # Only a Deployment always gets all of its pods to the newest template: the others have partitions and OnDelete.
    return type(workload).__name__ == "Deployment" and (status.updated_replicas < desired or status.replicas > status.updated_replicas)


def _trouble(counted: Counter[str]) -> str:
    troubles = [(count, status) for status, count in counted.items() if is_trouble(status)]
    return ", ".join(f"{count} {status}" for count, status in sorted(troubles, key=lambda one: (-one[0], one[1]))[:5])


def _clipped(text: str) -> str:
    return clip_text(text, _LIMIT_REASON)
