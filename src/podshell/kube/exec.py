"""Running a command in a container (`open_exec`) or attaching to its first process (`open_attach`), and the names that callers need.

The stream itself: `exec_stream.py`; how it ends: `exec_ends.py`; what refusals mean: `classify.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from podshell.kube.channels import OFFER_V5_AND_V4
from podshell.kube.classify import Failed, FailureKind
from podshell.kube.exec_dial import ExecTarget, attach_path, exec_path
from podshell.kube.exec_ends import ExecEnd, ExecReceiver, Exited, Lost, LostReason
from podshell.kube.exec_stream import ExecStream
from podshell.kube.rest import Client

__all__ = [
    "ExecEnd",
    "ExecReceiver",
    "ExecStream",
    "ExecTarget",
    "Exited",
    "Failed",
    "FailureKind",
    "Lost",
    "LostReason",
    "open_attach",
    "open_exec",
]


async def open_exec(
    client: Client,
    target: ExecTarget,
    command: Sequence[str],
    *,
    tty: bool,
    stdin: bool = True,
    size: tuple[int, int] | None = None,
    receiver: ExecReceiver,
    on_stdin_writable: Callable[[], None] | None = None,
) -> ExecStream:
    """Start `command` in `target` and return its stream. Cancelling before it returns leaves no connection.

    `size` is (columns, rows), sent with the first server frame. `stdin=True` is right even for commands that read nothing
    (kata ends an exec without it at the first output, kubernetes.md 1.4). `on_stdin_writable` is called each time that
    `stdin_writable` turns true again.

    Raises:
        ExecRefused: refused before the upgrade; `.failed` says why. The receiver is not called.
        Unreachable, KubeconfigError: no server or no credentials.
    """
    stream = ExecStream(client, exec_path(target, command, tty=tty, stdin=stdin), tty, receiver, on_stdin_writable)
    if size is not None:
        stream.resize(*size)
    await stream.connect(OFFER_V5_AND_V4)
    return stream


async def open_attach(
    client: Client,
    target: ExecTarget,
    *,
    tty: bool,
    size: tuple[int, int] | None,
    receiver: ExecReceiver,
    on_stdin_writable: Callable[[], None] | None = None,
) -> ExecStream:
    """Attach to the first process of `target` and return the stream. Cancelling before it returns leaves no connection.

    Nothing is replayed, and the end is `Exited(0)` whatever the process's code (transcripts/attach/tty-exit-2.v5).

    Raises:
        ExecRefused: refused before the upgrade; `.failed` says why. The receiver is not called.
        Unreachable, KubeconfigError: no server or no credentials.
    """
    stream = ExecStream(client, attach_path(target, tty=tty), tty, receiver, on_stdin_writable)
    if size is not None:
        stream.resize(*size)
    await stream.connect(OFFER_V5_AND_V4)
    return stream
