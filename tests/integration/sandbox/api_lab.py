"""The cluster that transcripts of the API were recorded on, rebuilt in a sandbox store; and how answers are compared."""

from __future__ import annotations

import base64
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from podshell.sandbox import defaults, resources
from podshell.sandbox.rbac import MASTERS, Authority, Binding, Rule
from podshell.sandbox.server import ApiServer
from podshell.sandbox.store import Obj, ObjectStore

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
# The recorded versions start here; the config maps get 2218 to 2222 as in watch/list-paging-and-versions.
FIRST_VERSION = 2200
BEFORE_CONFIG_MAPS = 2217
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_AGE = re.compile(r"\d+[smhdy](\d+[smhdy])?")
_AGO = re.compile(r"\(\d+[smhdy](\d+[smhdy])? ago\)")
_CREATED = "2026-11-22T12:40:04Z"
_MASKED_KEYS = {"resourceVersion", "creationTimestamp", "deletionTimestamp", "uid"}


def load(name: str) -> Obj:
    """Read a transcript."""
    transcript: Obj = json.loads((TRANSCRIPTS / f"{name}.json").read_text())
    return transcript


def masked(value: Any) -> Any:
    """Replace what differs from run to run: versions, uids, times, ages; drop marks of left-out items."""
    if isinstance(value, dict):
        result = {key: "MASK" if key in _MASKED_KEYS else masked(entry) for key, entry in value.items()}
        if isinstance(value.get("continue"), str):
            result["continue"] = _token_start(value["continue"])
        return result
    if isinstance(value, list):
        return [masked(entry) for entry in value if not (isinstance(entry, str) and entry.endswith("more left out"))]
    if isinstance(value, str):
        text = _AGO.sub("(AGE ago)", _UUID.sub("UID", value))
        text = re.sub(r"(too old resource version: \d+ )\(\d+\)", r"\1(N)", text)
        text = re.sub(r"current: \d+", "current: N", text)
        return "AGE" if _AGE.fullmatch(text) else text
    return value


def _token_start(token: str) -> str:
    decoded = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    return f"continue at {decoded['start']!r}"


class Lab:
    """One server, and a client of it."""

    def __init__(self, store: ObjectStore, authority: Authority, server: ApiServer) -> None:
        self.store = store
        self.authority = authority
        self.server = server
        self._session: aiohttp.ClientSession | None = None

    async def open_client(self) -> None:
        context = ssl.create_default_context(cadata=self.server.ca_pem)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, force_close=True), auto_decompress=False)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        await self.server.stop()

    async def send(
        self,
        transcript: Obj,
        *,
        token: str = "admin",
        rewrite: Callable[[str], str] = lambda path: path,
    ) -> aiohttp.ClientResponse:
        """Send the request of a transcript; the caller reads and releases the answer."""
        assert self._session is not None
        method, path, _ = transcript["request"][0].split(" ")
        headers: list[tuple[str, str]] = []
        for line in transcript["request"][1:]:
            name, _, value = line.partition(": ")
            if name not in ("Host", "Connection", "Content-Length", "Authorization"):
                headers.append((name, value))
        headers.append(("Authorization", f"Bearer {token}"))
        body = transcript.get("request_body")
        return await self._session.request(
            method,
            URL(self.server.url + rewrite(path), encoded=True),
            headers=headers,
            data=body if body is None else body.encode(),
            skip_auto_headers=["Content-Type"],
        )


@asynccontextmanager
async def running(store: ObjectStore, authority: Authority | None = None) -> AsyncIterator[Lab]:
    """Serve a store; the user ``admin`` may do everything."""
    authority = authority or Authority()
    credential = {"authentication.kubernetes.io/credential-id": (f"X509SHA256={42:064d}",)}
    authority.add_user("admin", "admin", groups=[MASTERS], extra=credential)
    server = ApiServer(store, authority, version_wait_seconds=0.05)
    await server.start()
    lab = Lab(store, authority, server)
    try:
        await lab.open_client()
        yield lab
    finally:
        await lab.close()


def make(store: ObjectStore, resource: resources.Resource, name: str, **fields: Any) -> Obj:
    """Store an object with its defaults; ``metadata`` entries are merged in."""
    metadata = {"name": name, "creationTimestamp": _CREATED, **fields.pop("metadata", {})}
    if resource.namespaced:
        metadata.setdefault("namespace", "lab")
    obj: Obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata, **fields}
    if fields.pop("filled", True):
        defaults.fill(resource, obj)
    obj.pop("filled", None)
    return store.create(resource, obj)


