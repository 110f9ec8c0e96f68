"""The scheduler: binds pods to nodes that are ready, fit the selector and whose taints are tolerated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.resources import NODE, POD
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, timestamp

_AFFINITY = "node(s) didn't match Pod's node affinity/selector"
_TAINT = "node(s) had untolerated taint(s)"
_CORDONED = "node(s) were unschedulable"


class Scheduler:
    """Looks at every pod without a node, and at all of them again when a node changes."""

    def __init__(self, store: ObjectStore, recorder: EventRecorder) -> None:
        self._store = store
        self._recorder = recorder
        self._waiting: set[Key] = set()

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        if event.resource == NODE:
            return list(self._waiting)
        if event.resource != POD:
            return ()
        metadata = event.obj["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        if event.type == "DELETED" or event.obj["spec"].get("nodeName"):
            self._waiting.discard(key)
            return ()
        return (key,) if event.type == "ADDED" else ()

    def reconcile(self, key: Key) -> float | None:
        pod = self._store.get(POD, key.namespace, key.name)
        if pod is None or pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            self._waiting.discard(key)
            return None
        nodes = self._store.list(NODE)
        refusals = {node["metadata"]["name"]: refusal(pod, node) for node in nodes}
        fitting = [name for name, why in refusals.items() if why is None]
        if fitting:
            self._waiting.discard(key)
            self._bind(pod, self._least_used(fitting))
        else:
            self._waiting.add(key)
            self._refuse(pod, Counter(why for why in refusals.values() if why))
        return None

    def _least_used(self, names: list[str]) -> str:
        pods = Counter(one["spec"].get("nodeName") for one in self._store.list(POD)) if len(names) > 1 else Counter[str]()
        return min(names, key=lambda name: (pods[name], name))

    def _bind(self, pod: Obj, node: str) -> None:
        metadata = pod["metadata"]

        def bind(obj: Obj) -> None:
            obj["spec"]["nodeName"] = node
            condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": timestamp()}
            obj["status"]["conditions"] = [condition]

        # The event refers to the pod before it was bound (transcripts/events/lifecycle.v1).
        self._recorder.record_scheduling(pod, "Scheduled", f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}")
        self._store.modify(POD, metadata["namespace"], metadata["name"], bind)

    def _refuse(self, pod: Obj, reasons: Counter[str]) -> None:
        total = sum(reasons.values())
        listed = ", ".join(sorted(f"{count} {why}" for why, count in reasons.items()))
        # transcripts/lifecycle/node-not-ready, event about Pod/pending
        message = (
            f"0/{total} nodes are available: {listed}. no new claims to deallocate, preemption: 0/{total} nodes are available: "
            f"{total} Preemption is not helpful for scheduling."
        )

        def mark(obj: Obj) -> None:
            known = next((one for one in obj["status"].get("conditions", []) if one["type"] == "PodScheduled"), None)
            if known is None or known.get("message") != message:
                condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
                obj["status"]["conditions"] = [condition | {"lastProbeTime": None, "lastTransitionTime": timestamp()}]

        self._recorder.record_scheduling(pod, "FailedScheduling", message, kind="Warning", action="Scheduling")
        self._store.modify(POD, pod["metadata"]["namespace"], pod["metadata"]["name"], mark)


def node_is_ready(node: Obj) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in node.get("status", {}).get("conditions", []))


def refusal(pod: Obj, node: Obj) -> str | None:
    """Why this pod cannot go to this node, in the scheduler's words; None when it can."""
    labels = node["metadata"].get("labels", {})
    if any(labels.get(key) != value for key, value in pod["spec"].get("nodeSelector", {}).items()):
        return _AFFINITY
    wanted = affinity_node(pod)
    if wanted is not None and wanted != node["metadata"]["name"]:
        return _AFFINITY
    if node.get("spec", {}).get("unschedulable"):
        return _CORDONED
    taints: list[Obj] = node.get("spec", {}).get("taints", [])
    hard = [one for one in taints if one["effect"] in ("NoSchedule", "NoExecute")]
    return _TAINT if any(not _is_tolerated(pod, taint) for taint in hard) else None


def affinity_node(pod: Obj) -> str | None:
    """The node that a DaemonSet pod asks for by its affinity on metadata.name."""
    required = pod["spec"].get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    for term in required.get("nodeSelectorTerms", []):
        for field in term.get("matchFields", []):
            if field["key"] == "metadata.name" and field["operator"] == "In":
                return str(field["values"][0])
    return None


def _is_tolerated(pod: Obj, taint: Obj) -> bool:
    for one in pod["spec"].get("tolerations", []):
        if one.get("effect") not in (None, "", taint["effect"]):
            continue
        if one.get("key") not in (None, "", taint["key"]):
            continue
        if one.get("operator", "Equal") == "Exists" or one.get("value", "") == taint.get("value", ""):
            return True
    return False
