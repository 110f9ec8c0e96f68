"""DaemonSets: one pod on every node that fits, replaced one after the other when the template changes."""

from __future__ import annotations

from collections.abc import Iterable

from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.owners import (
    create_pod,
    delete_pod,
    is_ready,
    owned,
    owner_keys,
    pod_from_template,
    template_hash,
)
from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.controllers.scheduler import affinity_node, refusal
from podshell.sandbox.resources import DAEMONSET, NODE, POD
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, random_suffix

_COMPONENT = "daemonset-controller"
_REVISION = "controller-revision-hash"
# What the real controller adds, so that its pods stay on nodes in trouble.
_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect}
    for name, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
]


class DaemonSets:
    """The DaemonSet controller."""

    def __init__(self, store: ObjectStore, recorder: EventRecorder) -> None:
        self._store = store
        self._recorder = recorder

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        if event.resource == DAEMONSET and event.type != "DELETED":
            return (Key(event.obj["metadata"]["namespace"], event.obj["metadata"]["name"]),)
        if event.resource == POD:
            return [Key(*one) for one in owner_keys(event, "DaemonSet")]
        if event.resource == NODE:
            names = (one["metadata"] for one in self._store.list(DAEMONSET))
            return [Key(one["namespace"], one["name"]) for one in names]
        return ()

    def reconcile(self, key: Key) -> float | None:
        found = self._store.get(DAEMONSET, key.namespace, key.name)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return None
        revision = template_hash(found["spec"]["template"])
        pods = {_node_of(one): one for one in owned(self._store, POD, found)}
        wanted = [node["metadata"]["name"] for node in self._store.list(NODE) if self._fits(found, node)]
        for node in wanted:
            if node not in pods:
                self._create(found, node, revision)
        for node, pod in pods.items():
            if node not in wanted or pod["status"].get("phase") in ("Failed", "Succeeded"):
                self._delete(found, pod)
        self._replace_one(found, pods, revision)
        self._write_status(found, wanted, revision)
        return None

    def _fits(self, daemonset: Obj, node: Obj) -> bool:
        pod = pod_from_template(DAEMONSET, daemonset, daemonset["spec"]["template"], "probe")
        pod["spec"].setdefault("tolerations", []).extend(_TOLERATIONS)
        return refusal(pod, node) is None

    def _replace_one(self, daemonset: Obj, pods: dict[str, Obj], revision: str) -> None:
        """Remove one outdated pod when all others are ready (maxUnavailable 1, the default)."""
        if any("deletionTimestamp" in one["metadata"] or not is_ready(one) for one in pods.values()):
            return
        for pod in pods.values():
            if pod["metadata"].get("labels", {}).get(_REVISION) != revision:
                self._delete(daemonset, pod)
                return

    def _create(self, daemonset: Obj, node: str, revision: str) -> None:
        prefix = daemonset["metadata"]["name"] + "-"
        name = prefix + random_suffix()
        pod = pod_from_template(DAEMONSET, daemonset, daemonset["spec"]["template"], name, prefix)
        pod["metadata"]["labels"][_REVISION] = revision
        field = {"key": "metadata.name", "operator": "In", "values": [node]}
        required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
        pod["spec"]["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
        pod["spec"].setdefault("tolerations", []).extend(_TOLERATIONS)
        create_pod(self._store, pod)
        self._recorder.record(daemonset, "SuccessfulCreate", f"Created pod: {name}", component=_COMPONENT)

    def _delete(self, daemonset: Obj, pod: Obj) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            return
        delete_pod(self._store, pod)
        message = f"Deleted pod: {pod['metadata']['name']}"
        self._recorder.record(daemonset, "SuccessfulDelete", message, component=_COMPONENT)

    def _write_status(self, daemonset: Obj, wanted: list[str], revision: str) -> None:
        pods = [one for one in owned(self._store, POD, daemonset) if _node_of(one) in wanted]
        ready = sum(is_ready(one) for one in pods)
        updated = sum(one["metadata"].get("labels", {}).get(_REVISION) == revision for one in pods)

        def write(obj: Obj) -> None:
            obj["status"] = {
                "currentNumberScheduled": len(pods),
                "numberMisscheduled": 0,
                "desiredNumberScheduled": len(wanted),
                "numberReady": ready,
                "observedGeneration": obj["metadata"]["generation"],
            }
            counts = {
                "updatedNumberScheduled": updated,
                "numberAvailable": ready,
                "numberUnavailable": len(wanted) - ready,
            }
            obj["status"] |= {name: count for name, count in counts.items() if count}

        self._store.modify(DAEMONSET, daemonset["metadata"]["namespace"], daemonset["metadata"]["name"], write)


def _node_of(pod: Obj) -> str:
    return pod["spec"].get("nodeName") or affinity_node(pod) or ""
