"""What runs where a node shell is to be in the node itself (`--enter`): nsenter into its first process. Pure."""

from __future__ import annotations

from collections.abc import Sequence

# All namespaces of the node's first process but that of users; its shell is the node's own (kubernetes.md 2.1, kubectl-node-shell).
_ENTER = ("nsenter", "-t", "1", "-m", "-u", "-i", "-n", "-p", "--")
_NODE_SHELL = ("sh", "-c", "for s in bash sh; do command -v $s >/dev/null && exec $s -l; done")


def entering(command: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs `command`, or a login shell, in the node itself."""
    return (*_ENTER, *(command or _NODE_SHELL))
