"""The objects of one sandbox cluster, in memory, with versions and a bounded history of changes.

Owns: every object, the one resourceVersion counter of the cluster, and the history that watches replay.  Objects that
are handed out are shared and must never be changed by the receiver; every write stores a fresh copy.  The history is
bounded per resource, so a watch from an old version really gets 410; ``compact()`` forces that in tests.  Snapshots for
``continue`` tokens live in ``listing.py``.  Everything is synchronous and belongs to one event loop.
"""

from __future__ import annotations

import bisect
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from podshell.sandbox import statuses
from podshell.sandbox.resources import NAMESPACE, Resource

Obj = dict[str, Any]  # one plain Kubernetes JSON object; the one allowed Any
_Key = tuple[str, ...]  # namespace (empty for cluster-wide resources), name
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

# 4096 changes per resource: a rollout of 5,000 pods makes a late watch relist, ordinary life does not.
HISTORY_LENGTH = 4096
_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # apimachinery pkg/util/rand
_NO_GENERATION = frozenset({"configmaps", "secrets", "events", "endpoints", "leases", "namespaces", "nodes", "services"})


@dataclass(frozen=True)
class WatchEvent:
    """One change; ``old`` is the object before it, None for ADDED.  A DELETED ``obj`` carries its own new version."""

    type: ChangeType
    resource: Resource
    obj: Obj
    old: Obj | None
    version: int


def copied(obj: Obj) -> Obj:
    """Copy a JSON object deeply."""
    copy: Obj = msgspec.json.decode(msgspec.json.encode(obj))
    return copy