def spend_to(store: ObjectStore, version: int) -> None:
    """Let the cluster reach a version, as writes elsewhere did."""
    while store.version < version:
        store.spend_version()


def config_maps() -> ObjectStore:
    """The state of watch/: five namespaces and the config maps cm-0 to cm-4, each at its recorded version."""
    store = ObjectStore(first_version=FIRST_VERSION)
    for name in ("default", "kube-node-lease", "kube-public", "kube-system", "lab"):
        make(store, resources.NAMESPACE, name)
    spend_to(store, BEFORE_CONFIG_MAPS)
    for number in range(5):
        metadata = {"labels": {"set": "list"}, "annotations": {}}
        make(store, resources.CONFIGMAP, f"cm-{number}", metadata=metadata, data={"k": str(number)})
    return store


def annotate(store: ObjectStore, name: str, value: str) -> None:
    """Set the annotation ``a`` of a config map."""

    def change(obj: Obj) -> None:
        obj["metadata"]["annotations"] = {"a": value}

    store.modify(resources.CONFIGMAP, "lab", name, change)


def label(store: ObjectStore, name: str, labels: dict[str, str] | None) -> None:
    """Set the labels of a config map."""

    def change(obj: Obj) -> None:
        obj["metadata"].pop("labels", None)
        if labels is not None:
            obj["metadata"]["labels"] = labels

    store.modify(resources.CONFIGMAP, "lab", name, change)


def change_selection(store: ObjectStore) -> None:
    """The changes made during watch/bookmarks; they take the versions 2319 to 2323."""
    spend_to(store, 2318)
    annotate(store, "cm-0", "1")
    store.delete(resources.CONFIGMAP, "lab", "cm-3")
    make(store, resources.CONFIGMAP, "cm-9")
    label(store, "cm-9", {"set": "list"})
    label(store, "cm-1", None)


_IMAGE = "localhost/busybox:1.38"


def _container_status(name: str, *, restarts: int = 0, state: Obj | None = None, ready: bool = True) -> Obj:
    status: Obj = {"name": name, "ready": ready, "restartCount": restarts}
    status["state"] = state or {"running": {"startedAt": _CREATED}}
    if restarts:
        status["lastState"] = {"terminated": {"exitCode": 1, "finishedAt": "2026-11-22T12:48:00Z"}}
    return status


def _pod(store: ObjectStore, name: str, statuses: list[Obj], phase: str, **fields: Any) -> None:
    spec: Obj = {"containers": [{"name": status["name"], "image": _IMAGE} for status in statuses]}
    if fields.get("node", True):
        spec["nodeName"] = "worker-01"
    status = {"phase": phase, "containerStatuses": statuses}
    if "ip" in fields:
        status["podIP"] = fields["ip"]
    metadata = {"annotations": {}} | fields.get("metadata", {})
    make(store, resources.POD, name, metadata=metadata, spec=spec, status=status)


def workloads() -> ObjectStore:
    """The state of table/ and of watch/selector-and-request-errors: ten pods, a deployment, a service, a node, events."""
    store = config_maps()
    counts = (("tty", 1), ("plain", 0), ("catc", 1), ("nostdin", 1))
    _pod(store, "attachme", [_container_status(n, restarts=c) for n, c in counts], "Running", ip="10.0.123.6")
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    _pod(store, "badimage", [_container_status("main", state=waiting, ready=False)], "Pending", ip="10.0.123.5")
    ended = {"terminated": {"reason": "Completed", "exitCode": 0}}
    finished = [_container_status("main", state=ended, ready=False)]
    _pod(store, "completed", finished, "Succeeded", ip="10.0.123.4")
    creating = [_container_status("main", state={"waiting": {"reason": "CreateContainerError"}}, ready=False)]
    _pod(store, "nd-ro-hosttocontainer-9m7dd", creating, "Pending", ip="192.0.2.1")
    for name in ("nd-ro-nwnfp", "nd-ro-rro-enabled-mvfxl", "nd-ro-rro-ifpossible-c68p4"):
        _pod(store, name, [_container_status("main")], "Running", ip="192.0.2.1")
    _pod(store, "node-debugger-worker-01-j647n", finished, "Succeeded", ip="192.0.2.1")
    _pod(store, "pending", [_container_status("main", ready=False)], "Pending", node=False)
    two = load("table/pods-includeobject-object")["body"]["rows"][0]["object"]
    store.create(resources.POD, {key: value for key, value in two.items() if key != "metadata"} | {
        "metadata": {key: two["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
        | {"creationTimestamp": _CREATED}
    })  # fmt: skip
    return store


def bump_generation(store: ObjectStore, name: str) -> None:
    """Let a pod have been changed once, as the recorded one was."""

    def change(pod: Obj) -> None:
        pod["spec"]["priority"] = 1

    store.modify(resources.POD, "lab", name, change)


def add_node(store: ObjectStore) -> None:
    """The node of table/nodes."""
    metadata = dict(load("table/nodes")["body"]["rows"][0]["object"]["metadata"])
    kept = {key: metadata[key] for key in ("labels", "annotations")}
    info = {
        "architecture": "amd64",
        "kubeletVersion": "v1.36.2",
        "osImage": "Debian GNU/Linux 12 (bookworm)",
        "kernelVersion": "6.12.48-generic",
        "containerRuntimeVersion": "containerd://2.1.9+unknown",
    }
    status = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}, {"type": "Hostname", "address": "worker-01"}],
        "nodeInfo": info,
    }
    make(store, resources.NODE, "worker-01", metadata=kept, status=status)


