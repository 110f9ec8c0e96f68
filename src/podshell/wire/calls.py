"""Calls over the link: method names, parameters and answers (spec/link.md 6). The bodies are msgpack of these structs."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from podshell.wire.errors import MAX_TEXT, Refusal, Text, clip_text
from podshell.wire.messages import Count, Id, Name, Size
from podshell.wire.tools import DebugRequest, MadeContainer

SESSION_OPEN = "session.open"  # grant: open
SESSION_CLOSE = "session.close"  # grant: close
INVENTORY_WATCH = "inventory.watch"  # grant: view; answers with InventoryBatch events until cancelled
INVENTORY_POD = "inventory.pod"  # grant: view
POD_DELETE = "pod.delete"  # grant: delete
DEBUG_PLAN = "debug.plan"  # grant: plan; answers with DebugPlan (tools.py)


# Images, versions, times, taints: one line each.
Line = Annotated[str, Meta(max_length=1024)]
Labels = Annotated[dict[Annotated[str, Meta(max_length=320)], Annotated[str, Meta(max_length=253)]], Meta(max_length=4096)]


class Predecessor(Struct, frozen=True, omit_defaults=True):
    """The shell that a restarted session had before: the new agent ends what is left of it (kubernetes.md 3), or goes on with it.

    It goes on with a shell that is held (`made.held`): `holder` names it inside its container.
    """

    pod_uid: Name
    container: Name
    sid: Count = 0  # session id inside the container; 0 when it never got that far
    start_ticks: Count = 0  # field 22 of /proc/SID/stat
    nonce: Annotated[str, Meta(max_length=64)] = ""
    holder: Annotated[str, Meta(max_length=128)] = ""
    made: MadeContainer | None = None  # debug and node sessions: what was made for them


class OpenSession(Struct, frozen=True, omit_defaults=True):
    """Parameters of session.open; the grant's options_sha256 is `options_digest` of these bytes."""

    session: Id
    kind: Annotated[str, Meta(max_length=16)]  # exec | debug | node
    namespace: Name  # empty for a node session, as is `pod`
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
    incarnation: Count = 1
    predecessor: Predecessor | None = None
    node: Name = ""  # of a node session
    debug: DebugRequest | None = None  # of a debug or node session


class OpenedSession(Struct, frozen=True, omit_defaults=True):
    """The agent has accepted the session; its shell opens afterwards.

    `container` is empty for a debug or node session: it is made afterwards, and the fact `made` tells of it.
    """

    session: Id
    container: Name
    pod_uid: Name
    node: Name = ""


class PlanDebug(Struct, frozen=True, omit_defaults=True):
    """Parameters of debug.plan: what a session of this kind would make. The grant's options_sha256 binds these bytes; nothing is made."""

    kind: Annotated[str, Meta(max_length=16)]  # debug | node
    user: Name
    debug: DebugRequest
    namespace: Name = ""
    pod: Name = ""
    node: Name = ""


class CloseSession(Struct, frozen=True, omit_defaults=True):
    session: Id
    reason: Annotated[str, Meta(max_length=32)] = "closed"  # closed | revoked | ...
    message: Text = ""


class WatchInventory(Struct, frozen=True, omit_defaults=True):
    """What to follow: a list, or closely one object: `pod` (rows: PodDetails) and `events` of one object (rows: EventRow; details.py).

    `name` and, for events, `object_kind` (Pod, Deployment, Node, ...) say which object.
    """

    kind: Annotated[str, Meta(max_length=32)]  # pods | nodes | namespaces | services | workloads | pod | events
    namespace: Name = ""
    name: Name = ""
    object_kind: Annotated[str, Meta(max_length=32)] = ""


class ContainerRow(Struct, frozen=True, omit_defaults=True):
    """One container of a pod. `role`: container, init, sidecar, ephemeral. `state`: running, waiting, terminated, unknown."""

    name: Line
    role: Line = "container"
    image: Line = ""
    state: Line = "unknown"
    reason: Line = ""
    message: Text = ""
    exit_code: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | None = None
    ready: bool = False
    restarts: Count = 0
    started_at: Line = ""

    def __post_init__(self) -> None:
        if len(self.message) > MAX_TEXT:  # a termination message has up to 12 KiB
            force_setattr(self, "message", clip_text(self.message))


