"""The choke point: every way to reach a cluster passes here, and gets a `Permit` or a refusal (design.md 2).

A permit means: policy allowed it, the audit has it on disk, and a grant for exactly this agent instance and epoch is signed. A link takes
calls and consumers only with a permit. The tables say for every route, socket and frame which operations it can lead to; a test walks
through all of them and fails on one that is not listed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Executable

from podshell.gateway.answers import refused
from podshell.gateway.audit import Audit, AuditEntry, Details
from podshell.gateway.database import unix_ms
from podshell.policy.grants import LIFETIME_MS, Grant, sign_grant
from podshell.policy.rules import Action, Allow, Decision, Deny, Subject, Target, decide
from podshell.wire import calls
from podshell.wire.calls import options_digest
from podshell.wire.errors import ErrorCode, RefusedBy
from podshell.wire.frames import FrameType


@dataclass(frozen=True, slots=True)
class Operation:
    """One way to reach a cluster. `grant`: what the agent wants to see signed. `ceiling`: the flag it must have on, or why none applies.

    `name` is the call's method and the action in the audit; `kind` tells apart what it means for the kinds of sessions.
    """

    name: str
    action: Action
    grant: str
    ceiling: str
    kind: str = ""


_SESSION = "none: the ceiling was checked when the session was opened, and is again when it is restarted"
_INVENTORY = "none: reading the inventory is what an agent without any action does"

# what a tools container needs beyond its kind's flag is in the ceiling's own list (agent/authority.py)
_OPTIONS = "and what the options need: hostMount, hostWrite, nodePrivileged, allowed images"

OPEN = Operation(calls.SESSION_OPEN, Action.OPEN, "open", "podExec", "exec")
OPEN_DEBUG = Operation(calls.SESSION_OPEN, Action.DEBUG, "open", f"podDebug {_OPTIONS}", "debug")
OPEN_NODE = Operation(calls.SESSION_OPEN, Action.NODE, "open", f"nodeShell {_OPTIONS}", "node")
PLAN_DEBUG = Operation(calls.DEBUG_PLAN, Action.DEBUG, "plan", "none: the plan says what the ceiling would refuse", "debug")
PLAN_NODE = Operation(calls.DEBUG_PLAN, Action.NODE, "plan", "none: the plan says what the ceiling would refuse", "node")
CLOSE = Operation(calls.SESSION_CLOSE, Action.CLOSE, "close", "none: ending a shell is always allowed")
WATCH = Operation(calls.INVENTORY_WATCH, Action.VIEW, "view", _INVENTORY)
QUERY_POD = Operation(calls.INVENTORY_POD, Action.VIEW, "view", _INVENTORY)
ATTACH = Operation("session.attach", Action.ATTACH, "attach", _SESSION)
OBSERVE = Operation("session.observe", Action.OBSERVE, "observe", _SESSION)
RECORD = Operation("session.record", Action.RECORD, "record", _SESSION)
LOGS = Operation("pod.logs", Action.LOGS, "logs", "podExec or basic")
DELETE = Operation(calls.POD_DELETE, Action.DELETE, "delete", "basic")

OPENINGS = {operation.kind: operation for operation in (OPEN, OPEN_DEBUG, OPEN_NODE)}
PLANS = {operation.kind: operation for operation in (PLAN_DEBUG, PLAN_NODE)}
_ALL = (*OPENINGS.values(), *PLANS.values(), CLOSE, WATCH, QUERY_POD, ATTACH, OBSERVE, RECORD, LOGS, DELETE)
OPERATIONS = {f"{operation.name} {operation.kind}".rstrip(): operation for operation in _ALL}

# Every route and socket, and the operations that it can lead to. None: it reaches no cluster.
ROUTES: dict[str, tuple[Operation, ...]] = {
    "POST /api/signin": (),
    "POST /api/signout": (),
    "GET /api/me": (),
    "GET /api/clusters": (),
    "POST /api/clusters": (),
    "GET /api/clusters/{cluster}/pods": (WATCH,),
    "GET /api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}": (QUERY_POD,),
    "DELETE /api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}": (DELETE,),
    "GET /api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}/details": (WATCH,),
    "GET /api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}/events": (WATCH,),
    "POST /api/sessions": (OPEN, OPEN_DEBUG, OPEN_NODE, RECORD),
    "POST /api/sessions/plan": (PLAN_DEBUG, PLAN_NODE),
    "GET /api/sessions": (),
    "GET /api/sessions/{session}": (),
    "POST /api/sessions/{session}/tickets": (),
    "DELETE /api/sessions/{session}": (CLOSE,),
    "POST /api/tickets": (),
    "GET /api/audit": (),
    "GET /api/openapi.json": (),
    "GET /healthz": (),
    "GET /readyz": (),
    "GET /{path:path}": (),  # the console's files
    "WS /ws/terminal": (ATTACH, OBSERVE, CLOSE),
    "WS /ws/live": (WATCH, LOGS),
    "WS /link": (OPEN, OPEN_DEBUG, OPEN_NODE, CLOSE, RECORD),  # an agent that comes back is asked to restart or end its sessions
}

# Every frame of a link: which operations open a stream with it, or "stream"/"link" for what only lives within one.
FRAMES: dict[FrameType, tuple[Operation, ...] | str] = {
    FrameType.CALL: (OPEN, OPEN_DEBUG, OPEN_NODE, PLAN_DEBUG, PLAN_NODE, CLOSE, WATCH, QUERY_POD, DELETE),
    FrameType.ATTACH: (ATTACH, OBSERVE, RECORD, LOGS),
    **dict.fromkeys(
        (
            FrameType.REPLY, FrameType.EVENT, FrameType.CANCEL, FrameType.ATTACHED, FrameType.DATA, FrameType.WINDOW, FrameType.GAP,
            FrameType.RESIZE, FrameType.VISIBILITY, FrameType.STAY, FrameType.NOTICE, FrameType.END, FrameType.DETACH, FrameType.RESET,
        ),
        "stream",
    ),
    **dict.fromkeys(
        (
            FrameType.CHALLENGE, FrameType.HELLO, FrameType.WELCOME, FrameType.REJECT, FrameType.PING, FrameType.PONG, FrameType.GOAWAY,
            FrameType.SYNC, FrameType.DRAINING, FrameType.LINK_WINDOW, FrameType.FACT, FrameType.FACT_ACK,
        ),
        "link",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One life of one agent: what a grant is bound to."""

    cluster: str
    instance: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to do one operation once, at one place. Made by `Authority.permit` only."""

    operation: Operation
    place: Place
    target: Target
    params: bytes
    grant: bytes


class Authority:
    """Decides, audits and signs.

    Args:
        key: the grant key.
        decide: the policy; tests and later policies give their own.
    """

    def __init__(self, key: Ed25519PrivateKey, audit: Audit, decide: Callable[[Subject, Action, Target], Decision] = decide) -> None:
        self._key = key
        self._audit = audit
        self._decide = decide

    def allows(self, subject: Subject, operation: Operation, target: Target) -> bool:
        """Look up a decision without acting on it, for filtering lists and for live sessions."""
        return isinstance(self._decide(subject, operation.action, target), Allow)

    def check_gateway(self, subject: Subject, what: str) -> None:
        """Decide an action at the gateway itself: `audit` or `enrol`.

        Raises:
            Refused: forbidden_by_policy.
        """
        action = {"audit": Action.READ_AUDIT, "enrol": Action.ENROL}[what]
        decision = self._decide(subject, action, Target())
        if isinstance(decision, Deny):
            raise refused(ErrorCode.FORBIDDEN_BY_POLICY, decision.reason, by=RefusedBy.POLICY)

    async def check(self, subject: Subject, operation: Operation, target: Target, reason: str = "") -> None:
        """Decide; a refusal is in the audit when this raises.

        Raises:
            Refused: forbidden_by_policy.
        """
        decision = self._decide(subject, operation.action, target)
        if isinstance(decision, Deny):
            details: Details = {"refused_by": RefusedBy.POLICY.value, "why": decision.reason}
            actor = subject.name or "nobody"
            await self._audit.append(
                AuditEntry(actor=actor, action=operation.name, outcome="refused", target=target, reason=reason, details=details)
            )
            raise refused(ErrorCode.FORBIDDEN_BY_POLICY, decision.reason, "ask the owner of this gateway", by=RefusedBy.POLICY)

    async def permit(
        self,
        subject: Subject,
        operation: Operation,
        target: Target,
        place: Place,
        *,
        params: bytes = b"",
        reason: str = "",
        details: Details | None = None,
        also: tuple[Executable, ...] = (),
    ) -> Permit:
        """Decide, write the audit, sign. `also` are changes of the database that become durable with the audit row.

        Raises:
            Refused: forbidden_by_policy; the refusal is in the audit.
            sqlalchemy.exc.SQLAlchemyError: the audit could not be written, so nothing is permitted.
        """
        await self.check(subject, operation, target, reason)
        placed = {"instance": place.instance, "epoch": place.epoch, **(details or {})}
        await self._audit.append(
            AuditEntry(actor=subject.name, action=operation.name, outcome="allowed", target=target, reason=reason, details=placed), *also
        )
        return Permit(operation, place, target, params, sign_grant(self._grant(subject, operation, target, place, params), self._key))

    def _grant(self, subject: Subject, operation: Operation, target: Target, place: Place, params: bytes) -> Grant:
        now = unix_ms()
        return Grant(
            id=secrets.token_hex(16),
            operation=operation.grant,
            user=subject.name,
            cluster=place.cluster,
            instance=place.instance,
            epoch=place.epoch,
            issued_ms=now,
            expires_ms=now + LIFETIME_MS,
            session=target.session,
            kind=operation.kind,
            namespace=target.namespace,
            pod=target.pod,
            container=target.container,
            node=target.node if operation.kind == "node" else "",
            options_sha256=options_digest(params) if params else b"",
        )

    async def refused_by_agent(
        self, subject: Subject, operation: Operation, target: Target, code: str, by: str, message: str, *also: Executable
    ) -> None:
        """Write that the agent, or somebody behind it, said no to what was permitted."""
        details: Details = {"code": code, "refused_by": by, "why": message}
        await self._audit.append(
            AuditEntry(actor=subject.name, action=operation.name, outcome="refused", target=target, details=details), *also
        )
