"""A held shell is found again wherever its image has `sh`, and its session goes on with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agent_fakes import NONCE, FakeCluster, FakeExec, VirtualClock

from podshell.kube.classify import Failed, FailureKind
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import ExecReceiver
from podshell.kube.marker import SHELL_PATHS, Leader
from podshell.kube.shells import Shell, ShellPlan

MISSING = Failed(FailureKind.SHELL_MISSING, "no such file or directory", "Name another image.")
HELD = "ab" * 16


class DistantShells(FakeCluster):
    """A tools container that has its shell at one path only."""

    def __init__(self, path: str, *, lives: bool = True) -> None:
        super().__init__()
        self._path = path
        self._mark = "41:777:h" if lives else "0:0:g"
        self.tried: list[str] = []

    async def open_exec(
        self,
        target: ExecTarget,
        command: Sequence[str],
        *,
        tty: bool,
        size: tuple[int, int] | None,
        receiver: ExecReceiver,
        on_stdin_writable: Callable[[], None] | None = None,
    ) -> FakeExec:
        if tty:
            self.tried.append(command[0])
        if command[0] != self._path:
            stream = FakeExec(list(command), tty, receiver, on_stdin_writable)
            asyncio.get_running_loop().call_soon(stream.end, MISSING)
            return stream
        return await super().open_exec(target, command, tty=tty, size=size, receiver=receiver, on_stdin_writable=on_stdin_writable)

    def _start_shell(self, stream: FakeExec) -> None:
        stream.receiver.up()
        nonce = next(word for word in stream.command if NONCE.fullmatch(word))
        stream.print(f"\x1epsh:{nonce}:{self._mark}\x1e".encode())


class Nobody:
    def shell_output(self, data: bytes | memoryview) -> None: ...

    def shell_errors(self, data: bytes | memoryview) -> None: ...

    def shell_writable(self) -> None: ...


async def resumed(cluster: FakeCluster) -> tuple[Shell, Failed | None]:
    plan = ShellPlan(ExecTarget("shop", "web-0", "podshell-abcde"), (), tty=True, tools=True, resume=HELD, resume_only=True)
    shell = Shell(cluster, plan, Nobody(), VirtualClock(), size=(80, 24))
    return shell, await shell.open()


async def test_a_held_shell_is_resumed_at_any_path_where_a_shell_can_be() -> None:
    for number, path in enumerate(SHELL_PATHS):
        cluster = DistantShells(path)
        shell, failed = await resumed(cluster)
        assert failed is None
        assert (shell.resumed, shell.held, shell.nonce, shell.leader) == (True, True, HELD, Leader(41, 777))
        assert cluster.tried == list(SHELL_PATHS[: number + 1])


async def test_an_image_without_any_shell_and_a_shell_that_is_gone_are_told_apart() -> None:
    cluster = DistantShells("/nowhere/sh")
    shell, failed = await resumed(cluster)
    assert (failed, shell.resumed, cluster.tried) == (MISSING, False, list(SHELL_PATHS))
    shell, failed = await resumed(gone := DistantShells("/busybox/sh", lives=False))
    assert failed is not None
    assert (failed.kind, shell.resumed, gone.tried) == (FailureKind.TARGET_GONE, False, list(SHELL_PATHS[:3]))
