"""One sandbox cluster: API server, store, controllers, kubelet and container runtime, put together.

Owns all of them for its life: `start` brings them up and puts the content in, `stop` ends every process and every connection. Also useful
as an async context manager. What tests need to interfere with is public: `store`, `server` (and its `admission`), `runtime`, `faults`,
`node_faults`, `authority`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

import yaml

from podshell.sandbox import podsecurity, users
from podshell.sandbox.content import Content, full_content
from podshell.sandbox.content.load import load_pods
from podshell.sandbox.content.shop import WORKER
from podshell.sandbox.controllers.daemonsets import DaemonSets
from podshell.sandbox.controllers.deployments import Deployments
from podshell.sandbox.controllers.endpointslices import EndpointSlices
from podshell.sandbox.controllers.garbage import GarbageCollector
from podshell.sandbox.controllers.jobs import Jobs
from podshell.sandbox.controllers.loop import ControlLoop
from podshell.sandbox.controllers.owners import delete_pod, is_ready
from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.controllers.replicasets import ReplicaSets
from podshell.sandbox.controllers.scheduler import Scheduler
from podshell.sandbox.controllers.statefulsets import StatefulSets
from podshell.sandbox.defaults import fill
from podshell.sandbox.finder import PodFinder
from podshell.sandbox.kubeconfigs import Access, kubeconfig, write_kubeconfig
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.kubelet.faults import NodeFaults
from podshell.sandbox.kubelet.kubelet import Kubelet
from podshell.sandbox.rbac import MASTERS, Authority, Binding, Rule
from podshell.sandbox.resources import DEPLOYMENT, NAMESPACE, NODE, POD, by_kind
from podshell.sandbox.runtime import Runtime
from podshell.sandbox.server import ApiServer
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent
from podshell.sandbox.streams import Faults, Streams

ContentMaker = Callable[[str, str], Content]


class SandboxCluster:
    """A cluster named `name` whose container files live below `folder`.

    `content` makes the objects from the cluster's name and the kubelet version; `scale_pods` adds so many pods without processes.
    `timings` are the kubelet's delays (tests shorten them); `isolated` False forces plain processes instead of namespaces.
    """

    def __init__(
        self,
        name: str,
        *,
        folder: Path,
        scale_pods: int = 0,
        server_version: tuple[int, int] = (1, 36),
        content: ContentMaker = full_content,
        timings: Timings | None = None,
        isolated: bool | None = None,
    ) -> None:
        self.name = name
        self.store = ObjectStore(first_version=1000)
        # RBAC asks for create beside get on streams from 1.35 on (kubernetes.md 1.5).
        self.authority = Authority(create_for_streams=server_version >= (1, 35))
        self.server = ApiServer(self.store, self.authority, server_version=server_version)
        self.runtime = Runtime(folder, isolated=isolated)
        self.faults = Faults()
        self.recorder = EventRecorder(self.store)
        self.node_faults = NodeFaults()
        self.kubelet = Kubelet(self.store, self.recorder, self.runtime, timings, self.node_faults)
        finder = PodFinder(self.store, self.kubelet, self.runtime)
        Streams(self.runtime, finder, self.faults).register(self.server)
        self._controllers = ControlLoop(self.store, self._make_controllers())
        self._folder = folder
        self._scale_pods = scale_pods
        self._content = content(name, f"v{server_version[0]}.{server_version[1]}.2")
        self._tokens: dict[str, str] = {}
        self.add_user(users.ADMIN, secrets.token_urlsafe(24), groups=(MASTERS,))
        for name in (users.AGENT, users.DEVELOPER, users.OPERATOR, users.ATTACHER, users.VIEWER):
            self.add_user(name, secrets.token_urlsafe(24))
        for binding in (*users.agent_bindings(), *users.people_bindings()):
            self.authority.bind(binding)

    async def start(self, port: int = 0) -> None:
        """Bring the cluster up on loopback; its pods go on starting after this returns (`settle` waits for them).

        Raises:
            OSError: the port is taken, or the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        await self.server.start(port)
        await self.runtime.start()
        self._controllers.subscribe()
        for obj in self._content.objects:
            self._create(obj)
        if self._scale_pods:
            self._create_load()
        await self._controllers.start()
        await self.kubelet.start()
        self._end_when_running(self._content.terminating)
        self._roll_out_when_available(self._content.rollouts)

    async def stop(self) -> None:
        """Drop every connection and end every process."""
        await self.server.stop()
        await self._controllers.stop()
        await self.kubelet.stop()
        await self.runtime.stop()

    async def settle(self, seconds: float = 20.0) -> None:
        """Wait until every pod has reached what it is going to be: ready, finished, crashing, unschedulable or stuck with its image.

        Raises:
            TimeoutError: it took longer than `seconds`.
        """
        settled = asyncio.Event()
        settled.set()  # a cluster without pods is settled
        unsettled: set[str] = set()

        def look(pod: Obj, *, gone: bool = False) -> None:
            uid = pod["metadata"]["uid"]
            (unsettled.discard if gone or _is_settled(pod) else unsettled.add)(uid)
            settled.clear() if unsettled else settled.set()

        def on_change(event: WatchEvent) -> None:
            if event.resource == POD:
                look(event.obj, gone=event.type == "DELETED")

        unsubscribe = self.store.listen(on_change)
        try:
            async with asyncio.timeout(seconds):
                await self._controllers.idle()  # every workload has its pods now
                for pod in self.store.list(POD):
                    look(pod)
                await settled.wait()
                while not self._controllers.is_idle:  # a pod that became ready may let a controller make the next one
                    await self._controllers.idle()
                    await settled.wait()
        finally:
            unsubscribe()

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def ca_pem(self) -> str:
        return self.server.ca_pem

    def token(self, user: str = users.ADMIN) -> str:
        return self._tokens[user]

    def add_user(
        self, name: str, token: str, rules: Iterable[Rule] = (), *, namespace: str | None = None, groups: Iterable[str] = ()
    ) -> None:
        """Let a token stand for a user; `rules` are bound under the user's name (`authority.unbind(name)` takes them back)."""
        self.authority.add_user(name, token, groups=groups)
        self._tokens[name] = token
        if given := tuple(rules):
            self.authority.bind(Binding(name, "User", name, given, namespace))

    def access(self, user: str = users.ADMIN) -> Access:
        """How a user reaches this cluster. Known after `start`."""
        return Access(self.name, self.url, self.ca_pem, user, self._tokens[user])

    def kubeconfig(self, user: str = users.ADMIN) -> str:
        """A kubeconfig as YAML text."""
        return yaml.safe_dump(kubeconfig([self.access(user)]), sort_keys=False)

    def write_kubeconfig(self, path: Path, user: str = users.ADMIN) -> None:
        """Write a kubeconfig with mode 0600."""
        write_kubeconfig(path, [self.access(user)])

    async def __aenter__(self) -> SandboxCluster:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    def _make_controllers(
        self,
    ) -> list[Scheduler | Deployments | ReplicaSets | StatefulSets | DaemonSets | Jobs | EndpointSlices | GarbageCollector]:
        store, recorder = self.store, self.recorder
        return [
            Scheduler(store, recorder),
            Deployments(store, recorder),
            ReplicaSets(store, recorder),
            StatefulSets(store, recorder),
            DaemonSets(store, recorder),
            Jobs(store, recorder, self._admit_pod),
            EndpointSlices(store),
            GarbageCollector(store),
        ]

    def _admit_pod(self, pod: Obj) -> None:
        """Judge a controller's pod as the API server would.

        Raises: StatusError 403.
        """
        namespace = self.store.get(NAMESPACE, None, pod["metadata"]["namespace"]) or {}
        podsecurity.admit(POD, pod, namespace.get("metadata", {}).get("labels") or {})
        self.server.admission.admit(POD, "", pod, create=True)

    def _create(self, obj: Obj) -> None:
        resource = by_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            raise ValueError(f"the content has an object of an unknown kind: {obj['apiVersion']} {obj['kind']}")
        fill(resource, obj)
        self.store.create(resource, obj)

    def _create_load(self) -> None:
        node = self.store.get(NODE, None, WORKER)
        address = node["status"]["addresses"][0]["address"] if node is not None else "192.0.2.11"
        for obj in load_pods(self._scale_pods, WORKER, address):
            self._create(obj)

    def _roll_out_when_available(self, rollouts: Iterable[tuple[str, str, str]]) -> None:
        """Give Deployments a new image as soon as they are available."""
        waiting = {(namespace, name): image for namespace, name, image in rollouts}
        if not waiting:
            return

        def roll_out(namespace: str, name: str, image: str) -> None:
            def change(obj: Obj) -> None:
                obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

            self.store.modify(DEPLOYMENT, namespace, name, change)

        def look(event: WatchEvent) -> None:
            metadata = event.obj["metadata"]
            key = (metadata.get("namespace", ""), metadata["name"])
            if event.resource == DEPLOYMENT and key in waiting and _available(event.obj):
                asyncio.get_running_loop().call_soon(roll_out, *key, waiting.pop(key))
            if not waiting:
                unsubscribe()

        unsubscribe = self.store.listen(look)

    def _end_when_running(self, names: Iterable[tuple[str, str]]) -> None:
        """Delete pods as soon as they run, so that they are there as Terminating."""
        waiting = set(names)
        if not waiting:
            return

        def look(event: WatchEvent) -> None:
            metadata = event.obj["metadata"]
            key = (metadata.get("namespace", ""), metadata["name"])
            if event.resource == POD and key in waiting and is_ready(event.obj):
                waiting.discard(key)
                asyncio.get_running_loop().call_soon(delete_pod, self.store, event.obj)
            if not waiting:
                unsubscribe()

        unsubscribe = self.store.listen(look)


def _available(deployment: Obj) -> bool:
    return bool((deployment.get("status") or {}).get("availableReplicas") == deployment["spec"].get("replicas", 1))


_SETTLED = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})


def _is_settled(pod: Obj) -> bool:
    status = pod["status"]
    if is_ready(pod) or status.get("phase") in ("Succeeded", "Failed") or "deletionTimestamp" in pod["metadata"]:
        return True
    if any(one.get("reason") == "Unschedulable" for one in status.get("conditions", [])):
        return True
    states = [one["state"] for one in status.get("containerStatuses", [])]
    if any(one.get("waiting", {}).get("reason") in _SETTLED for one in states):
        return True
    # All of them "running" without ready is the pod on the lost node: nothing there will change.
    return bool(states) and all("running" in one for one in states)
