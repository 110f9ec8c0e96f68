"""Subscriptions to what the cluster holds (wire/calls.py WatchInventory): what has changed and was not sent yet, by uid.

A subscription hears of changes at most every 100 ms, in batches of at most 60 KiB; while more than 256 KiB wait on its link it only
remembers which objects changed. What it reads is a `Cache`, of the agent's life (inventory.py) or of its own (object_watches.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from podshell.aio.clock import Clock, TimerHandle
from podshell.kube.objects import ObjectMeta
from podshell.kube.store import HasMetadata
from podshell.wire.calls import InventoryBatch
from podshell.wire.details import Row
from podshell.wire.errors import Refusal

COALESCE_SECONDS = 0.1
BATCH_BYTES = 60 * 1024
UNSENT_BYTES = 256 * 1024


class BatchSink(Protocol):
    """Where a subscription's batches go."""

    def unsent_bytes(self) -> int: ...

    def send_batch(self, batch: InventoryBatch) -> None: ...


@dataclass(slots=True)
class Cache:
    """One resource: `listen` tells of (object, deleted)."""

    plural: str
    items: Callable[[], Iterator[HasMetadata]]
    listen: Callable[[Callable[[HasMetadata, bool], None]], Callable[[], None]]
    synced: Callable[[], bool]
    refusal: Callable[[], Refusal | None]


class Subscription:
    """One subscription.

    Args:
        row: builds an object's row when it is sent.
        on_close: called once when it ends.
    """

    def __init__(
        self,
        caches: list[Cache],
        row: Callable[[HasMetadata], Row],
        namespace: str,
        sink: BatchSink,
        clock: Clock,
        on_close: Callable[[Subscription], None],
    ) -> None:
        self._caches = caches
        self._row = row
        self._namespace = namespace
        self._sink = sink
        self._clock = clock
        self._on_close = on_close
        self._changed: dict[str, HasMetadata | None] = {}
        self._completed = False
        self._told: Refusal | None = None
        self._timer: TimerHandle | None = None
        self._closed = False
        for cache in caches:
            for item in cache.items():
                self._note(item, False)
        self._stops = [cache.listen(self._note) for cache in caches]
        self._schedule(0.0)

    def close(self) -> None:
        """Send nothing more."""
        if self._closed:
            return
        self._closed = True
        for stop in self._stops:
            stop()
        if self._timer is not None:
            self._timer.cancel()
        self._changed.clear()
        self._on_close(self)

    def note_health(self, plural: str, *, owners: bool = False) -> None:
        """A list was read, or is refused."""
        if any(cache.plural == plural for cache in self._caches):
            self._schedule(0.0)
        elif owners and any(cache.plural == "pods" for cache in self._caches):
            for item in self._caches[0].items():  # their owners' names are known now
                self._note(item, False)

    def follow(self, stop: Callable[[], None]) -> None:
        """Have `stop` called when the subscription is closed."""
        self._stops.append(stop)

    def note(self, item: HasMetadata) -> None:
        """Something that the row of `item` tells has changed elsewhere."""
        if self._changed.get(item.metadata.uid, item) is not None:  # not one that is about to be taken away
            self._note(item, False)

    def _note(self, item: HasMetadata, deleted: bool) -> None:
        meta: ObjectMeta = item.metadata
        if self._namespace and meta.namespace != self._namespace:
            return
        self._changed[meta.uid] = None if deleted else item
        self._schedule(COALESCE_SECONDS)

    def _schedule(self, seconds: float) -> None:
        if self._timer is None and not self._closed:
            self._timer = self._clock.call_later(seconds, self._flush)

    def _flush(self) -> None:
        self._timer = None
        while self._changed and not self._closed:
            if self._sink.unsent_bytes() > UNSENT_BYTES:
                self._schedule(COALESCE_SECONDS)
                return
            self._send_some()
        if not self._closed:
            self._send_state()

    def _send_some(self) -> None:
        rows: list[msgspec.Raw] = []
        removed: list[str] = []
        size = 0
        for uid in list(self._changed):
            item = self._changed[uid]
            if item is None:
                removed.append(uid)
                size += len(uid) + 2
            else:
                row = msgspec.msgpack.encode(self._row(item))
                if size and size + len(row) > BATCH_BYTES:
                    break
                rows.append(msgspec.Raw(row))
                size += len(row)
            del self._changed[uid]
            if size >= BATCH_BYTES:
                break
        self._send(InventoryBatch(msgspec.Raw(msgspec.msgpack.encode(rows)), removed, refusal=self._refusal()))

    def _send_state(self) -> None:
        refusal = self._refusal()
        complete = not self._completed and all(cache.synced() or cache.refusal() is not None for cache in self._caches)
        self._completed = self._completed or complete
        if complete or refusal != self._told:
            self._send(InventoryBatch(complete=complete, refusal=refusal))

    def _refusal(self) -> Refusal | None:
        """Why there is nothing new of one of the resources now. Every batch says it: one without a refusal means that there is none."""
        return next((refusal for cache in self._caches if (refusal := cache.refusal()) is not None), None)

    def _send(self, batch: InventoryBatch) -> None:
        self._told = batch.refusal
        self._sink.send_batch(batch)
