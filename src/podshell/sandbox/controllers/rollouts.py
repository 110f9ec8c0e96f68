"""The arithmetic of a Deployment's rollout: limits, how far each ReplicaSet may go, revisions and status. No store, no clock of its own."""

from __future__ import annotations

from datetime import timedelta
from math import ceil, floor

from podshell.sandbox.controllers.owners import now, parse_time
from podshell.sandbox.store import Obj, timestamp

_REVISION = "deployment.kubernetes.io/revision"


def revision(replicaset: Obj) -> int:
    return int(replicaset["metadata"].get("annotations", {}).get(_REVISION, "0"))


def last_revision(sets: list[Obj]) -> int:
    return max((revision(one) for one in sets), default=0)


def limits(deployment: Obj) -> tuple[int, int]:
    """maxSurge and maxUnavailable in pods; a percentage is rounded up for the surge and down for the other."""
    desired = int(deployment["spec"].get("replicas", 1))
    rolling = deployment["spec"].get("strategy", {}).get("rollingUpdate") or {}
    surge = _pods(rolling.get("maxSurge", "25%"), desired, up=True)
    unavailable = _pods(rolling.get("maxUnavailable", "25%"), desired, up=False)
    return surge, (1 if surge == 0 and unavailable == 0 else unavailable)


