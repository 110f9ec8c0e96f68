"""The agent's choke point: what each call and each consumer needs before it reaches the cluster (design.md 2 "One choke point").

The tables name every method and every frame that a gateway may send; a test fails on one that is missing. Everything that reaches a pod
or node needs a grant (verified here: signature, place, time, single use, parameters) and, where it acts, the ceiling's leave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from podshell.agent.ceiling import Action, Ceiling
from podshell.agent.identity import AgentIdentity
from podshell.policy.grants import Grant, GrantRefused, verify_grant
from podshell.wire import calls
from podshell.wire.calls import OpenSession, PlanDebug, options_digest
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.frames import FrameType


@dataclass(frozen=True, slots=True)
class Need:
    """What one operation needs. `acts`: the ceiling must allow one of `ceiling`, or, when that is empty, the session's kind."""

    operation: str
    acts: bool
    ceiling: tuple[Action, ...] = ()


# Reading needs no action: it is what an agent without any does. Ending a session is always allowed.
CALLS: dict[str, Need] = {
    calls.SESSION_OPEN: Need("open", acts=True),
    calls.SESSION_CLOSE: Need("close", acts=False),
    calls.INVENTORY_WATCH: Need("view", acts=False),
    calls.INVENTORY_POD: Need("view", acts=False),
    calls.POD_DELETE: Need("delete", acts=True, ceiling=(Action.BASIC,)),
    # it makes nothing, and its answer says what the ceiling would refuse
    calls.DEBUG_PLAN: Need("plan", acts=False),
}

ROLES: dict[str, Need] = {
    "owner": Need("attach", acts=True),
    "observer": Need("observe", acts=True),
    "recorder": Need("record", acts=True),
    # docs/adr/0006: a log can hold secrets, so it is not a mere view; whoever may exec can read as much anyway
    "logs": Need("logs", acts=True, ceiling=(Action.POD_EXEC, Action.BASIC)),
}

# What every session of a kind needs; what the options of a tools container need beyond that: choices.py.
KINDS: dict[str, Action] = {"exec": Action.POD_EXEC, "debug": Action.POD_DEBUG, "node": Action.NODE_SHELL}

# Every frame that a gateway may send: by which table it is checked, or why it needs no check of its own.
FRAMES: dict[FrameType, dict[str, Need] | str] = {
    FrameType.CALL: CALLS,
    FrameType.ATTACH: ROLES,
    **dict.fromkeys(
        (FrameType.DATA, FrameType.WINDOW, FrameType.RESIZE, FrameType.VISIBILITY, FrameType.STAY, FrameType.DETACH, FrameType.RESET),
        "belongs to a consumer that was checked at its ATTACH",
    ),
    FrameType.CANCEL: "belongs to a call that was checked",
    FrameType.REPLY: "answers a call of the agent, which makes none",
    FrameType.EVENT: "answers a call of the agent, which makes none",
    **dict.fromkeys(
        (
            FrameType.CHALLENGE, FrameType.WELCOME, FrameType.REJECT, FrameType.PING, FrameType.PONG, FrameType.GOAWAY, FrameType.SYNC,
            FrameType.LINK_WINDOW, FrameType.FACT_ACK,
        ),
        "concerns the link itself and reaches no cluster",
    ),
}  # fmt: skip

_LIMIT_USED = 100_000


