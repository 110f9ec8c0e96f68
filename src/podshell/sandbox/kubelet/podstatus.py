"""The status of a pod, made of the records of its containers. Pure: the old status comes in, the new one goes out.

Phases, conditions, reasons and messages as the kubelet writes them (transcripts/lifecycle).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from podshell.sandbox.kubelet.records import Record
from podshell.sandbox.store import Obj, timestamp

_ORDER = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


@dataclass(frozen=True)
class PodFacts:
    """What the worker knows of the pod beside its containers.

    `ending` is set when the pod is being deleted, `failure` (reason and message) when the node ended it by itself.
    """

    host_ip: str
    pod_ip: str
    started_at: str
    has_sandbox: bool
    ending: bool = False
    failure: tuple[str, str] | None = None


def phase(pod: Obj, records: Sequence[Record], *, ending: bool = False) -> str:
    """The phase by the kubelet's rules (kubernetes pkg/kubelet/kubelet_pods.go, getPhase)."""
    policy = pod["spec"].get("restartPolicy", "Always")
    inits = [one for one in records if one.role == "init"]
    mains = [one for one in records if one.role == "main"]
    if policy == "Never" and any(_exit_code(one) for one in inits if "terminated" in one.state):
        return "Failed"
    if any(not _succeeded(one) for one in inits) and not ending:
        return "Pending"
    stopped = [one for one in mains if "terminated" in one.state or ("waiting" in one.state and one.last_state)]
    if any("waiting" in one.state and not one.last_state for one in mains) and not ending:
        return "Pending"
    if any("running" in one.state for one in mains):
        return "Running"
    if policy == "Always" and not ending:
        return "Running"
    failed = [one for one in stopped if _exit_code(one)]
    if len(stopped) < len(mains):
        return "Failed" if ending else "Pending"
    if failed:
        return "Running" if policy == "OnFailure" and not ending else "Failed"
    return "Succeeded"


def build(pod: Obj, records: Sequence[Record], facts: PodFacts) -> Obj:
    """The whole status of a pod."""
    old: Obj = pod.get("status", {})
    ended = (facts.ending or facts.failure is not None) and not any("running" in one.state for one in records)
    reached = phase(pod, records, ending=ended)
    generation = pod["metadata"].get("generation", 1)
    made: Obj = {
        "observedGeneration": generation,
        "phase": reached,
        "conditions": _conditions(old, records, facts, reached, generation),
        "hostIP": facts.host_ip,
        "hostIPs": [{"ip": facts.host_ip}],
        "startTime": facts.started_at,
    }
    if facts.failure is not None:
        made |= {"phase": "Failed" if ended else reached, "reason": facts.failure[0], "message": facts.failure[1]}
    if facts.has_sandbox and (reached != "Pending" or any(one.container_id for one in records)):
        made |= {"podIP": facts.pod_ip, "podIPs": [{"ip": facts.pod_ip}]}
    if inits := [one.status() for one in records if one.role in ("init", "sidecar")]:
        made["initContainerStatuses"] = inits
    made["containerStatuses"] = [one.status() for one in records if one.role == "main"]
    if ephemeral := [one.status() for one in records if one.role == "ephemeral"]:
        made["ephemeralContainerStatuses"] = ephemeral
    made |= {"qosClass": old.get("qosClass", "BestEffort"), "resources": {}}
    return made


def _conditions(old: Obj, records: Sequence[Record], facts: PodFacts, reached: str, generation: int) -> list[Obj]:
    known = {one["type"]: one for one in old.get("conditions", [])}
    said = {"PodScheduled": _said(True), "Initialized": _initialized(records, reached)}
    said["PodReadyToStartContainers"] = _said(facts.has_sandbox and reached not in ("Succeeded", "Failed"))
    counted = [one for one in records if one.role in ("main", "sidecar")]
    unready = [one.name for one in counted if not one.is_ready]
    if reached in ("Succeeded", "Failed"):
        ready = _said(False, "PodCompleted" if reached == "Succeeded" else "PodFailed")
    elif unready:
        ready = _said(False, "ContainersNotReady", f"containers with unready status: {_listed(unready)}")
    else:
        ready = _said(True)
    said |= {"Ready": ready, "ContainersReady": ready}
    moment = timestamp()
    made = []
    for kind in _ORDER:
        condition: Obj = {"type": kind, "observedGeneration": generation, "lastProbeTime": None, **said[kind]}
        before = known.get(kind)
        same = before is not None and before["status"] == condition["status"]
        condition["lastTransitionTime"] = before["lastTransitionTime"] if before is not None and same else moment
        made.append(condition)
    return made


def _initialized(records: Iterable[Record], reached: str) -> Obj:
    inits = [one for one in records if one.role in ("init", "sidecar")]
    incomplete = [one.name for one in inits if not (_succeeded(one) if one.role == "init" else (one.is_started or one.last_state))]
    if incomplete and reached not in ("Succeeded", "Failed", "Running"):
        return _said(False, "ContainersNotInitialized", f"containers with incomplete status: {_listed(incomplete)}")
    return _said(True, "PodCompleted") if reached == "Succeeded" else _said(True)


def _said(value: bool, reason: str = "", message: str = "") -> Obj:
    made: Obj = {"status": "True" if value else "False"}
    return made | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def _listed(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"


def _exit_code(record: Record) -> int:
    ended = record.state.get("terminated") or record.last_state.get("terminated") or {}
    return int(ended.get("exitCode", 0))


def _succeeded(record: Record) -> bool:
    return "terminated" in record.state and _exit_code(record) == 0