def _pods(value: int | str, desired: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    exact = desired * int(value.rstrip("%")) / 100
    return ceil(exact) if up else floor(exact)


def _is_recreate(deployment: Obj) -> bool:
    return bool(deployment["spec"].get("strategy", {}).get("type") == "Recreate")


def first_replicas(deployment: Obj, sets: list[Obj]) -> int:
    """How many replicas a new ReplicaSet starts with."""
    desired = int(deployment["spec"].get("replicas", 1))
    running = sum(int(one["spec"]["replicas"]) for one in sets)
    if _is_recreate(deployment):
        return 0 if any(_has_pods(one) for one in sets) else desired
    surge, _ = limits(deployment)
    return max(0, min(desired, desired + surge - running))


def plan(deployment: Obj, current: Obj, old: list[Obj]) -> dict[str, int]:
    """New replica counts by ReplicaSet name; only those that change."""
    desired = int(deployment["spec"].get("replicas", 1))
    now_current = int(current["spec"]["replicas"])
    active = [one for one in old if int(one["spec"]["replicas"])]
    changes: dict[str, int] = {}
    if _is_recreate(deployment):
        changes |= {one["metadata"]["name"]: 0 for one in active}
        gone = not active and not any(_has_pods(one) for one in old)
        if gone and now_current != desired:
            changes[current["metadata"]["name"]] = desired
        return changes
    if not active:
        return {current["metadata"]["name"]: desired} if now_current != desired else {}
    surge, _ = limits(deployment)
    total = now_current + sum(int(one["spec"]["replicas"]) for one in active)
    if now_current > desired:
        changes[current["metadata"]["name"]] = desired
    elif now_current < desired and total < desired + surge:
        changes[current["metadata"]["name"]] = min(desired, now_current + desired + surge - total)
    return changes | _shrink(deployment, current, active)


def _shrink(deployment: Obj, current: Obj, active: list[Obj]) -> dict[str, int]:
    """Scale old sets down: pods that are not available first, then as many as maxUnavailable allows."""
    desired = int(deployment["spec"].get("replicas", 1))
    _, unavailable = limits(deployment)
    least = desired - unavailable
    # A set that was just scaled down still reports its old pods: count no more than its spec asks for.
    available = sum(_available_of(one) for one in [current, *active])
    total = sum(int(one["spec"]["replicas"]) for one in [current, *active])
    coming = int(current["spec"]["replicas"]) - _available_of(current)
    if total - least - coming <= 0:
        return {}
    spare = max(0, available - least)
    changes: dict[str, int] = {}
    for one in active:
        replicas = int(one["spec"]["replicas"])
        observed = one["status"].get("observedGeneration") == one["metadata"]["generation"]
        useless = max(0, replicas - int(one["status"].get("availableReplicas", 0))) if observed else 0
        removed = min(replicas, useless + spare)
        spare -= max(0, removed - useless)
        if removed:
            changes[one["metadata"]["name"]] = replicas - removed
    return changes


def _has_pods(replicaset: Obj) -> bool:
    """Whether a set has pods still, those that are ending included."""
    status = replicaset["status"]
    observed = status.get("observedGeneration") == replicaset["metadata"]["generation"]
    return not observed or bool(status.get("replicas") or status.get("terminatingReplicas"))


def _available_of(replicaset: Obj) -> int:
    return min(int(replicaset["spec"]["replicas"]), int(replicaset["status"].get("availableReplicas", 0)))


def status(deployment: Obj, current: Obj, sets: list[Obj], created: bool) -> Obj:
    """The status of a Deployment; zero counts are left out as Go's omitempty does."""
    desired = int(deployment["spec"].get("replicas", 1))
    surge_and_unavailable = limits(deployment)
    replicas = sum(int(one["status"].get("replicas", 0)) for one in sets)
    available = sum(int(one["status"].get("availableReplicas", 0)) for one in sets)
    wanted = sum(int(one["spec"]["replicas"]) for one in sets)
    counts = {
        "replicas": replicas,
        "updatedReplicas": int(current["status"].get("replicas", 0)),
        "readyReplicas": sum(int(one["status"].get("readyReplicas", 0)) for one in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }
    made: Obj = {"observedGeneration": deployment["metadata"]["generation"]}
    made |= {name: count for name, count in counts.items() if count}
    made["terminatingReplicas"] = sum(int(one["status"].get("terminatingReplicas", 0)) for one in sets)
    complete = counts["updatedReplicas"] == desired == replicas == available
    old: list[Obj] = deployment.get("status", {}).get("conditions", [])
    enough = available >= desired - surge_and_unavailable[1]
    progressed = counts != {name: deployment.get("status", {}).get(name, 0) for name in counts}
    conditions = [_available(old, enough), _progressing(deployment, current, old, complete, created, progressed)]
    made["conditions"] = conditions
    return made


def _available(old: list[Obj], enough: bool) -> Obj:
    if enough:
        texts = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        texts = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return _condition(old, "Available", *texts, renew=False)


def _progressing(deployment: Obj, current: Obj, old: list[Obj], complete: bool, created: bool, progressed: bool) -> Obj:
    name = current["metadata"]["name"]
    known = next((one for one in old if one["type"] == "Progressing"), None)
    if complete:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _condition(old, "Progressing", "True", "NewReplicaSetAvailable", message, renew=False)
    if created:
        message = f'Created new replica set "{name}"'
        return _condition(old, "Progressing", "True", "NewReplicaSetCreated", message, renew=True)
    if known is not None and not progressed:
        # A finished rollout that lost a pod is no new rollout: only an unfinished one can miss its deadline.
        finished = known["reason"] == "NewReplicaSetAvailable"
        late = parse_time(known["lastUpdateTime"]) + _deadline(deployment) < now()
        if finished or not late:
            return known
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return _condition(old, "Progressing", "False", "ProgressDeadlineExceeded", message, renew=False)
    message = f'ReplicaSet "{name}" is progressing.'
    return _condition(old, "Progressing", "True", "ReplicaSetUpdated", message, renew=True)


def _condition(old: list[Obj], kind: str, value: str, reason: str, message: str, *, renew: bool) -> Obj:
    """A condition that keeps its times while it says the same; `renew` moves lastUpdateTime all the same."""
    known = next((one for one in old if one["type"] == kind), None)
    said: Obj = {"type": kind, "status": value, "reason": reason, "message": message}
    moment = timestamp()
    if known is not None and not renew and all(known.get(name) == text for name, text in said.items()):
        return known
    since = known["lastTransitionTime"] if known is not None and known["status"] == value else moment
    return said | {"lastUpdateTime": moment, "lastTransitionTime": since}


def _deadline(deployment: Obj) -> timedelta:
    return timedelta(seconds=int(deployment["spec"].get("progressDeadlineSeconds", 600)))


def deadline_in(deployment: Obj, written: Obj) -> float | None:
    """Seconds until an unfinished rollout must be looked at again, or None."""
    known = next((one for one in written["conditions"] if one["type"] == "Progressing"), None)
    if known is None or known["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return None
    left = parse_time(known["lastUpdateTime"]) + _deadline(deployment) - now()
    # One second more: the times in the status are whole seconds.
    return max(0.0, left.total_seconds()) + 1.0
