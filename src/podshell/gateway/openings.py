"""What a request for a session means: which fields belong to which kind, and the record and the call that it becomes. Pure."""

from __future__ import annotations

import msgspec

from podshell.gateway.answers import Refused, refused
from podshell.gateway.audit import Details
from podshell.gateway.authority import Place
from podshell.gateway.database import unix_ms
from podshell.gateway.journal import SessionRecord, choices_of
from podshell.gateway.models import OpenSessionBody
from podshell.gateway.settings import GatewaySettings
from podshell.policy.rules import Target
from podshell.wire.calls import PlanDebug
from podshell.wire.errors import ErrorCode
from podshell.wire.tools import DebugRequest

# Which of the fields that say where a session is belong to its kind: needed, allowed, and what to do instead of the others.
_PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "exec": (("namespace", "pod"), ("container",), "ask for a session of the kind debug or node"),
    "debug": (("namespace", "pod"), ("debug",), "name the container whose processes are to be seen as debug.target"),
    "node": (("node",), ("debug",), "a node session needs the node only; its pod is made in the agent's debug namespace"),
}
_FIELDS = ("namespace", "pod", "container", "node", "debug")


def check_body(body: OpenSessionBody) -> None:
    """Check that a request has what its kind needs, and nothing that has no meaning for it.

    Raises:
        Refused: bad_request; the message names the field.
    """
    needed, allowed, instead = _PLACES[body.kind]
    for name in _FIELDS:
        given = bool(getattr(body, name)) if name != "debug" else body.debug is not None
        if name in needed and not given:
            raise _bad(f"a session of the kind {body.kind} needs {name}", f"name the {name}")
        if given and name not in needed and name not in allowed:
            raise _bad(f"{name} has no meaning for a session of the kind {body.kind}", instead)


def check_plan(body: OpenSessionBody) -> None:
    """As `check_body`, for a plan.

    Raises:
        Refused: bad_request, also for a session that makes nothing.
    """
    if body.kind == "exec":
        raise _bad("a session of the kind exec makes nothing that could be planned", "plan a session of the kind debug or node")
    check_body(body)


def _bad(message: str, next_step: str) -> Refused:
    return refused(ErrorCode.BAD_REQUEST, message, next_step)


def target_of(body: OpenSessionBody, session: str, user: str) -> Target:
    """Build what policy decides about."""
    return Target(body.cluster, body.namespace, body.pod, body.container, session, user, body.kind, body.node, choices_of(debug_of(body)))


def debug_of(body: OpenSessionBody) -> DebugRequest | None:
    """Return the options as they travel; a debug or node session always has some."""
    if body.kind == "exec":
        return None
    return msgspec.convert(msgspec.to_builtins(body.debug) if body.debug is not None else {}, DebugRequest)


def plan_of(body: OpenSessionBody, user: str) -> PlanDebug:
    """Build the parameters of debug.plan."""
    return PlanDebug(body.kind, user, debug_of(body) or DebugRequest(), body.namespace, body.pod, body.node)


def new_record(user: str, body: OpenSessionBody, place: Place, session: str, settings: GatewaySettings) -> SessionRecord:
    """Build the record of a session that is to be opened at an agent."""
    return SessionRecord(
        id=session,
        kind=body.kind,
        state="opening",
        cluster=body.cluster,
        namespace=body.namespace,
        pod=body.pod,
        container=body.container,
        command=body.command,
        tty=body.tty,
        stdin=body.stdin,
        cols=body.cols,
        rows=body.rows,
        user=user,
        reason=body.reason,
        idle_timeout_seconds=settings.idle_timeout_seconds,
        output_is_activity=settings.output_is_activity,
        record=settings.record,
        created_ms=unix_ms(),
        instance=place.instance,
        epoch=place.epoch,
        node=body.node,
        debug=debug_of(body),
    )


def details_of(record: SessionRecord) -> Details:
    """Say what is asked for, for the audit (features F69)."""
    details: dict[str, str | int | bool | list[str]] = {"kind": record.kind, "command": record.command, "tty": record.tty}
    return {**details, **asked_details(record.debug, record.node)} if record.debug is not None else details


def asked_details(asked: DebugRequest, node: str) -> dict[str, str | int | bool | list[str]]:
    """Flatten the options of a debug or node session; what is default is left out."""
    options: dict[str, str | int | bool | list[str]] = msgspec.to_builtins(asked)
    return options | ({"node": node} if node else {})
