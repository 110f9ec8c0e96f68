"""The life of one pod on a node: its sandbox, its init containers in order, then all the others, until it is deleted.

A worker owns the processes of its pod and the tasks that watch them; both end with the worker. It writes the pod's status into the
store and nothing else does while it lives. The life of a single container is in `lives.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.kubelet.faults import NodeFaults
from podshell.sandbox.kubelet.lives import ContainerLife, Node
from podshell.sandbox.kubelet.podstatus import PodFacts, build
from podshell.sandbox.kubelet.records import Process, Record, Role
from podshell.sandbox.kubelet.volumes import host_paths, pod_folder
from podshell.sandbox.resources import POD
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import Obj, ObjectStore, timestamp

logger = logging.getLogger(__name__)


class PodWorker:
    """Runs one pod. `records` may be read by others (finder, logs); `on_end` is called once everything is over."""

    def __init__(
        self,
        pod: Obj,
        *,
        store: ObjectStore,
        recorder: EventRecorder,
        node: Node,
        timings: Timings,
        pod_ip: str,
        host_ip: str,
        faults: NodeFaults,
        on_end: Callable[[PodWorker], None],
    ) -> None:
        self.pod = pod
        self.records: list[Record] = []
        self.pod_ip = pod_ip
        self._store = store
        self._recorder = recorder
        self._node = node
        self._timings = timings
        self._host_ip = host_ip
        self._on_end = on_end
        self.faults = faults
        self._started_at = timestamp()
        self._has_sandbox = False
        self._ending = False
        self._removed = False
        self._failure: tuple[str, str] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._end: asyncio.Task[None] | None = None

    @property
    def uid(self) -> str:
        return str(self.pod["metadata"]["uid"])

    def start(self) -> None:
        name = f"{self.pod['metadata']['namespace']}/{self.pod['metadata']['name']}"
        for container in self.pod["spec"].get("initContainers", []):
            self._add("sidecar" if container.get("restartPolicy") == "Always" else "init", container)
        for container in self.pod["spec"]["containers"]:
            self._add("main", container)
        if any(one.role != "main" for one in self.records):
            for record in self.records:
                record.wait("PodInitializing")
        if (seconds := self.pod["spec"].get("activeDeadlineSeconds")) is not None:
            self._deadline = asyncio.get_running_loop().call_later(float(seconds), self._expire)
        self._task = self._spawn(self._run(), f"sandbox-pod-{name}")

    def record(self, name: str) -> Record | None:
        return next((one for one in self.records if one.name == name), None)

    def change(self, pod: Obj) -> None:
        """Take a change of the object: deletion, new ephemeral containers."""
        self.pod = pod
        if "deletionTimestamp" in pod["metadata"]:
            self.end(float(pod["metadata"].get("deletionGracePeriodSeconds", 30)))
            return
        if self._has_sandbox:
            self._start_ephemeral()

    def end(self, grace_seconds: float) -> None:
        """Stop the pod: TERM now, KILL after the grace. A second call may only shorten the grace."""
        if not self._ending:
            self._ending = True
            self._end = self._spawn(self._stop(grace_seconds), f"sandbox-pod-end-{self.uid}")
        else:
            self._kill_after(grace_seconds)

    def remove(self) -> None:
        """The object is gone (deleted with grace 0): kill what still runs a little later, as a real node does."""
        self._removed = True
        self._kill_after(self._timings.forced_kill_seconds)
        self.end(self._timings.forced_kill_seconds)

    async def close(self) -> None:
        """End the worker's tasks without stopping processes; the runtime kills them."""
        self._forget_deadline()
        tasks = [one for one in (self._task, self._end, *self._lives.values()) if one is not None]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, role: Role, container: Obj) -> Record:
        record = Record(role, container)
        self.records.append(record)
        return record

    async def _run(self) -> None:
        self.publish()
        await asyncio.sleep(0)
        if self.faults.hangs(self.pod):
            await asyncio.Event().wait()
        await self._check_volumes()
        self._has_sandbox = True
        self.publish()
        for record in self.records:
            if record.role == "init":
                await self._live(record)
                if "terminated" not in record.state or record.state["terminated"]["exitCode"]:
                    return  # restartPolicy Never and a failed init container: the pod has failed
            elif record.role == "sidecar":
                self._begin(record)
                await record.started.wait()
        for record in self.records:
            if record.role == "main" and "PodInitializing" in str(record.state):
                record.wait("ContainerCreating")
        for record in [one for one in self.records if one.role == "main"]:
            self._begin(record)
            await record.tried.wait()  # one after the other, as events in transcripts/kubectl (describe) tell
        self._start_ephemeral()
        await asyncio.gather(*(self._lives[one.name] for one in self.records if one.role == "main"))
        await self._stop_sidecars()

    async def _check_volumes(self) -> None:
        """Return once every host path is of its type; until then the pod stays ContainerCreating, without addresses."""
        node = self.pod["spec"].get("nodeName", "")
        for name, path, kind in host_paths(self.pod):
            delay = self._timings.mount_retry_seconds
            while kind and (why := await self._node.host_path_fault(node, path, kind)) is not None:
                message = f'MountVolume.SetUp failed for volume "{name}" : {why}'
                self._recorder.record(self.pod, "FailedMount", message, component="kubelet", host=node, kind="Warning")
                await asyncio.sleep(delay)
                delay = min(2 * delay, 122.0)  # kubernetes pkg/util/goroutinemap/exponentialbackoff

    async def _stop_sidecars(self) -> None:
        """Sidecars end after the last main container has ended for good."""
        running = [one.running for one in self.records if one.role == "sidecar"]
        for record in self.records:
            if record.role == "sidecar" and record.name in self._lives:
                self._lives[record.name].cancel()
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        await asyncio.gather(*(one.stop(grace) for one in running if one is not None))
        self._note_ends()

    def _begin(self, record: Record) -> None:
        self._lives[record.name] = self._spawn(self._live(record), f"sandbox-container-{self.uid}-{record.name}")

    @staticmethod
    def _spawn(work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report)
        return task

    async def _live(self, record: Record) -> None:
        target = record.spec.get("targetContainerName")
        shared = self.record(target) if target else None
        life = ContainerLife(self, record, self._node, self._timings, shared.container_id if shared else None)
        await life.run()

    def _start_ephemeral(self) -> None:
        known = {one.name for one in self.records}
        for container in self.pod["spec"].get("ephemeralContainers", []):
            if container["name"] not in known:
                self._begin(self._add("ephemeral", container))
                self.publish()

    def _kill_after(self, seconds: float) -> None:
        for record in self.records:
            if record.running is not None:
                asyncio.get_running_loop().call_later(seconds, _kill, record.running)

    def _expire(self) -> None:
        """The pod's own deadline is over: end its processes; the object stays (transcripts/node/bare-pod-deadline)."""
        finished = all("terminated" in one.state for one in self.records if one.role == "main")
        if self._ending or (finished and self._task is not None and self._task.done()):
            return
        self._failure = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
        host = self.pod["spec"].get("nodeName", "")
        self._recorder.record(self.pod, *self._failure, component="kubelet", host=host)
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        self._end = self._spawn(self._end_processes(grace), f"sandbox-pod-deadline-{self.uid}")

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    async def _stop(self, grace_seconds: float) -> None:
        self._forget_deadline()
        await self._end_processes(grace_seconds)
        self._finish()

    async def _end_processes(self, grace_seconds: float) -> None:
        if self._task is not None:
            self._task.cancel()
        for life in self._lives.values():
            life.cancel()
        running = [one for one in self.records if one.running is not None]
        for record in running:
            self.tell("Killing", f"Stopping container {record.name}", record)
        self.publish()
        for roles in (("main", "init", "ephemeral"), ("sidecar",)):
            processes = [one.running for one in running if one.role in roles]
            await asyncio.gather(*(one.stop(grace_seconds) for one in processes if one is not None))
        self._note_ends()

    def _note_ends(self) -> None:
        for record in self.records:
            if record.running is not None and record.running.exited.done():
                record.end(record.running.exited.result())
        self.publish()

    def _finish(self) -> None:
        """Everything is dead: let the object go, unless somebody holds it by a finalizer."""
        metadata = self.pod["metadata"]
        if not self._removed and not metadata.get("finalizers"):
            try:
                if metadata.get("deletionGracePeriodSeconds"):
                    self._store.modify(POD, metadata["namespace"], metadata["name"], _no_grace)
                self._store.delete(POD, metadata["namespace"], metadata["name"])
            except StatusError:
                logger.debug("pod was gone already", extra={"uid": self.uid})
        for process in (one for record in self.records for one in (record.current, record.previous)):
            if process is not None:
                self._node.forget(process.spec.id)
        self._node.forget_folder(self.pod["spec"].get("nodeName", ""), pod_folder(self.pod))
        self._on_end(self)

    def publish(self) -> None:
        """Write the status; nothing happens when it says the same as before, or when the object is gone."""
        metadata = self.pod["metadata"]
        known = self._store.get(POD, metadata["namespace"], metadata["name"])
        if self._removed or known is None or known["metadata"]["uid"] != self.uid:
            return
        facts = PodFacts(self._host_ip, self.pod_ip, self._started_at, self._has_sandbox, self._ending, self._failure)
        status = build(known, self.records, facts)

        def write(obj: Obj) -> None:
            obj["status"] = status

        self.pod = self._store.modify(POD, metadata["namespace"], metadata["name"], write)

    def tell(self, reason: str, message: str, record: Record, *, kind: str = "Normal") -> None:
        """Write an event of the kubelet about a container."""
        host = self.pod["spec"].get("nodeName", "")
        path = record.field_path
        self._recorder.record(self.pod, reason, message, component="kubelet", host=host, kind=kind, field_path=path)


def _no_grace(obj: Obj) -> None:
    obj["metadata"]["deletionTimestamp"] = timestamp()
    obj["metadata"]["deletionGracePeriodSeconds"] = 0


def _kill(process: Process) -> None:
    if not process.exited.done():
        process.kill()


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("task of a pod failed", extra={"task": task.get_name()}, exc_info=error)