class PodRow(Struct, frozen=True, omit_defaults=True):
    """A pod as lists show it. `status` is what kubectl prints (Running, CrashLoopBackOff, Terminating, ...).

    `shell_refusal` empty: a shell can be opened now; else why not, as one sentence.
    """

    uid: Line
    namespace: Line
    name: Line
    phase: Line
    status: Line
    ready: Line  # "1/2"
    restarts: Count
    created_at: Line  # RFC 3339
    node: Line = ""
    ip: Line = ""
    owner_kind: Line = ""
    owner: Line = ""
    owner_uid: Line = ""  # of `owner`: the pods of a workload are those with its uid here
    labels: Labels = {}
    containers: Annotated[list[ContainerRow], Meta(max_length=1024)] = []
    default_container: Line = ""
    os: Line = "linux"
    shell_refusal: Text = ""


class NodeRow(Struct, frozen=True, omit_defaults=True):
    """A node. `status` is what kubectl prints; `reason` says why it is not ready. `pressure`: MemoryPressure and the like that hold.

    `pods`: how many are on it and have not ended.
    """

    uid: Line
    name: Line
    status: Line
    created_at: Line
    roles: Annotated[list[Line], Meta(max_length=1024)] = []
    version: Line = ""
    os: Line = "linux"
    labels: Labels = {}
    taints: Annotated[list[Line], Meta(max_length=1024)] = []
    conditions: Annotated[list[Line], Meta(max_length=1024)] = []
    reason: Text = ""
    unschedulable: bool = False
    pressure: Annotated[list[Line], Meta(max_length=64)] = []
    pods: Count = 0
    runtime: Line = ""
    os_image: Line = ""
    kernel: Line = ""
    architecture: Line = ""
    addresses: Annotated[list[Line], Meta(max_length=64)] = []  # "InternalIP 192.0.2.11"


class NamespaceRow(Struct, frozen=True, omit_defaults=True):
    uid: Line
    name: Line
    status: Line
    created_at: Line
    pod_security: Line = ""


class ServiceRow(Struct, frozen=True, omit_defaults=True):
    uid: Line
    namespace: Line
    name: Line
    type: Line
    created_at: Line
    cluster_ip: Line = ""
    ports: Annotated[list[Line], Meta(max_length=1024)] = []
    selector: Labels = {}


class WorkloadRow(Struct, frozen=True, omit_defaults=True):
    """A Deployment, StatefulSet, DaemonSet or Job.

    `health`: healthy, progressing or unhealthy, with one sentence (agent/health.py). `pods`: how many it has, being deleted or not.
    """

    uid: Line
    kind: Line
    namespace: Line
    name: Line
    created_at: Line
    ready: Count = 0
    desired: Count = 0
    images: Annotated[list[Line], Meta(max_length=1024)] = []
    labels: Labels = {}
    selector: Labels = {}
    health: Line = ""
    reason: Text = ""
    updated: Count = 0
    pods: Count = 0
    paused: bool = False


class InventoryBatch(Struct, frozen=True, omit_defaults=True):
    """Changes of a subscription, in order. The first batches carry what exists; `complete` ends them. `set` is a list of row structs."""

    set: msgspec.Raw = msgspec.Raw(b"\x90")
    removed: Annotated[list[Line], Meta(max_length=100_000)] = []  # uids
    complete: bool = False
    refusal: Refusal | None = None  # of now: the agent may not list this kind, or cannot; gone from the next batch once it can
    reset: bool = False  # forget what came before


class PodQuery(Struct, frozen=True):
    namespace: Name
    pod: Name


class DeletePod(Struct, frozen=True, omit_defaults=True):
    """Parameters of pod.delete; the grant's options_sha256 binds them. `uid` empty: whichever pod has that name.

    `grace_seconds` None: what the pod says. 0 takes it off the API server at once, without waiting for its node.
    """

    namespace: Name
    pod: Name
    uid: Name = ""
    grace_seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None


class DeletedPod(Struct, frozen=True):
    """The API server took the deletion; the pod goes when its containers have stopped."""

    namespace: Name
    pod: Name


class ReadLogs(Struct, frozen=True, omit_defaults=True):
    """Parameters of an ATTACH with the role `logs`: which log, and which part of it. The grant's options_sha256 binds these bytes.

    `container` may be empty only when the pod has one. `previous`: of the run before the last restart. `tail_lines` and `since_seconds`
    None: from the beginning.
    """

    namespace: Name
    pod: Name
    container: Name = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: Count | None = None
    since_seconds: Annotated[int, Meta(ge=1, le=2**31)] | None = None


def options_digest(params: bytes | msgspec.Raw) -> bytes:
    """SHA-256 of a call's parameter bytes, as Grant.options_sha256 binds them."""
    return hashlib.sha256(bytes(params)).digest()
