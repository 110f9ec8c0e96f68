"""What link frames say: one struct per frame type, msgpack bodies, with a limit on every field (spec/link.md 3).

DATA, WINDOW, GAP and LINK_WINDOW are fixed binary (they are the hot path); everything else is a msgpack map whose unknown keys are ignored.
"""

from __future__ import annotations

from typing import Annotated, NewType

import msgspec
from msgspec import Meta, Struct

from podshell.wire.errors import Refusal

SessionId = NewType("SessionId", str)
ViewerId = NewType("ViewerId", str)
ClusterName = NewType("ClusterName", str)
InstanceId = NewType("InstanceId", str)
ReplicaId = NewType("ReplicaId", str)

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1

Name = Annotated[str, Meta(max_length=253)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=4096)]
Offset = Annotated[int, Meta(ge=0, le=2**53)]
Size = Annotated[int, Meta(ge=1, le=65_535)]
Scalar = str | int | float | bool | list[str] | None
Facts = Annotated[dict[str, Scalar], Meta(max_length=64)]


# --- the link itself -------------------------------------------------------------------------------------------------------


class Challenge(Struct, frozen=True, omit_defaults=True):
    """Gateway to agent, first: what to sign. `time_ms` is the gateway's clock, Unix milliseconds."""

    nonce: Annotated[bytes, Meta(min_length=32, max_length=32)]
    replica: Id
    time_ms: int
    protocol_min: int = PROTOCOL_MIN
    protocol_max: int = PROTOCOL_MAX


class Hello(Struct, frozen=True, omit_defaults=True):
    """Agent to gateway: who it is, proved by `signature` over `hello_proof(...)` with its Ed25519 key."""

    protocol: int
    cluster: Name
    instance: Id
    epoch: Id
    public_key: Annotated[bytes, Meta(min_length=32, max_length=32)]
    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]
    time_ms: int
    version: Name
    kubernetes_version: Name = ""
    draining: bool = False
    enrolment: Annotated[str, Meta(max_length=128)] = ""
    ceiling: Annotated[dict[str, bool], Meta(max_length=32)] = {}
    features: Annotated[list[Name], Meta(max_length=64)] = []


class Welcome(Struct, frozen=True, omit_defaults=True):
    """Gateway to agent: the link is up. `grant_keys` are the raw Ed25519 public keys whose grants count, newest last."""

    protocol: int
    replica: Id
    replicas: int = 1
    ping_seconds: float = 10.0
    grant_keys: Annotated[list[bytes], Meta(max_length=2)] = []


class Reject(Struct, frozen=True, omit_defaults=True):
    """Gateway to agent: no link. `final` means that trying again without a change of configuration is useless."""

    refusal: Refusal
    retry_after_ms: int = 1000
    final: bool = False


class Ping(Struct, frozen=True, omit_defaults=True):
    id: int
    time_ms: int = 0


class Pong(Struct, frozen=True, omit_defaults=True):
    id: int
    time_ms: int = 0


class Goaway(Struct, frozen=True, omit_defaults=True):
    """No new streams on this link; it ends at the latest after `deadline_ms`."""

    reason: Text
    deadline_ms: int = 0


class Sync(Struct, frozen=True, omit_defaults=True):
    """Streams the sender holds open, and (from an agent) its live sessions. What the receiver does not know it resets."""

    streams: Annotated[list[int], Meta(max_length=100_000)]
    sessions: Annotated[list[Id], Meta(max_length=100_000)] = []


class Draining(Struct, frozen=True, omit_defaults=True):
    draining: bool


class Fact(Struct, frozen=True, omit_defaults=True):
    """What happened to a session, told reliably: kept by the agent, and sent again after a reconnect, until FACT_ACK names its `seq`."""

    seq: int
    session: Id
    kind: Annotated[str, Meta(max_length=32)]  # opened | restarted | ended | idle
    time_ms: int
    data: Facts = {}


class FactAck(Struct, frozen=True, omit_defaults=True):
    seq: int


# --- calls -----------------------------------------------------------------------------------------------------------------


