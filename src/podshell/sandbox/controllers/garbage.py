"""Garbage collection: what an owner leaves behind goes after it (background propagation)."""

from __future__ import annotations

from collections.abc import Iterable

from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.owners import delete_pod
from podshell.sandbox.resources import DAEMONSET, DEPLOYMENT, ENDPOINTSLICE, JOB, POD, REPLICASET, SERVICE, STATEFULSET
from podshell.sandbox.store import ObjectStore, WatchEvent

_OWNERS = (DEPLOYMENT, REPLICASET, STATEFULSET, DAEMONSET, JOB, SERVICE)
_DEPENDENTS = (REPLICASET, POD, ENDPOINTSLICE, JOB)


class GarbageCollector:
    """Removes objects whose only owners are gone. Its keys are namespace and uid of a removed owner."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        if event.type != "DELETED" or event.resource not in _OWNERS:
            return ()
        return (Key(event.obj["metadata"]["namespace"], event.obj["metadata"]["uid"]),)

    def reconcile(self, key: Key) -> float | None:
        for resource in _DEPENDENTS:
            for obj in self._store.list(resource, key.namespace):
                references = obj["metadata"].get("ownerReferences", [])
                if [one["uid"] for one in references] != [key.name]:
                    continue
                if resource == POD:
                    delete_pod(self._store, obj)
                else:
                    self._store.delete(resource, key.namespace, obj["metadata"]["name"])
        return None
