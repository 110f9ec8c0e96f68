"""What is in the cluster: caches kept by watching, and subscriptions to them (wire/calls.py WatchInventory).

Owns one reflector for each resource for the agent's life. A subscription hears of changes at most every 100 ms, in batches of at most
60 KiB; while more than 256 KiB wait on its link it only remembers which objects changed. Kinds that the agent may not list answer with
the refusal, and go on trying.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from podshell.agent.clock import Clock, TimerHandle
from podshell.agent.refusals import refusal_from_error
from podshell.agent.rows import namespace_row, node_row, node_system, pod_row, service_row, workload_row
from podshell.aio.tasks import TaskSet
from podshell.kube.objects import Namespace, Node, ObjectMeta, Pod, Service
from podshell.kube.reflector import Reflector, ReflectorState
from podshell.kube.rest import Client
from podshell.kube.store import Change, ChangeKind, HasMetadata, Store
from podshell.kube.workloads import (
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    ReplicaSet,
    Resource,
    Workload,
)
from podshell.wire.calls import InventoryBatch, NamespaceRow, NodeRow, PodRow, ServiceRow, WorkloadRow
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

log = logging.getLogger(__name__)

Row = PodRow | NodeRow | NamespaceRow | ServiceRow | WorkloadRow
T = TypeVar("T", bound=HasMetadata)

COALESCE_SECONDS = 0.1
BATCH_BYTES = 60 * 1024
UNSENT_BYTES = 256 * 1024

# What a subscription of each kind reads.
KINDS: dict[str, tuple[str, ...]] = {
    "pods": ("pods",),
    "nodes": ("nodes",),
    "namespaces": ("namespaces",),
    "services": ("services",),
    "workloads": ("deployments", "statefulsets", "daemonsets", "jobs"),
}


class BatchSink(Protocol):
    """Where a subscription's batches go."""

    def unsent_bytes(self) -> int: ...

    def send_batch(self, batch: InventoryBatch) -> None: ...


@dataclass(slots=True)
class _Cache:
    """One resource: `listen` tells of (object, deleted)."""

    plural: str
    items: Callable[[], Iterator[HasMetadata]]
    listen: Callable[[Callable[[HasMetadata, bool], None]], Callable[[], None]]
    synced: Callable[[], bool]
    refusal: Callable[[], Refusal | None]


