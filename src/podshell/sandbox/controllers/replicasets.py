"""ReplicaSets: as many pods as asked for, and the status that tells how many there are."""

from __future__ import annotations

from collections.abc import Iterable

from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.owners import (
    create_pod,
    delete_pod,
    is_active,
    is_ready,
    is_terminating,
    owned,
    owner_keys,
    pod_from_template,
    victims,
)
from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.resources import POD, REPLICASET
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, random_suffix

_COMPONENT = "replicaset-controller"


class ReplicaSets:
    """The ReplicaSet controller."""

    def __init__(self, store: ObjectStore, recorder: EventRecorder) -> None:
        self._store = store
        self._recorder = recorder

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        if event.resource == REPLICASET and event.type != "DELETED":
            return (Key(event.obj["metadata"]["namespace"], event.obj["metadata"]["name"]),)
        if event.resource == POD:
            return [Key(*one) for one in owner_keys(event, "ReplicaSet")]
        return ()

    def reconcile(self, key: Key) -> float | None:
        found = self._store.get(REPLICASET, key.namespace, key.name)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return None
        active = [one for one in owned(self._store, POD, found) if is_active(one)]
        missing = int(found["spec"].get("replicas", 1)) - len(active)
        for _ in range(missing):
            self._create(found)
        for pod in victims(active, -missing) if missing < 0 else ():
            delete_pod(self._store, pod)
            message = f"Deleted pod: {pod['metadata']['name']}"
            self._recorder.record(found, "SuccessfulDelete", message, component=_COMPONENT)
        self._write_status(found)
        return None

    def _create(self, replicaset: Obj) -> None:
        prefix = replicaset["metadata"]["name"] + "-"
        name = prefix + random_suffix()
        create_pod(self._store, pod_from_template(REPLICASET, replicaset, replicaset["spec"]["template"], name, prefix))
        self._recorder.record(replicaset, "SuccessfulCreate", f"Created pod: {name}", component=_COMPONENT)

    def _write_status(self, replicaset: Obj) -> None:
        pods = owned(self._store, POD, replicaset)
        active = [one for one in pods if is_active(one)]
        ready = sum(is_ready(one) for one in active)
        # Zero counts are left out, as Go's omitempty does (transcripts/lifecycle/rollout-and-scale).
        counts = {"fullyLabeledReplicas": len(active), "readyReplicas": ready, "availableReplicas": ready}
        status: Obj = {"replicas": len(active)} | {name: count for name, count in counts.items() if count}
        status["terminatingReplicas"] = sum(is_terminating(one) for one in pods)

        def write(obj: Obj) -> None:
            obj["status"] = status | {"observedGeneration": obj["metadata"]["generation"]}

        self._store.modify(REPLICASET, replicaset["metadata"]["namespace"], replicaset["metadata"]["name"], write)
