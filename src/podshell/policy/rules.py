"""Who may do what: the nouns, and one decision for every way to reach a cluster (design.md 2, "One choke point").

Pure: `decide` looks at its arguments only. The one built-in rule: an owner may do everything, everybody else nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

OWNER_ROLE = "owner"


class Action(StrEnum):
    """What a subject wants to do. Each that reaches a cluster has a grant operation of the same name (policy/grants.py)."""

    VIEW = "view"  # read the inventory of a cluster
    OPEN = "open"  # open a shell in a running container
    DEBUG = "debug"  # make a tools container in a pod, and open a shell in it
    NODE = "node"  # make a tools pod on a node, and open a shell in it
    ATTACH = "attach"  # see and type in a shell
    OBSERVE = "observe"  # see a shell of somebody else
    RECORD = "record"  # keep a shell's output
    CLOSE = "close"  # end a shell
    LOGS = "logs"  # read what containers print
    DELETE = "delete"  # delete a pod
    # at the gateway itself
    READ_AUDIT = "read_audit"
    ENROL = "enrol"  # let an agent join


# The names under which users know the permissions (features F19: `exec:pod`); a refusal says which one is missing.
PERMISSIONS: dict[Action, str] = {
    Action.VIEW: "view:cluster",
    Action.OPEN: "exec:pod",
    Action.DEBUG: "debug:pod",
    Action.NODE: "exec:node",
    Action.ATTACH: "exec:pod",
    Action.OBSERVE: "observe:session",
    Action.RECORD: "record:session",
    Action.CLOSE: "close:session",
    Action.LOGS: "logs:pod",
    Action.DELETE: "delete:pod",
    Action.READ_AUDIT: "read:audit",
    Action.ENROL: "enrol:cluster",
}
# What opening a session of a kind is; whoever may do that may also look at it and type in it.
OPENING_ACTIONS: dict[str, Action] = {"exec": Action.OPEN, "debug": Action.DEBUG, "node": Action.NODE}


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: a user of the gateway with the role that they have now."""

    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a debug or node session asks for of what a rule may limit; empty texts and None: the default of the cluster's agent."""

    profile: str = ""
    capabilities: tuple[str, ...] = ()
    image: str = ""
    target: str = ""  # the container whose processes are shared
    mount_host: bool = False
    host_write: bool = False
    host_pid: bool = False
    enter: bool = False
    unconfined: bool = False
    ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is aimed at; empty fields are "any" (a list over all namespaces) or do not apply.

    `session_user` is the user whose session it is, for actions on sessions, and `kind` which kind that is. `choices`: the options of a
    debug or node session, which a rule may limit.
    """

    cluster: str = ""
    namespace: str = ""
    pod: str = ""
    container: str = ""
    session: str = ""
    session_user: str = ""
    kind: str = "exec"
    node: str = ""
    choices: Choices | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """`rule` names what allowed it, for the audit."""

    rule: str


@dataclass(frozen=True, slots=True)
class Deny:
    """`reason` is one sentence that is safe to show to the subject."""

    reason: str


Decision: TypeAlias = Allow | Deny


def decide(subject: Subject, action: Action, target: Target) -> Decision:
    """Decide one action of one subject on one target.

    A debug container with a target sees that container's processes, so it needs `exec:pod` beside `debug:pod`.
    """
    if not subject.name:
        return Deny("nobody is signed in")
    if subject.role != OWNER_ROLE:
        return Deny(f"you are missing permissions to perform the following action: {_permission(action, target)}")
    if action is Action.DEBUG and target.choices is not None and target.choices.target:
        inner = decide(subject, Action.OPEN, replace(target, kind="exec", container=target.choices.target, choices=None))
        if isinstance(inner, Deny):
            return inner
    if action is Action.ATTACH and target.session_user not in ("", subject.name):
        return Deny("only the user who opened a session may type in it")
    return Allow("owner")


def _permission(action: Action, target: Target) -> str:
    if action is Action.ATTACH:
        return PERMISSIONS[OPENING_ACTIONS.get(target.kind, Action.OPEN)]
    if action is Action.DEBUG and target.choices is not None and target.choices.target:
        return f"{PERMISSIONS[action]} and {PERMISSIONS[Action.OPEN]}"
    return PERMISSIONS[action]
