"""What the HTTP surface says (spec/api.md): one msgspec struct per JSON body, with a limit on every field that comes in.

The structs are the source of the OpenAPI schemas (openapi.py), so the console's types are generated from them. Answers have no
optional fields of their own; rows that come from an agent (wire/calls.py) omit what is empty.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from podshell.wire.calls import NamespaceRow, NodeRow, PodRow, ServiceRow, WorkloadRow
from podshell.wire.details import EventRow, PodDetails
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.messages import End, Size
from podshell.wire.tools import DebugRequest, MadeContainer

# RFC 1123 labels and subdomains, as the API server checks them (kubernetes apimachinery pkg/util/validation).
LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

Label = Annotated[str, Meta(min_length=1, max_length=63, pattern=LABEL_PATTERN)]
Subdomain = Annotated[str, Meta(min_length=1, max_length=253, pattern=SUBDOMAIN_PATTERN)]
OptionalLabel = Annotated[str, Meta(max_length=63, pattern=rf"^$|{LABEL_PATTERN}")]
OptionalSubdomain = Annotated[str, Meta(max_length=253, pattern=rf"^$|{SUBDOMAIN_PATTERN}")]
# A cluster's name is ours: what a kubeconfig context may be called, without spaces and control characters.
ClusterLabel = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$")]
Secret = Annotated[str, Meta(min_length=1, max_length=256)]


class ErrorDetail(Struct, frozen=True):
    """One refusal or failure: what, by whom, and what to do next. `retry_after_ms` set: trying again then can help."""

    code: ErrorCode
    refused_by: RefusedBy
    message: str
    next_step: str
    details: dict[str, str | list[str]]
    retry_after_ms: int | UnsetType = UNSET


class ErrorBody(Struct, frozen=True):
    """The body of every answer with status 400 or higher."""

    error: ErrorDetail


class SigninBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The secret from the fragment of a one-time sign-in link."""

    secret: Secret


class User(Struct, frozen=True):
    name: str
    role: str


class SignedIn(Struct, frozen=True):
    """`page_token` goes into the header X-Podshell-Token of every state-changing call."""

    user: User
    page_token: str


class GatewayInfo(Struct, frozen=True):
    version: str
    replica: str
    cookie: str
    started_at: datetime


class Me(Struct, frozen=True):
    user: User
    page_token: str
    gateway: GatewayInfo
    idle_timeout_seconds: float


class AgentInstance(Struct, frozen=True):
    instance: str
    epoch: str
    version: str
    draining: bool
    connected_at: datetime


class Cluster(Struct, frozen=True):
    name: str
    state: Literal["online", "offline"]
    kubernetes_version: str
    agents: list[AgentInstance]
    ceiling: dict[str, bool]
    label: str
    colour: str


class ClusterBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A cluster to enrol. `label` and `colour` stay as they are where they are left out; "" takes them away."""

    name: ClusterLabel
    label: Annotated[str, Meta(max_length=64)] | None = None
    colour: Annotated[str, Meta(max_length=32)] | None = None


class Enrolment(Struct, frozen=True):
    """A one-time token with which one agent can join a cluster."""

    cluster: str
    token: str
    expires_at: datetime


SessionKind = Literal["exec", "debug", "node"]


class DebugOptions(DebugRequest, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The options of a debug or node session; what is left out is the default of the cluster's agent (wire/tools.py)."""


class OpenSessionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which shell to open. `command` empty: choose a shell.

    `exec`: in a running container; `container` may be empty only when the pod has one. `debug`: in a tools container in `pod`. `node`: in a
    tools pod on `node`, without namespace and pod. Which fields belong to which kind: openings.py.
    """

    cluster: ClusterLabel
    namespace: OptionalLabel = ""
    pod: OptionalSubdomain = ""
    container: OptionalLabel = ""
    kind: SessionKind = "exec"
    node: OptionalSubdomain = ""
    debug: DebugOptions | None = None
    command: Annotated[list[Annotated[str, Meta(max_length=4096)]], Meta(max_length=256)] = []
    tty: bool = True
    stdin: bool = True
    cols: Size = 80
    rows: Size = 24
    reason: Annotated[str, Meta(max_length=1024)] = ""


SessionState = Literal["opening", "running", "restarting", "ended"]


class Session(Struct, frozen=True):
    """`node`: of a node session the node asked for, of others that of the pod, once it is known. `debug`: what was asked for, of debug and
    node sessions; `made`: the container that was made for it, once it is there. Both leave out what is empty."""

    id: str
    kind: SessionKind
    state: SessionState
    cluster: str
    namespace: str
    pod: str
    container: str
    command: list[str]
    tty: bool
    user: str
    reason: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    end: End | None
    epoch: str
    incarnation: int
    idle_timeout_seconds: float
    recorded: bool
    node: str
    debug: DebugRequest | None
    made: MadeContainer | None


class OpenedSession(Struct, frozen=True):
    """`ticket` opens one terminal socket of this session until `expires_at`."""

    session: Session
    ticket: str
    expires_at: datetime


class Ticket(Struct, frozen=True):
    ticket: str
    expires_at: datetime


class TicketBody(Struct, frozen=True, forbid_unknown_fields=True):
    purpose: Literal["live"]


class AuditRow(Struct, frozen=True):
    """One row of the audit. `hash` covers the row and `previous_hash`, so that no row can be changed or taken out unseen."""

    sequence: int
    at: datetime
    actor: str
    action: str
    outcome: Literal["allowed", "refused", "done", "failed"]
    cluster: str
    namespace: str
    pod: str
    container: str
    session: str
    reason: str
    details: dict[str, str | int | float | bool | list[str] | None]
    previous_hash: str
    hash: str


class Health(Struct, frozen=True):
    status: Literal["ok", "starting", "stopping"]


# The live socket (spec/api.md, WS /ws/live): JSON text.

Topic = Literal["pods", "nodes", "namespaces", "services", "workloads", "sessions", "clusters", "pod", "events"]
# Whose events can be followed (agent/events.py).
EventKind = Literal["Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "Node"]
SubscriptionId = Annotated[str, Meta(min_length=1, max_length=64)]


class LiveHello(Struct, frozen=True, forbid_unknown_fields=True):
    ticket: Secret


class LiveSubscribe(Struct, frozen=True):
    """`name` says which object the topics `pod` (one row: PodDetails) and `events` (rows: EventRow) are about, `kind` whose events."""

    subscribe: SubscriptionId
    topic: Topic
    cluster: Annotated[str, Meta(max_length=253)] = ""
    namespace: Annotated[str, Meta(max_length=253)] = ""
    name: Annotated[str, Meta(max_length=253)] = ""
    kind: EventKind | Literal[""] = ""


class LiveUnsubscribe(Struct, frozen=True):
    """End a subscription, or a log."""

    unsubscribe: SubscriptionId


class LiveLogs(Struct, frozen=True):
    """Read a container's log under the id `logs`, shared with subscriptions. It comes as LiveLog messages, and LiveLogEnd last.

    At most 256 KiB come without LiveAck. `container` may be empty only when the pod has one; `tail_lines` and `since_seconds` null: from
    the beginning.
    """

    logs: SubscriptionId
    cluster: Annotated[str, Meta(max_length=253)]
    namespace: Annotated[str, Meta(max_length=253)]
    pod: Annotated[str, Meta(max_length=253)]
    container: Annotated[str, Meta(max_length=253)] = ""
    follow: bool = True
    previous: bool = False
    timestamps: bool = False
    tail_lines: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = 1000
    since_seconds: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class LiveAck(Struct, frozen=True):
    """Everything of the log `ack` before the offset `bytes` is taken: the `end` of a LiveLog that was dealt with."""

    ack: SubscriptionId
    bytes: Annotated[int, Meta(ge=0, le=2**53)]


class LiveReady(Struct, frozen=True, tag="ready", tag_field="type"):
    pass


class LivePing(Struct, frozen=True, tag="ping", tag_field="type"):
    pass


class LiveLog(Struct, frozen=True, tag="log", tag_field="type"):
    """The next part of a log, cut anywhere but in a character. What is no UTF-8 is replaced. `end`: bytes of the log up to here."""

    id: str
    text: str
    end: int


class LiveLogEnd(Struct, frozen=True, tag="log_end", tag_field="type"):
    """Nothing more comes of this log. `refusal` null: it was read to its end; else why there is none, or no more."""

    id: str
    refusal: Refusal | None


class LiveError(Struct, frozen=True, tag="error", tag_field="type"):
    """Why the live socket closes."""

    error: ErrorDetail


LiveRows = (
    list[PodRow] | list[NodeRow] | list[NamespaceRow] | list[ServiceRow] | list[WorkloadRow] | list[Session] | list[Cluster]
    | list[PodDetails] | list[EventRow]
)  # fmt: skip


class LiveBatch(Struct, frozen=True, tag="batch", tag_field="type"):
    """Changes of one subscription. `reset`: forget what came before. `complete`: everything that exists has been sent.

    `set` holds rows of the topic's type (live_rows.py gives OpenAPI their union), encoded once for all who look at them; `removed`
    holds uids, for sessions and clusters their `id` and `name`. `refusal`: nothing new comes for now, and why.
    """

    id: str
    set: list[msgspec.Raw]
    removed: list[str]
    complete: bool
    reset: bool
    refusal: Refusal | None


def error_body(refusal: Refusal, retry_after_ms: int | None = None) -> ErrorBody:
    """Build the body of an error answer from a refusal."""
    return ErrorBody(
        ErrorDetail(
            refusal.code,
            refusal.refused_by,
            refusal.message,
            refusal.next_step,
            refusal.details,
            UNSET if retry_after_ms is None else retry_after_ms,
        )
    )
