"""Calls over the link: method names, parameters and answers (spec/link.md 6). The bodies are msgpack of these structs."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from podshell.wire.errors import Refusal
from podshell.wire.messages import Id, Name, Size, Text

SESSION_OPEN = "session.open"  # grant: open
SESSION_CLOSE = "session.close"  # grant: close
INVENTORY_WATCH = "inventory.watch"  # grant: view; answers with InventoryBatch events until cancelled
INVENTORY_POD = "inventory.pod"  # grant: view


class Predecessor(Struct, frozen=True, omit_defaults=True):
    """The shell that a restarted session had before, so that the new agent can end what is left of it (kubernetes.md 3)."""

    pod_uid: Name
    container: Name
    sid: int = 0  # session id inside the container; 0 when it never got that far
    start_ticks: int = 0  # field 22 of /proc/SID/stat
    nonce: Annotated[str, Meta(max_length=64)] = ""


class OpenSession(Struct, frozen=True, omit_defaults=True):
    """Parameters of session.open; the grant's options_sha256 is `options_digest` of these bytes."""

    session: Id
    kind: Annotated[str, Meta(max_length=16)]  # exec
    namespace: Name
    pod: Name
    user: Name
    container: Name = ""  # may be empty only when the pod has one
    command: Annotated[list[Text], Meta(max_length=256)] = []  # empty: choose a shell
    tty: bool = True
    stdin: bool = True
    cols: Size = 80
    rows: Size = 24
    idle_timeout_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 300.0  # 0: never
    output_is_activity: bool = False
    record: bool = False
    reason: Text = ""
    incarnation: int = 1
    predecessor: Predecessor | None = None


class OpenedSession(Struct, frozen=True, omit_defaults=True):
    """The agent has accepted the session; its shell opens afterwards."""

    session: Id
    container: Name
    pod_uid: Name
    node: Name = ""


class CloseSession(Struct, frozen=True, omit_defaults=True):
    session: Id
    reason: Annotated[str, Meta(max_length=32)] = "closed"  # closed | revoked | ...
    message: Text = ""


class WatchInventory(Struct, frozen=True, omit_defaults=True):
    kind: Annotated[str, Meta(max_length=32)]  # pods | nodes | namespaces | services | workloads
    namespace: Name = ""


class ContainerRow(Struct, frozen=True, omit_defaults=True):
    """One container of a pod. `role`: container, init, sidecar, ephemeral. `state`: running, waiting, terminated, unknown."""

    name: str
    role: str = "container"
    image: str = ""
    state: str = "unknown"
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    ready: bool = False
    restarts: int = 0
    started_at: str = ""


class PodRow(Struct, frozen=True, omit_defaults=True):
    """A pod as lists show it. `status` is what kubectl prints (Running, CrashLoopBackOff, Terminating, ...).

    `shell_refusal` empty: a shell can be opened now; else why not, as one sentence.
    """

    uid: str
    namespace: str
    name: str
    phase: str
    status: str
    ready: str  # "1/2"
    restarts: int
    created_at: str  # RFC 3339
    node: str = ""
    ip: str = ""
    owner_kind: str = ""
    owner: str = ""
    labels: dict[str, str] = {}
    containers: list[ContainerRow] = []
    default_container: str = ""
    os: str = "linux"
    shell_refusal: str = ""


class NodeRow(Struct, frozen=True, omit_defaults=True):
    uid: str
    name: str
    status: str
    created_at: str
    roles: list[str] = []
    version: str = ""
    os: str = "linux"
    labels: dict[str, str] = {}
    taints: list[str] = []
    conditions: list[str] = []


class NamespaceRow(Struct, frozen=True, omit_defaults=True):
    uid: str
    name: str
    status: str
    created_at: str
    pod_security: str = ""


class ServiceRow(Struct, frozen=True, omit_defaults=True):
    uid: str
    namespace: str
    name: str
    type: str
    created_at: str
    cluster_ip: str = ""
    ports: list[str] = []
    selector: dict[str, str] = {}


class WorkloadRow(Struct, frozen=True, omit_defaults=True):
    """A Deployment, StatefulSet, DaemonSet or Job."""

    uid: str
    kind: str
    namespace: str
    name: str
    created_at: str
    ready: int = 0
    desired: int = 0
    images: list[str] = []
    labels: dict[str, str] = {}
    selector: dict[str, str] = {}


class InventoryBatch(Struct, frozen=True, omit_defaults=True):
    """Changes of a subscription, in order. The first batches carry what exists; `complete` ends them. `set` is a list of row structs."""

    set: msgspec.Raw = msgspec.Raw(b"\x90")
    removed: list[str] = []  # uids
    complete: bool = False
    refusal: Refusal | None = None  # the agent may not list this kind, or cannot now; more batches may follow
    reset: bool = False  # forget what came before


ROW_TYPES: dict[str, type[PodRow] | type[NodeRow] | type[NamespaceRow] | type[ServiceRow] | type[WorkloadRow]] = {
    "pods": PodRow,
    "nodes": NodeRow,
    "namespaces": NamespaceRow,
    "services": ServiceRow,
    "workloads": WorkloadRow,
}


class PodQuery(Struct, frozen=True):
    namespace: Name
    pod: Name


def options_digest(params: bytes | msgspec.Raw) -> bytes:
    """SHA-256 of a call's parameter bytes, as Grant.options_sha256 binds them."""
    return hashlib.sha256(bytes(params)).digest()
