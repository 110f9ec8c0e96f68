"""StatefulSets: numbered pods, made one after the other, replaced from the highest number down when the template changes."""

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
from podshell.sandbox.resources import POD, STATEFULSET
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent

_COMPONENT = "statefulset-controller"
_REVISION = "controller-revision-hash"


class StatefulSets:
    """The StatefulSet controller. Volume claims and partitions are left out."""

    def __init__(self, store: ObjectStore, recorder: EventRecorder) -> None:
        self._store = store
        self._recorder = recorder

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        if event.resource == STATEFULSET and event.type != "DELETED":
            return (Key(event.obj["metadata"]["namespace"], event.obj["metadata"]["name"]),)
        if event.resource == POD:
            return [Key(*one) for one in owner_keys(event, "StatefulSet")]
        return ()

    def reconcile(self, key: Key) -> float | None:
        found = self._store.get(STATEFULSET, key.namespace, key.name)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return None
        revision = f"{key.name}-{template_hash(found['spec']['template'])}"
        pods = {_ordinal(one): one for one in owned(self._store, POD, found)}
        self._act(found, pods, revision)
        self._write_status(found, revision)
        return None

    def _act(self, statefulset: Obj, pods: dict[int, Obj], revision: str) -> None:
        """Do the next one thing: make the first missing pod, or remove the last one that is too many or outdated."""
        replicas = int(statefulset["spec"].get("replicas", 1))
        parallel = statefulset["spec"].get("podManagementPolicy") == "Parallel"
        for ordinal in range(replicas):
            pod = pods.get(ordinal)
            if pod is None:
                self._create(statefulset, ordinal, revision)
            elif pod["status"].get("phase") in ("Failed", "Succeeded") and "deletionTimestamp" not in pod["metadata"]:
                self._delete(statefulset, pod)
            if not parallel and (pod is None or not is_ready(pod) or "deletionTimestamp" in pod["metadata"]):
                break
        else:
            for ordinal in sorted(pods, reverse=True):
                pod = pods[ordinal]
                outdated = pod["metadata"].get("labels", {}).get(_REVISION) != revision
                if ordinal >= replicas or outdated:
                    self._delete(statefulset, pod)
                    return

    def _create(self, statefulset: Obj, ordinal: int, revision: str) -> None:
        name = f"{statefulset['metadata']['name']}-{ordinal}"
        pod = pod_from_template(STATEFULSET, statefulset, statefulset["spec"]["template"], name)
        pod["metadata"]["generateName"] = statefulset["metadata"]["name"] + "-"
        pod["metadata"]["labels"] |= {
            "apps.kubernetes.io/pod-index": str(ordinal),
            _REVISION: revision,
            "statefulset.kubernetes.io/pod-name": name,
        }
        pod["spec"] |= {"hostname": name, "subdomain": statefulset["spec"].get("serviceName", "")}
        create_pod(self._store, pod)
        message = f"create Pod {name} in StatefulSet {statefulset['metadata']['name']} successful"
        self._recorder.record(statefulset, "SuccessfulCreate", message, component=_COMPONENT)

    def _delete(self, statefulset: Obj, pod: Obj) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            return
        delete_pod(self._store, pod)
        message = f"delete Pod {pod['metadata']['name']} in StatefulSet {statefulset['metadata']['name']} successful"
        self._recorder.record(statefulset, "SuccessfulDelete", message, component=_COMPONENT)

    def _write_status(self, statefulset: Obj, revision: str) -> None:
        pods = [one for one in owned(self._store, POD, statefulset) if "deletionTimestamp" not in one["metadata"]]
        ready = sum(is_ready(one) for one in pods)
        updated = sum(one["metadata"].get("labels", {}).get(_REVISION) == revision for one in pods)

        def write(obj: Obj) -> None:
            known = obj.get("status", {}).get("currentRevision", revision)
            current = revision if updated == int(obj["spec"].get("replicas", 1)) == ready else known
            holding = sum(one["metadata"].get("labels", {}).get(_REVISION) == current for one in pods)
            obj["status"] = {
                "observedGeneration": obj["metadata"]["generation"],
                "replicas": len(pods),
                "availableReplicas": ready,
                "collisionCount": 0,
                "currentRevision": current,
                "updateRevision": revision,
            }
            counts = {"readyReplicas": ready, "currentReplicas": holding, "updatedReplicas": updated}
            obj["status"] |= {name: count for name, count in counts.items() if count}

        self._store.modify(STATEFULSET, statefulset["metadata"]["namespace"], statefulset["metadata"]["name"], write)


def _ordinal(pod: Obj) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])
