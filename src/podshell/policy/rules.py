"""Who may do what: the nouns, and one decision for every way to reach a cluster (design.md 2, "One choke point").

Pure: `decide` looks at its arguments only. The one built-in rule: an owner may do everything, everybody else nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

OWNER_ROLE = "owner"


class Action(StrEnum):
    """What a subject wants to do. Each that reaches a cluster has a grant operation of the same name (policy/grants.py)."""

    VIEW = "view"  # read the inventory of a cluster
    OPEN = "open"  # open a shell
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
    Action.ATTACH: "exec:pod",
    Action.OBSERVE: "observe:session",
    Action.RECORD: "record:session",
    Action.CLOSE: "close:session",
    Action.LOGS: "logs:pod",
    Action.DELETE: "delete:pod",
    Action.READ_AUDIT: "read:audit",
    Action.ENROL: "enrol:cluster",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: a user of the gateway with the role that they have now."""

    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is aimed at; empty fields are "any" (a list over all namespaces) or do not apply.

    `session_user` is the user whose session it is, for actions on sessions.
    """

    cluster: str = ""
    namespace: str = ""
    pod: str = ""
    container: str = ""
    session: str = ""
    session_user: str = ""


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
    """Decide one action of one subject on one target."""
    if not subject.name:
        return Deny("nobody is signed in")
    if subject.role != OWNER_ROLE:
        return Deny(f"you are missing permissions to perform the following action: {PERMISSIONS[action]}")
    if action is Action.ATTACH and target.session_user not in ("", subject.name):
        return Deny("only the user who opened a session may type in it")
    return Allow("owner")
