"""What link frames say: one struct per frame type, msgpack bodies, with a limit on every field (spec/link.md 3).

DATA, WINDOW, GAP and LINK_WINDOW are fixed binary (they are the hot path); everything else is a msgpack map whose unknown keys are ignored.
"""

from __future__ import annotations

from typing import Annotated, NewType

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from podshell.wire.errors import MAX_TEXT, Refusal, Text, clip_text

SessionId = NewType("SessionId", str)
ViewerId = NewType("ViewerId", str)
ClusterName = NewType("ClusterName", str)
InstanceId = NewType("InstanceId", str)
ReplicaId = NewType("ReplicaId", str)

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1
MAX_NAMED_PROCESSES = 64
MAX_PROCESS_NAME = 256

Name = Annotated[str, Meta(max_length=253)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
Offset = Annotated[int, Meta(ge=0, le=2**53)]
Size = Annotated[int, Meta(ge=1, le=65_535)]
ProcessName = Annotated[str, Meta(max_length=MAX_PROCESS_NAME)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
TimeMs = Annotated[int, Meta(ge=0, le=2**53)]
Version = Annotated[int, Meta(ge=0, le=255)]
Key = Annotated[str, Meta(max_length=64)]
StreamNumber = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Scalar = Text | Whole | float | bool | Annotated[list[Text], Meta(max_length=64)] | None
Facts = Annotated[dict[Key, Scalar], Meta(max_length=64)]


# --- the link itself -------------------------------------------------------------------------------------------------------


class Challenge(Struct, frozen=True, omit_defaults=True):
    """Gateway to agent, first: what to sign. `time_ms` is the gateway's clock, Unix milliseconds."""

    nonce: Annotated[bytes, Meta(min_length=32, max_length=32)]
    replica: Id
    time_ms: TimeMs
    protocol_min: Version = PROTOCOL_MIN
    protocol_max: Version = PROTOCOL_MAX


class Hello(Struct, frozen=True, omit_defaults=True):
    """Agent to gateway: who it is, proved by `signature` over `hello_proof(...)` with its Ed25519 key."""

    protocol: Version
    cluster: Name
    instance: Id
    epoch: Id
    public_key: Annotated[bytes, Meta(min_length=32, max_length=32)]
    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]
    time_ms: TimeMs
    version: Name
    kubernetes_version: Name = ""
    draining: bool = False
    enrolment: Annotated[str, Meta(max_length=128)] = ""
    ceiling: Annotated[dict[Key, bool], Meta(max_length=32)] = {}
    features: Annotated[list[Name], Meta(max_length=64)] = []


class Welcome(Struct, frozen=True, omit_defaults=True):
    """Gateway to agent: the link is up. `grant_keys` are the raw Ed25519 public keys whose grants count, newest last."""

    protocol: Version
    replica: Id
    replicas: Annotated[int, Meta(ge=1, le=1000)] = 1
    ping_seconds: Annotated[float, Meta(ge=0.05, le=300)] = 10.0
    grant_keys: Annotated[list[Annotated[bytes, Meta(min_length=32, max_length=32)]], Meta(max_length=2)] = []


class Reject(Struct, frozen=True, omit_defaults=True):
    """Gateway to agent: no link. `final` means that trying again without a change of configuration is useless."""

    refusal: Refusal
    retry_after_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 1000
    final: bool = False


class Ping(Struct, frozen=True, omit_defaults=True):
    id: Count
    time_ms: TimeMs = 0


class Pong(Struct, frozen=True, omit_defaults=True):
    id: Count
    time_ms: TimeMs = 0


class Goaway(Struct, frozen=True, omit_defaults=True):
    """No new streams on this link; it ends at the latest after `deadline_ms`."""

    reason: Text
    deadline_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0


class Sync(Struct, frozen=True, omit_defaults=True):
    """Streams the sender holds open, and (from an agent) its live sessions. What the receiver does not know it resets."""

    streams: Annotated[list[StreamNumber], Meta(max_length=20_000)]
    sessions: Annotated[list[Id], Meta(max_length=20_000)] = []


class Draining(Struct, frozen=True, omit_defaults=True):
    draining: bool


class Fact(Struct, frozen=True, omit_defaults=True):
    """What happened to a session, told reliably: kept by the agent, and sent again after a reconnect, until FACT_ACK names its `seq`."""

    seq: Count
    session: Id
    kind: Annotated[str, Meta(max_length=32)]  # opened | restarted | ended | idle
    time_ms: TimeMs
    data: Facts = {}


class FactAck(Struct, frozen=True, omit_defaults=True):
    seq: Count


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

    The role `logs` reads a container's log instead: `params` is msgpack of calls.ReadLogs, `session` an id for this stream alone, and what
    concerns a terminal does not apply (spec/link.md 7).
    """

    session: Id
    viewer: Id
    grant: Annotated[bytes, Meta(max_length=4096)]
    role: Annotated[str, Meta(max_length=16)] = "owner"  # owner | observer | recorder | logs
    resume: Position | None = None
    window: Annotated[int, Meta(ge=1024, le=1024 * 1024)] = 256 * 1024
    visible: bool = True
    cols: Size | None = None
    rows: Size | None = None
    params: Annotated[bytes, Meta(max_length=4096)] = b""


class Attached(Struct, frozen=True, omit_defaults=True):
    """The consumer is in. Output starts at `start`; `reset` says that it does not follow what the viewer has (other epoch, or none);
    `lost` says that bytes before `start` which it asked for are gone. Input counts as taken up to `input_taken`."""

    session: Id
    epoch: Id
    incarnation: Count
    state: Annotated[str, Meta(max_length=16)]
    start: Offset
    head: Offset
    input_taken: Offset
    input_limit: Offset
    reset: bool = False
    lost: bool = False
    cols: Size = 80
    rows: Size = 24
    idle_timeout_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 0.0


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
    exit_code: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | None = None
    message: Text = ""
    next_step: Text = ""
    refusal: Refusal | None = None
    left: Annotated[list[ProcessName], Meta(max_length=MAX_NAMED_PROCESSES)] = []
    unkilled: Annotated[list[ProcessName], Meta(max_length=MAX_NAMED_PROCESSES)] = []

    def __post_init__(self) -> None:
        if len(self.message) > MAX_TEXT:
            force_setattr(self, "message", clip_text(self.message))
        for field in ("left", "unkilled"):
            names: list[str] = getattr(self, field)
            if len(names) > MAX_NAMED_PROCESSES or any(len(name) > MAX_PROCESS_NAME for name in names):
                kept = [clip_text(name, MAX_PROCESS_NAME) for name in names[:MAX_NAMED_PROCESSES]]
                if len(names) > MAX_NAMED_PROCESSES:
                    kept[-1] = f"and {len(names) - MAX_NAMED_PROCESSES + 1} more"
                force_setattr(self, field, kept)


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