def add_deployment(store: ObjectStore) -> None:
    """The deployment and the service of table/."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": _IMAGE}]}}
    make(
        store,
        resources.DEPLOYMENT,
        "web",
        metadata={"annotations": {"deployment.kubernetes.io/revision": "1"}},
        spec={"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        status={"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
    )
    spec = {"clusterIP": "10.96.111.111", "ports": [{"port": 80}], "selector": {"app": "web"}}
    make(store, resources.SERVICE, "web", metadata={"annotations": {}}, spec=spec)


def add_events(store: ObjectStore) -> None:
    """The 159 events of table/events; the first two as recorded."""
    involved = {"kind": "Pod", "namespace": "lab", "name": "attachme"}
    rows = load("table/events")["body"]["rows"]
    make(
        store,
        resources.EVENT,
        rows[0]["cells"][-1],
        involvedObject=involved,
        type="Normal",
        reason="Scheduled",
        message=rows[0]["cells"][6],
        eventTime=_CREATED,
        reportingComponent="default-scheduler",
        reportingInstance="default-scheduler-cp",
    )
    make(
        store,
        resources.EVENT,
        rows[1]["cells"][-1],
        involvedObject=involved,
        type="Warning",
        reason="MissingClusterDNS",
        message=rows[1]["cells"][6],
        source={"component": "kubelet", "host": "worker-01"},
        firstTimestamp=_CREATED,
        lastTimestamp=_CREATED,
        count=56,
    )
    for number in range(157):
        make(store, resources.EVENT, f"two.{number:016x}", involvedObject=involved, reason="Pulled", message="")


def service_accounts() -> Authority:
    """The users of auth/ and rbac/: none, getonly, both in lab; gate in lab2, which may impersonate."""
    authority = Authority()
    for namespace, name in (("lab", "none"), ("lab", "getonly"), ("lab", "both"), ("lab2", "gate")):
        uid = "00000000-0000-4000-8000-000000000243"
        extra = {"authentication.kubernetes.io/credential-id": (f"JTI={uid[:-1]}4",)}
        authority.add_user(f"system:serviceaccount:{namespace}:{name}", name, uid=uid, extra=extra)
    streams = ("pods/exec", "pods/attach")
    pods = Rule(("get", "list"), ("",), ("pods",))
    getonly = (Rule(("get",), ("",), streams), pods)
    both = (Rule(("get", "create"), ("",), streams), pods)
    authority.bind(Binding("getonly", "ServiceAccount", "lab/getonly", getonly, "lab"))
    authority.bind(Binding("both", "ServiceAccount", "lab/both", both, "lab"))
    impersonate = (
        Rule(("impersonate",), ("",), ("users",), ("alice",)),
        Rule(("impersonate",), ("",), ("groups",), ("dev",)),
        Rule(("impersonate",), ("authentication.k8s.io",), ("userextras/scopes",)),
    )
    authority.bind(Binding("lab-imp", "ServiceAccount", "lab2/gate", impersonate))
    every = ("get", "list", "watch", "create", "update", "patch", "delete")
    edit = (Rule(every, ("",), ("pods", "pods/exec", "pods/attach", "pods/log")),)
    authority.bind(Binding("dev-edit", "Group", "dev", edit, "lab2", "edit", "ClusterRole"))
    return authority
