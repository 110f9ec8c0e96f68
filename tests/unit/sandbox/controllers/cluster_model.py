"""A store with all controllers and a stand-in for the kubelet: pods become ready, or not, when the test says so. No clock, no asyncio."""

from podshell.sandbox.content.nodes import node
from podshell.sandbox.controllers.daemonsets import DaemonSets
from podshell.sandbox.controllers.deployments import Deployments
from podshell.sandbox.controllers.endpointslices import EndpointSlices
from podshell.sandbox.controllers.garbage import GarbageCollector
from podshell.sandbox.controllers.jobs import Jobs
from podshell.sandbox.controllers.loop import ControlLoop
from podshell.sandbox.controllers.owners import is_ready
from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.controllers.replicasets import ReplicaSets
from podshell.sandbox.controllers.scheduler import Scheduler
from podshell.sandbox.controllers.statefulsets import StatefulSets
from podshell.sandbox.resources import EVENT, NODE, POD, by_kind
from podshell.sandbox.store import Obj, ObjectStore


class ClusterModel:
    def __init__(self) -> None:
        self.store = ObjectStore()
        recorder = EventRecorder(self.store)
        kinds = (Scheduler, Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs)
        controllers = [kind(self.store, recorder) for kind in kinds]
        self.loop = ControlLoop(self.store, [*controllers, EndpointSlices(self.store), GarbageCollector(self.store)])
        self.loop.subscribe()
        self.store.create(NODE, node("worker-1", "192.0.2.11", version="v1.36.2"))

    def create(self, obj: Obj) -> Obj:
        made = self.store.create(by_kind(obj["apiVersion"], obj["kind"]), obj)
        self.loop.run_until_idle()
        return made

    def pods(self) -> list[Obj]:
        """Pods that are not being deleted."""
        return [one for one in self.store.list(POD) if "deletionTimestamp" not in one["metadata"]]

    def leaving(self) -> list[Obj]:
        return [one for one in self.store.list(POD) if "deletionTimestamp" in one["metadata"]]

    def report(self, pod: Obj, phase: str = "Running") -> None:
        """Act as the kubelet: report a pod as ready, or as finished."""

        def write(obj: Obj) -> None:
            ready = "True" if phase == "Running" else "False"
            obj["status"] |= {"phase": phase, "podIP": "10.244.0.9", "conditions": [{"type": "Ready", "status": ready}]}

        self.store.modify(POD, pod["metadata"]["namespace"], pod["metadata"]["name"], write)
        self.loop.run_until_idle()

    def bury(self) -> None:
        """Act as the kubelet: the pods that are being deleted are gone."""
        for pod in self.leaving():
            self.store.delete(POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.loop.run_until_idle()

    def run_all(self) -> None:
        """Report pods as ready and bury others until nothing changes any more."""
        for _ in range(100):
            waiting = [one for one in self.pods() if one["spec"].get("nodeName") and not is_ready(one)]
            if not waiting and not self.leaving():
                return
            if waiting:
                self.report(waiting[0])
            self.bury()
        raise AssertionError("the cluster does not come to rest")

    def change(self, obj: Obj, **spec: object) -> None:
        resource = by_kind(obj["apiVersion"], obj["kind"])
        names = obj["metadata"]["namespace"], obj["metadata"]["name"]
        self.store.modify(resource, *names, change=lambda one: one["spec"].update(spec))
        self.loop.run_until_idle()

    def now(self, obj: Obj) -> Obj:
        found = self.store.get(by_kind(obj["apiVersion"], obj["kind"]), obj["metadata"]["namespace"], obj["metadata"]["name"])
        assert found is not None
        return found

    def events(self, name: str) -> list[tuple[str, str]]:
        """Reasons and messages of the events about an object, oldest first."""
        about = [one for one in self.store.list(EVENT) if one["involvedObject"]["name"] == name]
        return [(one["reason"], one["message"]) for one in sorted(about, key=lambda one: int(one["metadata"]["resourceVersion"]))]