class Authority:
    """Verifies grants and asks the ceiling.

    Args:
        keys: the pinned public keys, as they are at the moment.
        wall_ms: our clock, Unix milliseconds.
    """

    def __init__(
        self, identity: AgentIdentity, ceiling: Ceiling, keys: Callable[[], tuple[bytes, ...]], wall_ms: Callable[[], int]
    ) -> None:
        self._identity = identity
        self._ceiling = ceiling
        self._keys = keys
        self._wall_ms = wall_ms
        self._used: dict[str, int] = {}

    def check_call(self, method: str, params: bytes, grant: bytes, *, clock_offset_ms: int, session: str = "") -> Grant | Refusal:
        """Check a call before its parameters mean anything. `clock_offset_ms`: the gateway's clock minus ours."""
        need = CALLS.get(method)
        if need is None:
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, f"this agent knows no call {method[:64]}", "update the agent")
        checked = self._check(need, grant, clock_offset_ms, session)
        if isinstance(checked, Refusal):
            return checked
        bound = checked.options_sha256
        if (bound or need.acts) and bound != options_digest(params):
            return _refused("the grant is for other parameters")
        if need.ceiling and (refusal := self._ceiling.refusal_of_any(need.ceiling, method)) is not None:
            return refusal
        return self._consume(checked)

    def check_opening(self, opening: OpenSession, grant: Grant) -> Refusal | None:
        """Check that a grant that was found good is for this very session, and that the ceiling allows its kind."""
        asked = (opening.session, opening.kind, opening.namespace, opening.pod, opening.node, opening.user)
        if (grant.session, grant.kind, grant.namespace, grant.pod, grant.node, grant.user) != asked:
            return _refused("the grant is for another session, target or user")
        if grant.container and opening.container and grant.container != opening.container:
            return _refused("the grant is for another container")
        return self._check_ceiling(opening.kind)

    def check_plan(self, wanted: PlanDebug, grant: Grant) -> Refusal | None:
        """Check that a grant that was found good is for this very plan."""
        asked = (wanted.kind, wanted.namespace, wanted.pod, wanted.node, wanted.user)
        if (grant.kind, grant.namespace, grant.pod, grant.node, grant.user) != asked:
            return _refused("the grant is for another target or user")
        return None

    def check_attach(self, role: str, session: str, kind: str, grant: bytes, *, clock_offset_ms: int, user: str = "") -> Grant | Refusal:
        """Check a consumer before it sees a byte. `user`: whose session it is; nobody else comes in as its owner."""
        need = ROLES.get(role)
        if need is None or need.ceiling:
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, f"there is no role {role[:16]}", "attach as owner, observer or recorder")
        checked = self._check(need, grant, clock_offset_ms, session)
        if isinstance(checked, Refusal):
            return checked
        if role == "owner" and user and checked.user != user:
            return _refused("the grant is for another user than the one who opened the session")
        if (refusal := self._check_ceiling(kind)) is not None:
            return refusal
        return self._consume(checked)

    def check_logs(self, params: bytes, grant: bytes, *, clock_offset_ms: int) -> Grant | Refusal:
        """Check a reader of a log before its parameters mean anything."""
        need = ROLES["logs"]
        checked = self._check(need, grant, clock_offset_ms, "")
        if isinstance(checked, Refusal):
            return checked
        if checked.options_sha256 != options_digest(params):
            return _refused("the grant is for another log")
        if (refusal := self._ceiling.refusal_of_any(need.ceiling, "reading logs")) is not None:
            return refusal
        return self._consume(checked)

    def _check_ceiling(self, kind: str) -> Refusal | None:
        action = KINDS.get(kind)
        if action is None:
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, f"this agent knows no session kind {kind}", "update the agent")
        return self._ceiling.refusal(action)

    def _check(self, need: Need, grant: bytes, clock_offset_ms: int, session: str) -> Grant | Refusal:
        who = self._identity
        now_ms = self._wall_ms() + clock_offset_ms
        try:
            checked = verify_grant(
                grant,
                self._keys(),
                operation=need.operation,
                cluster=who.cluster,
                instance=who.instance,
                epoch=who.epoch,
                now_ms=now_ms,
                session=session,
            )
        except GrantRefused as error:
            return _refused(str(error))
        self._forget_expired(now_ms)
        if checked.id in self._used:
            return _refused("the grant has been used already")
        if len(self._used) >= _LIMIT_USED:
            return Refusal(ErrorCode.LIMIT_REACHED, RefusedBy.AGENT, "too many grants are in use", "try again in a moment")
        return checked

    def _consume(self, grant: Grant) -> Grant:
        self._used[grant.id] = grant.expires_ms
        return grant

    def _forget_expired(self, now_ms: int) -> None:
        # Grants live equally long, so the oldest stand first.
        while self._used:
            oldest = next(iter(self._used))
            if self._used[oldest] > now_ms:
                return
            del self._used[oldest]


def _refused(text: str) -> Refusal:
    return Refusal(ErrorCode.GRANT_REFUSED, RefusedBy.AGENT, text, "try again; if it goes on, look at the agent's log")
