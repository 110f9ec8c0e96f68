"""What is in the cluster: caches kept by watching, and who follows them (wire/calls.py WatchInventory).

Owns one reflector for each resource for the agent's life, and the closer looks at single objects (object_watches.py). Kinds that the agent
may not list answer with the refusal, and go on trying.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import TypeVar

from podshell.agent.details import pod_details
from podshell.agent.events import EVENT_KINDS, event_row
from podshell.agent.object_watches import ObjectWatches, check_name
from podshell.agent.refusals import refusal_from_error
from podshell.agent.rows import namespace_row, node_row, node_system, pod_row, service_row, workload_row
from podshell.agent.subscriptions import BatchSink, Cache, Subscription
from podshell.aio.clock import Clock
from podshell.aio.tasks import TaskSet
from podshell.kube.objects import Event, Namespace, Node, ObjectMeta, OwnerReference, Pod, Service
from podshell.kube.pod_details import FULL_PODS, FullPod
from podshell.kube.reflector import Reflector, ReflectorState
from podshell.kube.rest import Client
from podshell.kube.store import Change, ChangeKind, HasMetadata, Store
from podshell.kube.workloads import (
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
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
from podshell.wire.calls import PodRow, WatchInventory
from podshell.wire.details import OwnerRow, Row
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

log = logging.getLogger(__name__)

T = TypeVar("T", bound=HasMetadata)

# What a subscription of each kind reads.
KINDS: dict[str, tuple[str, ...]] = {
    "pods": ("pods",),
    "nodes": ("nodes",),
    "namespaces": ("namespaces",),
    "services": ("services",),
    "workloads": ("deployments", "statefulsets", "daemonsets", "jobs"),
}


_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


class Inventory:
    """The caches of one cluster.

    Args:
        on_pod: told of each change of a pod: (namespace, name, pod), None when it is gone.
    """

    def __init__(self, client: Client, clock: Clock, on_pod: Callable[[str, str, Pod | None], None]) -> None:
        self.pods: Store[Pod] = Store({"controller": _controller, "node": lambda pod: [pod.spec.node_name] if pod.spec.node_name else []})
        self.nodes: Store[Node] = Store()
        self.replica_sets: Store[ReplicaSet] = Store({"controller": _controller})
        self._client = client
        self._clock = clock
        self._caches: dict[str, Cache] = {}
        self._runs: list[tuple[str, Callable[[], Coroutine[object, None, None]]]] = []
        self._subscriptions: set[Subscription] = set()
        self._objects = ObjectWatches(client, clock)
        self._controllers: dict[str, Callable[[str, str], HasMetadata | None]] = {}
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
        self._objects.start(tasks)
        for plural, run in self._runs:
            tasks.start(f"watch {plural}", run(), endless=True)

    def subscribe(self, wanted: WatchInventory, sink: BatchSink) -> Subscription | Refusal:
        """Send what there is, and then what changes, until the subscription is closed."""
        if wanted.kind == "pod":
            return self._look_at_pod(wanted, sink)
        if wanted.kind == "events":
            return self._look_at_events(wanted, sink)
        plurals = KINDS.get(wanted.kind)
        if plurals is None:
            kinds = ", ".join([*KINDS, "pod", "events"])
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, f"there is no inventory of {wanted.kind}", f"ask for {kinds}")
        caches = [self._caches[plural] for plural in plurals]
        subscription = Subscription(caches, self.row, wanted.namespace, sink, self._clock, self._subscriptions.discard)
        self._subscriptions.add(subscription)
        if wanted.kind == "workloads":
            subscription.follow(self.pods.listen(lambda change: self._note_workload(subscription, change.new.metadata)))
            subscription.follow(self.replica_sets.listen(lambda change: self._note_workload(subscription, change.new.metadata)))
        elif wanted.kind == "nodes":
            subscription.follow(self.pods.listen(lambda change: self._note_nodes(subscription, change)))
        return subscription

    def _note_workload(self, subscription: Subscription, meta: ObjectMeta) -> None:
        owner = self._top(meta)
        find = self._controllers.get(owner.kind) if owner is not None and owner.kind in _WORKLOADS else None
        found = find(meta.namespace, owner.name) if find is not None and owner is not None else None
        if found is not None:
            subscription.note(found)

    def _note_nodes(self, subscription: Subscription, change: Change[Pod]) -> None:
        before = change.old if change.kind is ChangeKind.MODIFIED else None
        if before is not None and _counts(before) == _counts(change.new):
            return
        for name in {pod.spec.node_name for pod in (before, change.new) if pod is not None}:
            node = self.nodes.get("", name)
            if node is not None:
                subscription.note(node)

    def _pods_of(self, workload: Workload) -> list[Pod]:
        pods = self.pods.by_index("controller", workload.metadata.uid)
        for replica_set in self.replica_sets.by_index("controller", workload.metadata.uid):
            pods += self.pods.by_index("controller", replica_set.metadata.uid)
        return pods

    def _look_at_pod(self, wanted: WatchInventory, sink: BatchSink) -> Subscription | Refusal:
        if (refusal := check_name(wanted.name, wanted.namespace, namespaced=True)) is not None:
            return refusal
        subject = f"the pod {wanted.namespace}/{wanted.name}"
        return self._objects.open(FULL_PODS, wanted.namespace, f"metadata.name={wanted.name}", self.row, sink, subject)

    def _look_at_events(self, wanted: WatchInventory, sink: BatchSink) -> Subscription | Refusal:
        if wanted.object_kind not in EVENT_KINDS:
            text = f"there are no events of the kind {wanted.object_kind or '(none)'} here"
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, text, f"ask for {', '.join(EVENT_KINDS)}")
        namespaced = EVENT_KINDS[wanted.object_kind]
        if (refusal := check_name(wanted.name, wanted.namespace, namespaced=namespaced)) is not None:
            return refusal
        selector = f"involvedObject.kind={wanted.object_kind},involvedObject.name={wanted.name}"
        # a node's events stand in the namespace "default" (transcripts/node), those of node-problem-detector as well
        namespace = wanted.namespace if namespaced else ""
        return self._objects.open(EVENTS, namespace, selector, self.row, sink, f"the events of {wanted.object_kind} {wanted.name}")

    @property
    def pods_known(self) -> bool:
        """Whether the pods are listed, or it is known that they may not be."""
        pods = self._caches["pods"]
        return pods.synced() or pods.refusal() is not None

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
            case FullPod():
                node = self.nodes.get("", item.spec.node_name) if item.spec.node_name else None
                return pod_details(item, self.owners(item.metadata), node_system(node) if node is not None else "")
            case Pod():
                return self.pod_row(item)
            case Event():
                return event_row(item)
            case Node():
                on_it = self.pods.by_index("node", item.metadata.name)
                return node_row(item, sum(_counts(pod)[1] for pod in on_it))
            case Namespace():
                return namespace_row(item)
            case Service():
                return service_row(item)
            case Workload():
                return workload_row(item, self._pods_of(item))
            case _:
                raise TypeError(f"no row for {type(item).__name__}")

    def owners(self, meta: ObjectMeta) -> list[OwnerRow]:
        """Follow who controls an object, nearest first, as far as the caches know."""
        chain: list[OwnerRow] = []
        namespace, owner = meta.namespace, meta.controller
        while owner is not None and len(chain) < 8:
            chain.append(OwnerRow(owner.kind, owner.name, owner.uid))
            find = self._controllers.get(owner.kind)
            above = find(namespace, owner.name) if find is not None else None
            owner = above.metadata.controller if above is not None and above.metadata.uid == owner.uid else None
        return chain

    def _owner(self, pod: Pod) -> tuple[str, str, str]:
        owner = self._top(pod.metadata)
        return (owner.kind, owner.name, owner.uid) if owner is not None else ("", "", "")

    def _top(self, meta: ObjectMeta) -> OwnerReference | None:
        """Return the workload that an object belongs to: its controller, or that of its ReplicaSet."""
        owner = meta.controller
        if owner is not None and owner.kind == "ReplicaSet":
            replica_set = self.replica_sets.get(meta.namespace, owner.name)
            above = replica_set.metadata.controller if replica_set is not None else None
            return above or owner
        return owner

    def _add(self, resource: Resource[T], store: Store[T]) -> None:
        reflector = Reflector(self._client, resource, store, on_health=lambda _: self._note_health(resource.plural))

        def listen(listener: Callable[[HasMetadata, bool], None]) -> Callable[[], None]:
            return store.listen(lambda change: listener(change.new, change.kind is ChangeKind.DELETED))

        def refusal() -> Refusal | None:
            health = reflector.health
            if health.error is None or health.state in (ReflectorState.SYNCED, ReflectorState.STARTING):
                return None
            return refusal_from_error(health.error, subject=f"the list of {resource.plural}")

        self._caches[resource.plural] = Cache(resource.plural, lambda: iter(store), listen, reflector.synced.is_set, refusal)
        self._controllers[resource.kind.__name__] = store.get
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


def _controller(item: HasMetadata) -> list[str]:
    owner = item.metadata.controller
    return [owner.uid] if owner is not None else []


def _counts(pod: Pod) -> tuple[str, bool]:
    return pod.spec.node_name, pod.status.phase not in ("Succeeded", "Failed")