class Call(Struct, frozen=True, omit_defaults=True):
    """Ask the other side for something. Every method that reaches a pod or node carries a grant (bytes of policy/grants.py)."""

    method: Annotated[str, Meta(max_length=64)]
    params: msgspec.Raw = msgspec.Raw(b"\x80")
    grant: Annotated[bytes, Meta(max_length=4096)] = b""


class Reply(Struct, frozen=True, omit_defaults=True):
    """The end of a call: `body` or `refusal`."""

    body: msgspec.Raw = msgspec.Raw(b"\xc0")
    refusal: Refusal | None = None


class Event(Struct, frozen=True, omit_defaults=True):
    """One of several answers to a call that goes on (a subscription)."""

    body: msgspec.Raw


# --- consumers of a session ------------------------------------------------------------------------------------------------


class Position(Struct, frozen=True, omit_defaults=True):
    """A place in a session's output: offsets count from 0 in each `epoch` (one life of the agent process)."""

    epoch: Id
    offset: Offset


class Attach(Struct, frozen=True, omit_defaults=True):
    """Start to consume a session's output, and, as its owner, to type.

    `viewer` is chosen by the terminal and stays the same over its reconnects: it names the input stream (offsets from 0) and lets the
    agent hold back output for a visible owner that was cut off for a moment. `resume` None means: from the first safe point.
    `window` is how many bytes of output may be unacknowledged.
    """

    session: Id
    viewer: Id
    grant: Annotated[bytes, Meta(max_length=4096)]
    role: Annotated[str, Meta(max_length=16)] = "owner"  # owner | observer | recorder
    resume: Position | None = None
    window: Annotated[int, Meta(ge=1024, le=1024 * 1024)] = 256 * 1024
    visible: bool = True
    cols: Size | None = None
    rows: Size | None = None


class Attached(Struct, frozen=True, omit_defaults=True):
    """The consumer is in. Output starts at `start`; `reset` says that it does not follow what the viewer has (other epoch, or none);
    `lost` says that bytes before `start` which it asked for are gone. Input counts as taken up to `input_taken`."""

    session: Id
    epoch: Id
    incarnation: int
    state: Annotated[str, Meta(max_length=16)]
    start: Offset
    head: Offset
    input_taken: Offset
    input_limit: Offset
    reset: bool = False
    lost: bool = False
    cols: Size = 80
    rows: Size = 24
    idle_timeout_seconds: float = 0.0


class Resize(Struct, frozen=True, omit_defaults=True):
    cols: Size
    rows: Size


class Visibility(Struct, frozen=True, omit_defaults=True):
    visible: bool


class Stay(Struct, frozen=True, omit_defaults=True):
    """The user wants to stay: counts as activity."""


class Notice(Struct, frozen=True, omit_defaults=True):
    """Something the viewer shows beside the terminal, never in it. Kinds and their data: spec/terminal.md 5."""

    kind: Annotated[str, Meta(max_length=32)]
    data: Facts = {}


class End(Struct, frozen=True, omit_defaults=True):
    """The session is over. `reason`: exited, closed, idle, revoked, target_gone, lost, failed, agent_stopped.

    `left` names processes that stay because they left the session (setsid); `unkilled` those that could not be killed.
    """

    reason: Annotated[str, Meta(max_length=32)]
    exit_code: int | None = None
    message: Text = ""
    next_step: Text = ""
    refusal: Refusal | None = None
    left: Annotated[list[Text], Meta(max_length=64)] = []
    unkilled: Annotated[list[Text], Meta(max_length=64)] = []


class Detach(Struct, frozen=True, omit_defaults=True):
    """The viewer goes on purpose: nothing is held back for it."""


class Reset(Struct, frozen=True, omit_defaults=True):
    """This stream is over because of a fault or a refusal; the link goes on."""

    refusal: Refusal


def hello_proof(challenge: Challenge, cluster: str, instance: str, epoch: str, public_key: bytes) -> bytes:
    """Build the bytes an agent signs: bound to this connection's nonce and to what it claims to be (spec/link.md 4)."""
    fields = [
        b"podshell-link-v1",
        challenge.nonce,
        challenge.replica.encode(),
        cluster.encode(),
        instance.encode(),
        epoch.encode(),
        public_key,
    ]
    return b"".join(len(field).to_bytes(2, "big") + field for field in fields)
