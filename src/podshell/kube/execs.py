"""What running shells needs of a cluster, as protocols: `access.KubernetesAccess` fits, and so does the cluster of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import ExecReceiver
from podshell.kube.objects import Pod


class ExecHandle(Protocol):
    """One running exec; see `podshell.kube.exec.ExecStream`."""

    @property
    def stdin_writable(self) -> bool: ...

    @property
    def can_close_stdin(self) -> bool: ...

    def send_stdin(self, data: bytes) -> None: ...

    def close_stdin(self) -> None: ...

    def resize(self, cols: int, rows: int) -> None: ...

    def redraw(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


class ClusterAccess(Protocol):
    """The cluster as sessions see it."""

    async def open_exec(
        self,
        target: ExecTarget,
        command: Sequence[str],
        *,
        tty: bool,
        size: tuple[int, int] | None,
        receiver: ExecReceiver,
        on_stdin_writable: Callable[[], None] | None = None,
    ) -> ExecHandle:
        """Start a command.

        Raises:
            KubeError: it was refused, or nobody answered.
        """

    async def read_pod(self, namespace: str, name: str) -> Pod:
        """Read a pod from the API server.

        Raises:
            KubeError: NotFound, Forbidden, Unreachable and so on.
        """
