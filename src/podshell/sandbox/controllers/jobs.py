"""Jobs: pods until enough have succeeded, too many have failed or the deadline is over; removed after their ttl.

Statuses, conditions and texts after transcripts/node/job-{success,failure,deadline}-ttl. Left out: indexed completion, suspension and
the tracking finalizer on pods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.owners import (
    begin_foreground_deletion,
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
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, random_suffix, timestamp

_COMPONENT = "job-controller"
_DEADLINE = ("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
_BACKOFF = ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
_REACHED = ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")


class Jobs:
    """The Job controller."""

    def __init__(self, store: ObjectStore, recorder: EventRecorder, admit: Callable[[Obj], None] | None = None) -> None:
        """``admit`` raises StatusError for a pod that the API server would refuse."""
        self._admit = admit
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
            again = self._create_missing(job, pods)
            self._write_status(job, verdict)
            if again is not None:
                return again
        else:
            self._write_status(job, verdict, killed=self._delete_active(job, pods))
        return _deadline_in(job) if verdict is None else 0.5

    def _delete_active(self, job: Obj, pods: list[Obj]) -> int:
        """Delete what still runs; returns how many of them were gone at once, being pods without grace."""
        active = [one for one in pods if is_active(one)]
        for pod in active:
            delete_pod(self._store, pod)
            self._tell(job, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        return sum(self._store.get(POD, one["metadata"]["namespace"], one["metadata"]["name"]) is None for one in active)

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

        prepared = self._store.modify(JOB, job["metadata"]["namespace"], name, write)
        first = {"startTime": timestamp(), "terminating": 0, "uncountedTerminatedPods": {}, "ready": 0}
        return {**prepared, "status": {**first, **(prepared.get("status") or {})}}  # stored with the first counts, in one write

    def _create_missing(self, job: Obj, pods: list[Obj]) -> float | None:
        """Create the pods that are missing; gives the seconds until the next try when they are refused."""
        succeeded = sum(one["status"].get("phase") == "Succeeded" for one in pods)
        active = sum(is_active(one) for one in pods)
        terminating = sum(is_terminating(one) for one in pods)
        wanted = int(job["spec"].get("completions", 1)) - succeeded
        missing = min(int(job["spec"].get("parallelism", 1)), wanted) - active - terminating
        for _ in range(missing):
            prefix = job["metadata"]["name"] + "-"
            pod = pod_from_template(JOB, job, job["spec"]["template"], prefix + random_suffix(), prefix)
            try:
                if self._admit is not None:
                    self._admit(pod)
            except StatusError as error:  # transcripts/node/quota-job
                self._tell(job, "FailedCreate", f"Error creating: {error.message}", kind="Warning")
                return 1.0
            create_pod(self._store, pod)
            self._tell(job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        return None

    def _write_status(self, job: Obj, verdict: tuple[str, str, str] | None, *, killed: int = 0) -> None:
        """Write the counts and conditions in the steps that were recorded: the target first, the end with or after the last counts."""
        pods = owned(self._store, POD, job)
        active = [one for one in pods if is_active(one)]
        terminating = sum(is_terminating(one) for one in pods)
        settled = verdict is not None and not active and not terminating
        target = "" if verdict is None else "SuccessCriteriaMet" if verdict[0] == "Complete" else "FailureTarget"
        is_new = bool(target) and not any(one["type"] == target for one in job["status"].get("conditions", []))

        def count(status: Obj) -> None:
            _put_count(status, "active", len(active))
            status["ready"] = sum(is_ready(one) for one in active)
            status["terminating"] = terminating

        def count_ends(status: Obj) -> None:
            count(status)
            _put_count(status, "succeeded", sum(one["status"].get("phase") == "Succeeded" for one in pods))
            _put_count(status, "failed", max(_failed(pods) + killed, status.get("failed", 0)))

        def finish(status: Obj) -> None:
            assert verdict is not None
            _add_condition(status, verdict[0], verdict)
            if verdict[0] == "Complete":
                status["completionTime"] = timestamp()

        if is_new and verdict is not None:
            self._change_status(job, count, lambda status: _add_condition(status, target, verdict))
        if settled and is_new:
            self._change_status(job, count_ends, finish)
        else:
            self._change_status(job, count_ends)
            if settled:
                self._change_status(job, finish)
        if settled and verdict is not None:
            if verdict[0] == "Complete":
                self._tell(job, "Completed", "Job completed")
            else:
                self._tell(job, verdict[1], verdict[2], kind="Warning")

    def _change_status(self, job: Obj, *changes: Callable[[Obj], None]) -> None:
        def write(obj: Obj) -> None:
            obj["status"] = {**job["status"], **(obj.get("status") or {})}
            for change in changes:
                change(obj["status"])

        self._store.modify(JOB, job["metadata"]["namespace"], job["metadata"]["name"], write)

    def _expire(self, job: Obj, finished: datetime) -> float | None:
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        left = (finished + timedelta(seconds=int(ttl)) - now()).total_seconds()
        if left > 0:
            return left
        begin_foreground_deletion(self._store, JOB, job)
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


def _put_count(status: Obj, name: str, count: int) -> None:
    status.pop(name, None)
    status |= {name: count} if count else {}


def _add_condition(status: Obj, kind: str, verdict: tuple[str, str, str]) -> None:
    conditions: list[Obj] = status.setdefault("conditions", [])
    if any(one["type"] == kind for one in conditions):
        return
    moment = timestamp()
    said = {"type": kind, "status": "True", "reason": verdict[1], "message": verdict[2]}
    conditions.append(said | {"lastProbeTime": moment, "lastTransitionTime": moment})
