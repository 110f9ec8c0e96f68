"""How `podshell exec` ends: exit codes and the lines it says on standard error (docs/reference/exit-codes.md). Pure."""

from __future__ import annotations

from podshell.cli.failures import FAILED, NO_SHELL, REFUSED, USAGE, CommandFailed
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.messages import End

_REFUSALS = frozenset(
    {
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.FORBIDDEN_BY_POLICY,
        ErrorCode.FORBIDDEN_BY_CEILING,
        ErrorCode.FORBIDDEN_BY_KUBERNETES,
        ErrorCode.FORBIDDEN_BY_ADMISSION,
        ErrorCode.GRANT_REFUSED,
        ErrorCode.TICKET_REFUSED,
        ErrorCode.ORIGIN_REFUSED,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.REVOKED,
        ErrorCode.SHELL_NOT_EXECUTABLE,
    }
)
_NAMES = {
    RefusedBy.GATEWAY: "the gateway",
    RefusedBy.POLICY: "policy",
    RefusedBy.AGENT: "the cluster's agent",
    RefusedBy.CEILING: "the cluster's ceiling",
    RefusedBy.KUBERNETES: "Kubernetes",
    RefusedBy.POD_SECURITY: "Pod Security",
    RefusedBy.ADMISSION: "an admission webhook",
    RefusedBy.NODE: "the node",
    RefusedBy.RUNTIME: "the container runtime",
}
_WORDS_FOR_ENDS = {
    "closed": "the session was closed",
    "idle": "the session ended because nobody typed",
    "revoked": "the permission for this session was revoked",
    "target_gone": "the container is gone",
    "lost": "the shell was lost",
    "failed": "the shell could not be opened",
    "agent_stopped": "the cluster's agent was stopped",
}


def code_of_refusal(refusal: Refusal) -> int:
    """Return the exit code of a refusal or failure."""
    if refusal.code in (ErrorCode.BAD_REQUEST, ErrorCode.CONTAINER_REQUIRED):
        return USAGE
    if refusal.code is ErrorCode.SHELL_MISSING:
        return NO_SHELL
    return REFUSED if refusal.code in _REFUSALS else FAILED


def lines_of_refusal(refusal: Refusal) -> list[str]:
    """Say who refused, why, and what to do next."""
    verb = "refused by" if code_of_refusal(refusal) == REFUSED else "says"
    lines = [f"{refusal.message} ({verb} {_NAMES[refusal.refused_by]})"]
    containers = refusal.details.get("containers")
    if refusal.code is ErrorCode.CONTAINER_REQUIRED and isinstance(containers, list):
        return [*lines, f"choose a container with -c: {', '.join(containers)}"]
    return [*lines, refusal.next_step] if refusal.next_step else lines


def failure_of(refusal: Refusal) -> CommandFailed:
    """Build the exception that ends the command for a refusal."""
    return CommandFailed(code_of_refusal(refusal), *lines_of_refusal(refusal))


def code_of_end(end: End) -> int:
    """Return the exit code of a session's end: that of the remote process, where it has one."""
    if end.reason == "exited" and end.exit_code is not None:
        return end.exit_code & 0xFF
    if end.refusal is not None:
        return code_of_refusal(end.refusal)
    return REFUSED if end.reason == "revoked" else FAILED


def lines_of_end(end: End) -> list[str]:
    """Say why a session ended; nothing for a process that exited by itself and left nothing behind."""
    lines: list[str] = []
    if end.refusal is not None:
        lines = lines_of_refusal(end.refusal)
    elif end.reason != "exited":
        words = _WORDS_FOR_ENDS.get(end.reason, f"the session ended ({end.reason})")
        lines = [f"{words}: {end.message}" if end.message else words]
        if end.next_step:
            lines.append(end.next_step)
    if end.left:
        lines.append(f"still running in the container, because they left the session: {', '.join(end.left)}")
    if end.unkilled:
        lines.append(f"could not be ended: {', '.join(end.unkilled)}")
    return lines
