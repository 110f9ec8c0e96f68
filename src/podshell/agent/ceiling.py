"""The ceiling: what the cluster's owner allows at most, whatever the gateway says (design.md 4).

Every action is off unless it is switched on, and none follows from another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum

from podshell.wire.errors import ErrorCode, Refusal, RefusedBy


class Action(StrEnum):
    """What can be allowed; the value is the name in the chart's `actions`."""

    POD_EXEC = "podExec"
    BASIC = "basic"
    ADVANCED = "advanced"
    POD_DEBUG = "podDebug"
    NODE_SHELL = "nodeShell"
    HOST_MOUNT = "hostMount"
    HOST_WRITE = "hostWrite"
    NODE_PRIVILEGED = "nodePrivileged"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Which actions the cluster's owner allows; one field for each `Action`."""

    pod_exec: bool = field(default=False, metadata={"help": "Allow shells in running containers, and to read their logs (podExec)."})
    basic: bool = field(default=False, metadata={"help": "Allow basic actions: delete pods, read logs (basic)."})
    advanced: bool = field(default=False, metadata={"help": "Allow advanced actions on workloads."})
    pod_debug: bool = field(default=False, metadata={"help": "Allow debug containers in pods (podDebug)."})
    node_shell: bool = field(default=False, metadata={"help": "Allow shells on nodes (nodeShell)."})
    host_mount: bool = field(default=False, metadata={"help": "Allow node shells to mount the node's files; equal to root on the node."})
    host_write: bool = field(default=False, metadata={"help": "Allow that mount to be writable."})
    node_privileged: bool = field(default=False, metadata={"help": "Allow privileged node shells (hostPID, nsenter, more capabilities)."})

    def allows(self, action: Action) -> bool:
        return bool(getattr(self, _FIELDS[action]))

    def refusal(self, action: Action) -> Refusal | None:
        """Return why `action` is not allowed here, or None when it is."""
        if self.allows(action):
            return None
        return Refusal(
            ErrorCode.FORBIDDEN_BY_CEILING,
            RefusedBy.CEILING,
            f"this cluster's ceiling does not allow {action.value}",
            f"the cluster's owner can allow it: {option_of(action)} of the agent (with `podshell up`: --allow {action.value})",
            {"action": action.value, "helm_value": f"actions.{action.value}"},
        )

    def refusal_of_any(self, actions: tuple[Action, ...], what: str) -> Refusal | None:
        """Return why `what`, which needs one of several actions, is not allowed here, or None when it is."""
        if any(self.allows(action) for action in actions):
            return None
        if len(actions) == 1:
            return self.refusal(actions[0])
        values = [f"actions.{action.value}" for action in actions]
        return Refusal(
            ErrorCode.FORBIDDEN_BY_CEILING,
            RefusedBy.CEILING,
            f"this cluster's ceiling allows none of {', '.join(action.value for action in actions)}, and {what} needs one of them",
            f"the cluster's owner can allow it: one of {', '.join(map(option_of, actions))} of the agent "
            f"(with `podshell up`: --allow {actions[0].value})",
            {"action": [action.value for action in actions], "helm_value": values},
        )

    def as_message(self) -> dict[str, bool]:
        """Return the ceiling as HELLO carries it."""
        return {action.value: self.allows(action) for action in Action}


_FIELDS: dict[Action, str] = {action: name.name for action, name in zip(Action, fields(Ceiling), strict=True)}


def ceiling_of(names: Iterable[str]) -> Ceiling:
    """Build the ceiling that allows the named actions (podExec, ...) and nothing else.

    Raises:
        ValueError: a name is no action.
    """
    return Ceiling(**{_FIELDS[Action(name)]: True for name in names})


def option_of(action: Action) -> str:
    """Return the agent's option that allows an action."""
    return "--ceiling-" + _FIELDS[action].replace("_", "-")
