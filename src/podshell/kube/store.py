"""An indexed cache of one resource, and who wants to know of changes.

Pure. A `Reflector` fills it; readers look at it at any time without waiting. Listeners are called synchronously, after the change
is visible, and must neither block nor raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

from podshell.kube.objects import ObjectMeta


class HasMetadata(Protocol):
    """Any object of `objects.py`."""

    @property
    def metadata(self) -> ObjectMeta: ...


T = TypeVar("T", bound=HasMetadata)
Key = tuple[str, str]
Indexer = Callable[[T], Iterable[str]]


class ChangeKind(Enum):
    """What happened to an object."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One change. `old` is None for ADDED; for DELETED `new` is the last state that is known."""

    kind: ChangeKind
    old: T | None
    new: T


class Store(Generic[T]):
    """Objects by (namespace, name), and by each index."""

    def __init__(self, indexers: Mapping[str, Indexer[T]] | None = None) -> None:
        self._objects: dict[Key, T] = {}
        self._indexers = dict(indexers or {})
        self._indexes: dict[str, dict[str, dict[Key, T]]] = {name: {} for name in self._indexers}
        self._listeners: list[Callable[[Change[T]], None]] = []

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._objects.values()))

    def get(self, namespace: str, name: str) -> T | None:
        """Return one object; `namespace` is "" for those of the cluster."""
        return self._objects.get((namespace, name))

    def by_index(self, index: str, value: str) -> list[T]:
        """Return the objects for which the indexer named `index` gave `value`."""
        return list(self._indexes[index].get(value, {}).values())

    def listen(self, listener: Callable[[Change[T]], None]) -> Callable[[], None]:
        """Call `listener` for each change from now on; return what stops that (safe to call twice)."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    # -- filled by a reflector --------------------------------------------------------------------------------------

    def upsert(self, new: T) -> None:
        """Put an object in; the same resourceVersion again is no change."""
        key = (new.metadata.namespace, new.metadata.name)
        old = self._objects.get(key)
        if old is not None and old.metadata.uid != new.metadata.uid:
            # Deleted and made again under the same name while nobody looked: two changes, not one.
            self._discard(key, old)
            self._tell(Change(ChangeKind.DELETED, old, old))
            old = None
        if old is not None and old.metadata.resource_version == new.metadata.resource_version != "":
            return
        if old is not None:
            self._discard(key, old)
        self._objects[key] = new
        for name, indexer in self._indexers.items():
            for value in indexer(new):
                self._indexes[name].setdefault(value, {})[key] = new
        self._tell(Change(ChangeKind.ADDED if old is None else ChangeKind.MODIFIED, old, new))

    def remove(self, last: T) -> None:
        """Take an object out; unknown ones are no change."""
        key = (last.metadata.namespace, last.metadata.name)
        old = self._objects.get(key)
        if old is not None:
            self._discard(key, old)
            self._tell(Change(ChangeKind.DELETED, old, last))

    def remove_all_but(self, keys: set[Key]) -> None:
        """After a new list: take out what is not on it."""
        for key, old in list(self._objects.items()):
            if key not in keys:
                self._discard(key, old)
                self._tell(Change(ChangeKind.DELETED, old, old))

    def _discard(self, key: Key, old: T) -> None:
        del self._objects[key]
        for name, indexer in self._indexers.items():
            index = self._indexes[name]
            for value in indexer(old):
                members = index.get(value)
                if members is not None:
                    members.pop(key, None)
                    if not members:
                        del index[value]

    def _tell(self, change: Change[T]) -> None:
        for listener in tuple(self._listeners):
            listener(change)
