"""Garbage collection: what an owner leaves behind goes after it (background propagation) or before it (foreground)."""

from __future__ import annotations

from collections.abc import Iterable

from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.owners import FOREGROUND, delete_pod
from podshell.sandbox.resources import DAEMONSET, DEPLOYMENT, ENDPOINTSLICE, JOB, POD, REPLICASET, SERVICE, STATEFULSET, Resource
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent

_OWNERS = (DEPLOYMENT, REPLICASET, STATEFULSET, DAEMONSET, JOB, SERVICE)
_DEPENDENTS = (REPLICASET, POD, ENDPOINTSLICE, JOB)


class GarbageCollector:
    """Removes objects whose only owners are gone or wait for them. Its keys are namespace and uid of an owner."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        namespace = event.obj["metadata"].get("namespace", "")
        if event.resource in _OWNERS and (event.type == "DELETED" or _waits_for_dependents(event.obj)):
            yield Key(namespace, event.obj["metadata"]["uid"])
        if event.resource in _DEPENDENTS and event.type == "DELETED":
            for reference in event.obj["metadata"].get("ownerReferences", []):
                yield Key(namespace, reference["uid"])

    def reconcile(self, key: Key) -> float | None:
        waiting = self._waiting_owner(key)
        if waiting is None and self._owner_lives(key):
            return None
        remaining = False
        for resource in _DEPENDENTS:
            for obj in self._store.list(resource, key.namespace):
                references = obj["metadata"].get("ownerReferences", [])
                if [one["uid"] for one in references] != [key.name]:
                    continue
                if resource == POD:
                    delete_pod(self._store, obj)
                else:
                    self._store.delete(resource, key.namespace, obj["metadata"]["name"])
                remaining |= self._store.get(resource, key.namespace, obj["metadata"]["name"]) is not None
        if waiting is not None and not remaining:
            resource, owner = waiting
            if owner["metadata"]["finalizers"] == [FOREGROUND]:
                self._store.delete(resource, key.namespace, owner["metadata"]["name"])
        return None

    def _owner_lives(self, key: Key) -> bool:
        return any(one["metadata"]["uid"] == key.name for resource in _OWNERS for one in self._store.list(resource, key.namespace))

    def _waiting_owner(self, key: Key) -> tuple[Resource, Obj] | None:
        for resource in _OWNERS:
            for one in self._store.list(resource, key.namespace):
                if one["metadata"]["uid"] == key.name and _waits_for_dependents(one):
                    return resource, one
        return None


def _waits_for_dependents(obj: Obj) -> bool:
    metadata = obj["metadata"]
    return "deletionTimestamp" in metadata and FOREGROUND in (metadata.get("finalizers") or [])