def timestamp(when: datetime | None = None) -> str:
    """Format a time as ``metav1.Time`` does: UTC, whole seconds."""
    return (when or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def random_suffix() -> str:
    """Make the five letters that generateName appends."""
    return "".join(secrets.choice(_NAME_ALPHABET) for _ in range(5))


class ObjectStore:
    """All objects of one cluster."""

    def __init__(self, *, first_version: int = 0, history_length: int = HISTORY_LENGTH) -> None:
        self._version = first_version
        self._objects: dict[Resource, dict[_Key, Obj]] = {}
        self._keys: dict[Resource, list[_Key]] = {}  # sorted
        self._history: dict[Resource, deque[WatchEvent]] = {}
        self._floor: dict[Resource, int] = {}  # versions below it have left the history; where none stands: _oldest
        self._oldest = first_version
        self._history_length = history_length
        self._listeners: list[Callable[[WatchEvent], None]] = []

    @property
    def version(self) -> int:
        """The version of the last change in the cluster."""
        return self._version

    def create(self, resource: Resource, obj: Obj) -> Obj:
        """Store a new object; fills name (generateName), uid, creationTimestamp, resourceVersion and generation.

        Raises: StatusError 409 AlreadyExists.
        """
        new = copied(obj)
        new.setdefault("kind", resource.kind)
        new.setdefault("apiVersion", resource.api_version)
        metadata: Obj = new.setdefault("metadata", {})
        objects = self._objects.setdefault(resource, {})
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + random_suffix()
        key = self._key(resource, metadata.get("namespace"), metadata["name"])
        if key in objects:
            raise statuses.already_exists(resource.plural, metadata["name"], resource.group)
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", timestamp())
        if resource.plural not in _NO_GENERATION:
            metadata["generation"] = 1
        if resource is NAMESPACE:
            metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
        self._stamp(new)
        objects[key] = new
        bisect.insort(self._keys.setdefault(resource, []), key)
        self._announce(WatchEvent("ADDED", resource, new, None, self._version))
        return new

    def get(self, resource: Resource, namespace: str | None, name: str) -> Obj | None:
        """Find one object."""
        return self._objects.get(resource, {}).get(self._key(resource, namespace, name))

    def list(self, resource: Resource, namespace: str | None = None) -> list[Obj]:
        """List objects in the order of their keys (namespace, then name), as etcd does."""
        objects, keys = self._objects.get(resource, {}), self._keys.get(resource, [])
        if namespace is not None:
            keys = keys[bisect.bisect_left(keys, (namespace,)) : bisect.bisect_left(keys, (namespace + "\0",))]
        return [objects[key] for key in keys]

    def modify(self, resource: Resource, namespace: str | None, name: str, change: Callable[[Obj], None]) -> Obj:
        """Apply ``change`` to a copy and store it; no new version when nothing changed.

        Raises: StatusError 404; whatever ``change`` raises, and then nothing is stored.
        """
        old = self.get(resource, namespace, name)
        if old is None:
            raise statuses.not_found(resource.plural, name, resource.group)
        new = copied(old)
        change(new)
        return self._update(resource, old, new)

    def replace(self, resource: Resource, obj: Obj) -> Obj:
        """Store ``obj`` in place of the one with its name; uid and creationTimestamp stay.

        Raises: StatusError 404; 409 Conflict when its resourceVersion is set and old.
        """
        metadata = obj["metadata"]
        old = self.get(resource, metadata.get("namespace"), metadata["name"])
        if old is None:
            raise statuses.not_found(resource.plural, metadata["name"], resource.group)
        asked = metadata.get("resourceVersion")
        if asked and asked != old["metadata"]["resourceVersion"]:
            raise statuses.conflict(resource.plural, metadata["name"], resource.group)
        return self._update(resource, old, copied(obj))

    def delete(self, resource: Resource, namespace: str | None, name: str, *, last: Callable[[Obj], None] | None = None) -> Obj:
        """Remove an object at once; the DELETED event carries a new version, and what ``last`` changes of it.

        Raises: StatusError 404.
        """
        old = self.get(resource, namespace, name)
        if old is None:
            raise statuses.not_found(resource.plural, name, resource.group)
        key = self._key(resource, namespace, name)
        del self._objects[resource][key]
        keys = self._keys[resource]
        del keys[bisect.bisect_left(keys, key)]
        final = {**old, "metadata": dict(old["metadata"])}
        if last is not None:
            last(final)
        self._stamp(final)
        self._announce(WatchEvent("DELETED", resource, final, old, self._version))
        return final

    def listen(self, callback: Callable[[WatchEvent], None]) -> Callable[[], None]:
        """Call ``callback`` at every change, synchronously; returns what ends it."""
        self._listeners.append(callback)

        def unsubscribe() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return unsubscribe

    def changes_since(self, resource: Resource, version: int) -> Iterable[WatchEvent] | None:
        """Give the changes after ``version``, or None when some of them have left the history."""
        if version < self._floor.get(resource, self._oldest):
            return None
        return [event for event in self._history.get(resource, ()) if event.version > version]

    def compact(self) -> None:
        """Forget all history: every older version now is too old to watch from."""
        self._oldest = self._version
        self._floor.clear()
        self._history.clear()

    def spend_version(self) -> int:
        """Advance the counter without a change, as a write elsewhere in a real cluster does."""
        self._version += 1
        return self._version

    @staticmethod
    def _key(resource: Resource, namespace: str | None, name: str) -> _Key:
        return ((namespace or "default") if resource.namespaced else "", name)

    def _stamp(self, obj: Obj) -> None:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)

    def _update(self, resource: Resource, old: Obj, new: Obj) -> Obj:
        metadata, before = new["metadata"], old["metadata"]
        for field in ("uid", "creationTimestamp", "resourceVersion", "generation", "name", "namespace"):
            if field in before:
                metadata[field] = before[field]
        if new == old:
            return old
        if "generation" in before and _advances_generation(old, new):
            metadata["generation"] = before["generation"] + 1
        self._stamp(new)
        self._objects[resource][self._key(resource, metadata.get("namespace"), metadata["name"])] = new
        self._announce(WatchEvent("MODIFIED", resource, new, old, self._version))
        return new

    def _announce(self, event: WatchEvent) -> None:
        history = self._history.setdefault(event.resource, deque())
        history.append(event)
        if len(history) > self._history_length:
            self._floor[event.resource] = history.popleft().version
        for listener in tuple(self._listeners):
            listener(event)


def _advances_generation(old: Obj, new: Obj) -> bool:
    """Say whether a change is one of what is wanted: of the spec, or a deletion; binding a pod to a node is not.

    Recorded in transcripts/lifecycle/create-to-running (stays 1) and delete-with-grace-exec-open (2 from the mark on).
    """
    if "deletionTimestamp" in new["metadata"] and "deletionTimestamp" not in old["metadata"]:
        return True
    before, after = old.get("spec"), new.get("spec")
    if isinstance(before, dict) and isinstance(after, dict) and "nodeName" not in before:
        after = {name: value for name, value in after.items() if name != "nodeName"}
    return bool(before != after)
