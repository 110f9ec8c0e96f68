"""Watches the pods of a cluster and keeps one worker for each that is bound to a ready node.

Pods on a node that is not ready get no worker: they stay as they are, and their deletion waits for the node, as on a real cluster.
Pods annotated as synthetic (`SYNTHETIC`) have no processes at all; they are there for load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.controllers.scheduler import node_is_ready
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.kubelet.faults import NodeFaults, Rejection
from podshell.sandbox.kubelet.lives import Node
from podshell.sandbox.kubelet.records import Record
from podshell.sandbox.kubelet.workers import PodWorker
from podshell.sandbox.resources import NODE, POD
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, timestamp

SYNTHETIC = "sandbox.podshell.dev/synthetic"


class Kubelet:
    """The kubelet of all nodes of a cluster. `start` takes over the pods that exist; `stop` leaves processes to the runtime."""

    def __init__(
        self, store: ObjectStore, recorder: EventRecorder, node: Node, timings: Timings | None = None, faults: NodeFaults | None = None
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._node = node
        self._timings = timings or Timings()
        self._faults = faults or NodeFaults()
        self._workers: dict[str, PodWorker] = {}
        self._addresses = _addresses()
        self._unsubscribe: Callable[[], None] | None = None

    async def start(self) -> None:
        self._unsubscribe = self._store.listen(self._on_change)
        for pod in self._store.list(POD):
            self._look_at(pod)

    async def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        await asyncio.gather(*(one.close() for one in list(self._workers.values())))
        self._workers.clear()

    def worker(self, pod: Obj) -> PodWorker | None:
        return self._workers.get(pod["metadata"]["uid"])

    def record(self, pod: Obj, container: str) -> Record | None:
        """What is known of a container of this pod; None when no node runs it."""
        worker = self.worker(pod)
        return worker.record(container) if worker is not None else None

    def _on_change(self, event: WatchEvent) -> None:
        if event.resource == POD:
            if event.type == "DELETED":
                worker = self.worker(event.obj)
                if worker is not None:
                    worker.remove()
            else:
                self._look_at(event.obj)
        elif event.resource == NODE and event.type == "MODIFIED" and node_is_ready(event.obj):
            self._take_over(event.obj, event.old)

    def _take_over(self, node: Obj, before: Obj | None) -> None:
        """A node has become ready: look at the pods that wait for it."""
        if before is not None and node_is_ready(before):
            return
        for pod in self._store.list(POD):
            if pod["spec"].get("nodeName") == node["metadata"]["name"]:
                self._look_at(pod)

    def _look_at(self, pod: Obj) -> None:
        worker = self.worker(pod)
        if worker is not None:
            if _needs_worker(worker.pod, pod):
                worker.change(pod)
            return
        node = self._store.get(NODE, None, pod["spec"].get("nodeName") or "")
        if node is None or not node_is_ready(node):
            return
        if SYNTHETIC in pod["metadata"].get("annotations", {}) or pod["status"].get("phase") in ("Succeeded", "Failed"):
            self._end_without_worker(pod)
            return
        if "deletionTimestamp" in pod["metadata"]:
            self._end_without_worker(pod)
            return
        if (rejection := self._faults.rejection(pod, node)) is not None:
            asyncio.get_running_loop().call_soon(self._reject, pod, rejection)
            return
        host_ip = next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")
        worker = PodWorker(
            pod,
            store=self._store,
            recorder=self._recorder,
            node=self._node,
            timings=self._timings,
            pod_ip=host_ip if pod["spec"].get("hostNetwork") else next(self._addresses),
            host_ip=host_ip,
            faults=self._faults,
            on_end=self._on_end,
        )
        self._workers[worker.uid] = worker
        worker.start()

    def _end_without_worker(self, pod: Obj) -> None:
        """A pod without processes that is being deleted goes at once, unless a finalizer holds it."""
        metadata = pod["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            # Not from within the notification: other listeners have not seen this change yet.
            asyncio.get_running_loop().call_soon(self._delete, metadata["namespace"], metadata["name"], metadata["uid"])

    def _delete(self, namespace: str, name: str, uid: str) -> None:
        known = self._store.get(POD, namespace, name)
        if known is not None and known["metadata"]["uid"] == uid:
            self._store.delete(POD, namespace, name)

    def _reject(self, pod: Obj, rejection: Rejection) -> None:
        """Fail a pod that its node does not admit (kubernetes pkg/kubelet/kubelet.go, rejectPod)."""
        metadata = pod["metadata"]
        known = self._store.get(POD, metadata["namespace"], metadata["name"])
        if known is None or known["metadata"]["uid"] != metadata["uid"] or known["status"].get("phase") == "Failed":
            return
        status = {"observedGeneration": metadata.get("generation", 1), "phase": "Failed", "reason": rejection.reason}
        status |= {"message": f"Pod was rejected: {rejection.message}", "startTime": timestamp()}
        status["qosClass"] = pod["status"].get("qosClass", "BestEffort")
        host = pod["spec"]["nodeName"]
        self._recorder.record(pod, rejection.reason, rejection.message, component="kubelet", host=host, kind="Warning")
        self._store.modify(POD, metadata["namespace"], metadata["name"], lambda obj: obj.update(status=status))

    def _on_end(self, worker: PodWorker) -> None:
        self._workers.pop(worker.uid, None)


def _needs_worker(before: Obj, after: Obj) -> bool:
    """Whether a change is more than the worker's own writing of the status."""
    old, new = before["metadata"], after["metadata"]
    changed = before["spec"] != after["spec"] or old.get("deletionTimestamp") != new.get("deletionTimestamp")
    return bool(changed or old.get("deletionGracePeriodSeconds") != new.get("deletionGracePeriodSeconds"))


def _addresses() -> Iterator[str]:
    """Pod addresses of 10.244.0.0/16, one after the other; the sandbox has no pod network, they are only shown."""
    number = 1
    while True:
        number += 1
        yield f"10.244.{number // 250 % 250}.{number % 250 + 2}"
