"""Jobs: pods until enough have succeeded, too many have failed or the deadline is over; removed after their ttl.

Statuses, conditions and texts after transcripts/node/job-{success,failure,deadline}-ttl. Left out: indexed completion, suspension and
the tracking finalizer on pods.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.owners import (
    create_pod,
    delete_pod,
    is_active,
    is_ready,
    is_terminating,
    now,
    owned,
    owner_keys,
    parse_time,
    pod_from_template,
)
from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.resources import JOB, POD
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, random_suffix, timestamp

_COMPONENT = "job-controller"
_DEADLINE = ("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
_BACKOFF = ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
_REACHED = ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")


class Jobs:
    """The Job controller."""

    def __init__(self, store: ObjectStore, recorder: EventRecorder) -> None:
        self._store = store
        self._recorder = recorder

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        if event.resource == JOB and event.type != "DELETED":
            return (Key(event.obj["metadata"]["namespace"], event.obj["metadata"]["name"]),)
        if event.resource == POD:
            return [Key(*one) for one in owner_keys(event, "Job")]
        return ()

    def reconcile(self, key: Key) -> float | None:
        job = self._store.get(JOB, key.namespace, key.name)
        if job is None or "deletionTimestamp" in job["metadata"]:
            return None
        job = self._prepare(job)
        if (finished := _finished_at(job)) is not None:
            return self._expire(job, finished)
        pods = owned(self._store, POD, job)
        verdict = _verdict(job, pods)
        if verdict is None:
            self._create_missing(job, pods)
        else:
            for pod in pods:
                if is_active(pod):
                    delete_pod(self._store, pod)
                    self._tell(job, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        self._write_status(job, verdict)
        return _deadline_in(job) if verdict is None else 0.5

    def _prepare(self, job: Obj) -> Obj:
        """Give the job the selector and the labels that the API server makes up for it."""
        uid, name = job["metadata"]["uid"], job["metadata"]["name"]
        labels = {
            "batch.kubernetes.io/controller-uid": uid,
            "batch.kubernetes.io/job-name": name,
            "controller-uid": uid,
            "job-name": name,
        }

        def write(obj: Obj) -> None:
            obj["spec"].setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})
            template = obj["spec"]["template"].setdefault("metadata", {})
            template["labels"] = {**(template.get("labels") or {}), **labels}
            if not obj.get("status"):
                obj["status"] = {"startTime": timestamp(), "terminating": 0, "uncountedTerminatedPods": {}, "ready": 0}

        return self._store.modify(JOB, job["metadata"]["namespace"], name, write)

    def _create_missing(self, job: Obj, pods: list[Obj]) -> None:
        succeeded = sum(one["status"].get("phase") == "Succeeded" for one in pods)
        active = sum(is_active(one) for one in pods)
        terminating = sum(is_terminating(one) for one in pods)
        wanted = int(job["spec"].get("completions", 1)) - succeeded
        missing = min(int(job["spec"].get("parallelism", 1)), wanted) - active - terminating
        for _ in range(missing):
            prefix = job["metadata"]["name"] + "-"
            pod = pod_from_template(JOB, job, job["spec"]["template"], prefix + random_suffix(), prefix)
            create_pod(self._store, pod)
            self._tell(job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    def _write_status(self, job: Obj, verdict: tuple[str, str, str] | None) -> None:
        pods = owned(self._store, POD, job)
        active = [one for one in pods if is_active(one)]
        settled = verdict is not None and not active and not any(is_terminating(one) for one in pods)

        def write(obj: Obj) -> None:
            status = obj["status"]
            counts = {
                "active": len(active),
                "succeeded": sum(one["status"].get("phase") == "Succeeded" for one in pods),
                "failed": max(_failed(pods), status.get("failed", 0)),
            }
            for name, count in counts.items():
                status.pop(name, None)
                status |= {name: count} if count else {}
            status["ready"] = sum(is_ready(one) for one in active)
            status["terminating"] = sum(is_terminating(one) for one in pods)
            if verdict is not None:
                first = "SuccessCriteriaMet" if verdict[0] == "Complete" else "FailureTarget"
                _add_condition(status, first, verdict)
                if settled:
                    _add_condition(status, verdict[0], verdict)
                if settled and verdict[0] == "Complete":
                    status["completionTime"] = timestamp()

        self._store.modify(JOB, job["metadata"]["namespace"], job["metadata"]["name"], write)
        if settled and verdict is not None:
            if verdict[0] == "Complete":
                self._tell(job, "Completed", "Job completed")
            else:
                self._tell(job, verdict[1], verdict[2], kind="Warning")

    def _expire(self, job: Obj, finished: datetime) -> float | None:
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        left = (finished + timedelta(seconds=int(ttl)) - now()).total_seconds()
        if left > 0:
            return left
        self._store.delete(JOB, job["metadata"]["namespace"], job["metadata"]["name"])
        return None

    def _tell(self, job: Obj, reason: str, message: str, kind: str = "Normal") -> None:
        self._recorder.record(job, reason, message, component=_COMPONENT, kind=kind)


def _failed(pods: list[Obj]) -> int:
    """Failed pods; one that is deleted while it runs (deadline) counts as failed too."""
    return sum(one["status"].get("phase") == "Failed" or is_terminating(one) for one in pods)


def _verdict(job: Obj, pods: list[Obj]) -> tuple[str, str, str] | None:
    conditions: list[Obj] = job["status"].get("conditions", [])
    for known in conditions:
        if known["type"] in ("FailureTarget", "SuccessCriteriaMet"):
            return "Complete" if known["type"] == "SuccessCriteriaMet" else "Failed", known["reason"], known["message"]
    succeeded = sum(one["status"].get("phase") == "Succeeded" for one in pods)
    if succeeded >= int(job["spec"].get("completions", 1)):
        return _REACHED
    restarts = sum(int(one.get("restartCount", 0)) for pod in pods for one in pod["status"].get("containerStatuses", []))
    failed = sum(one["status"].get("phase") == "Failed" for one in pods)
    if failed + restarts > int(job["spec"].get("backoffLimit", 6)):
        return _BACKOFF
    left = _deadline_in(job)
    return _DEADLINE if left is not None and left <= 0 else None


def _deadline_in(job: Obj) -> float | None:
    seconds = job["spec"].get("activeDeadlineSeconds")
    if seconds is None:
        return None
    return (parse_time(job["status"]["startTime"]) + timedelta(seconds=int(seconds)) - now()).total_seconds()


def _finished_at(job: Obj) -> datetime | None:
    for one in job.get("status", {}).get("conditions", []):
        if one["type"] in ("Complete", "Failed"):
            return parse_time(one["lastTransitionTime"])
    return None


def _add_condition(status: Obj, kind: str, verdict: tuple[str, str, str]) -> None:
    conditions: list[Obj] = status.setdefault("conditions", [])
    if any(one["type"] == kind for one in conditions):
        return
    moment = timestamp()
    said = {"type": kind, "status": "True", "reason": verdict[1], "message": verdict[2]}
    conditions.append(said | {"lastProbeTime": moment, "lastTransitionTime": moment})