class Inventory:
    """The caches of one cluster.

    Args:
        on_pod: told of each change of a pod: (namespace, name, pod), None when it is gone.
    """

    def __init__(self, client: Client, clock: Clock, on_pod: Callable[[str, str, Pod | None], None]) -> None:
        self.pods: Store[Pod] = Store()
        self.nodes: Store[Node] = Store()
        self.replica_sets: Store[ReplicaSet] = Store()
        self._client = client
        self._clock = clock
        self._caches: dict[str, _Cache] = {}
        self._runs: list[tuple[str, Callable[[], Coroutine[object, None, None]]]] = []
        self._subscriptions: set[Subscription] = set()
        self._add(PODS, self.pods)
        self._add(NODES, self.nodes)
        self._add(NAMESPACES, Store())
        self._add(SERVICES, Store())
        self._add(ENDPOINT_SLICES, Store())
        self._add(REPLICA_SETS, self.replica_sets)
        self._add(DEPLOYMENTS, Store())
        self._add(STATEFUL_SETS, Store())
        self._add(DAEMON_SETS, Store())
        self._add(JOBS, Store())
        self.pods.listen(lambda change: _tell_pod(change, on_pod))

    def start(self, tasks: TaskSet) -> None:
        """Begin to list and watch."""
        for plural, run in self._runs:
            tasks.start(f"watch {plural}", run(), endless=True)

    def subscribe(self, kind: str, namespace: str, sink: BatchSink) -> Subscription | Refusal:
        """Send what there is, and then what changes, until the subscription is closed."""
        plurals = KINDS.get(kind)
        if plurals is None:
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, f"there is no inventory of {kind}", f"ask for {', '.join(KINDS)}")
        subscription = Subscription(self, [self._caches[plural] for plural in plurals], namespace, sink, self._clock)
        self._subscriptions.add(subscription)
        return subscription

    def pod(self, namespace: str, name: str) -> PodRow | Refusal:
        """Return one pod's row."""
        pod = self.pods.get(namespace, name)
        if pod is not None:
            return self.pod_row(pod)
        if (refusal := self._caches["pods"].refusal()) is not None:
            return refusal
        if not self._caches["pods"].synced():
            return Refusal(ErrorCode.AGENT_BUSY, RefusedBy.AGENT, "the agent is still reading the list of pods", "try again in a moment")
        text = f'pods "{name}" not found in the namespace "{namespace}"'
        return Refusal(ErrorCode.NOT_FOUND, RefusedBy.AGENT, text, "choose one from the list")

    def pod_row(self, pod: Pod) -> PodRow:
        node = self.nodes.get("", pod.spec.node_name) if pod.spec.node_name else None
        return pod_row(pod, self._owner(pod), node_system(node) if node is not None else "")

    def row(self, item: HasMetadata) -> Row:
        """Build the row of any object that subscriptions show."""
        match item:
            case Pod():
                return self.pod_row(item)
            case Node():
                return node_row(item)
            case Namespace():
                return namespace_row(item)
            case Service():
                return service_row(item)
            case Workload():
                return workload_row(item)
            case _:
                raise TypeError(f"no row for {type(item).__name__}")

    def forget(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def _owner(self, pod: Pod) -> tuple[str, str]:
        owner = pod.metadata.controller
        if owner is None:
            return "", ""
        if owner.kind == "ReplicaSet":
            replica_set = self.replica_sets.get(pod.metadata.namespace, owner.name)
            above = replica_set.metadata.controller if replica_set is not None else None
            if above is not None:
                return above.kind, above.name
        return owner.kind, owner.name

    def _add(self, resource: Resource[T], store: Store[T]) -> None:
        reflector = Reflector(self._client, resource, store, on_health=lambda _: self._note_health(resource.plural))

        def listen(listener: Callable[[HasMetadata, bool], None]) -> Callable[[], None]:
            return store.listen(lambda change: listener(change.new, change.kind is ChangeKind.DELETED))

        def refusal() -> Refusal | None:
            health = reflector.health
            if health.error is None or health.state in (ReflectorState.SYNCED, ReflectorState.STARTING):
                return None
            return refusal_from_error(health.error, subject=f"the list of {resource.plural}")

        self._caches[resource.plural] = _Cache(resource.plural, lambda: iter(store), listen, reflector.synced.is_set, refusal)
        self._runs.append((resource.plural, reflector.run))

    def _note_health(self, plural: str) -> None:
        refusal = self._caches[plural].refusal()
        if refusal is not None:
            log.warning("cannot watch %s: %s", plural, refusal.message)
        for subscription in list(self._subscriptions):
            subscription.note_health(plural, owners=plural == "replicasets")


def _tell_pod(change: Change[Pod], on_pod: Callable[[str, str, Pod | None], None]) -> None:
    meta = change.new.metadata
    on_pod(meta.namespace, meta.name, None if change.kind is ChangeKind.DELETED else change.new)


class Subscription:
    """One subscription: what has changed and was not sent, by uid."""

    def __init__(self, inventory: Inventory, caches: list[_Cache], namespace: str, sink: BatchSink, clock: Clock) -> None:
        self._inventory = inventory
        self._caches = caches
        self._namespace = namespace
        self._sink = sink
        self._clock = clock
        self._changed: dict[str, HasMetadata | None] = {}
        self._completed = False
        self._refused: set[str] = set()
        self._timer: TimerHandle | None = None
        self._closed = False
        for cache in caches:
            for item in cache.items():
                self._note(item, False)
        self._stops = [cache.listen(self._note) for cache in caches]
        self._schedule(0.0)

    def close(self) -> None:
        """Send nothing more."""
        self._closed = True
        for stop in self._stops:
            stop()
        if self._timer is not None:
            self._timer.cancel()
        self._changed.clear()
        self._inventory.forget(self)

    def note_health(self, plural: str, *, owners: bool) -> None:
        """A list was read, or is refused."""
        if any(cache.plural == plural for cache in self._caches):
            self._schedule(0.0)
        elif owners and any(cache.plural == "pods" for cache in self._caches):
            for item in self._caches[0].items():  # their owners' names are known now
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
                row = msgspec.msgpack.encode(self._inventory.row(item))
                if size and size + len(row) > BATCH_BYTES:
                    break
                rows.append(msgspec.Raw(row))
                size += len(row)
            del self._changed[uid]
            if size >= BATCH_BYTES:
                break
        self._sink.send_batch(InventoryBatch(msgspec.Raw(msgspec.msgpack.encode(rows)), removed))

    def _send_state(self) -> None:
        refused: set[str] = set()
        for cache in self._caches:
            refusal = cache.refusal()
            if refusal is not None:
                refused.add(cache.plural)
                if cache.plural not in self._refused:
                    self._sink.send_batch(InventoryBatch(refusal=refusal))
        self._refused = refused
        if not self._completed and all(cache.synced() or cache.plural in refused for cache in self._caches):
            self._completed = True
            self._sink.send_batch(InventoryBatch(complete=True))
