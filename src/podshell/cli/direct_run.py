"""One direct run of `kubectl shell`: make the container, show the shell in it, and leave nothing, however it ends.

Everything that is made is removed by `Workplace.remove`, which knows the names before anything is asked for: so it may be called at any
moment, also when a create was sent and its answer never came. What even that cannot reach (kill -9, a lost network) ends by the
container's own waiter (docs/adr/0007).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol, TypeVar

from podshell.cli.direct_session import DirectSession, RunningShell
from podshell.cli.failures import FAILED, NO_SHELL, REFUSED, CommandFailed
from podshell.cli.local_terminal import LocalTerminal
from podshell.kube.classify import Failed, FailureKind, failed_from_error
from podshell.kube.errors import KubeError
from podshell.kube.exec_ends import ExecEnd, Exited, Lost
from podshell.kube.lifeline import LifelineReport
from podshell.kube.shell_receivers import ShellOwner

# How long leaving may take: the teardown ladder takes 2.2 s at most, a delete some hundred milliseconds.
CLOSE_SECONDS = 4.0
REMOVE_SECONDS = 10.0
# A held shell waits 60 s for somebody to attach to it again (kube/lifeline.sh); what is left of them is for the last attempt.
AGAIN_SECONDS = 50.0
_AGAIN_FIRST_SECONDS, _AGAIN_MOST_SECONDS = 0.2, 3.0

T = TypeVar("T")
_REFUSALS = frozenset({FailureKind.RBAC, FailureKind.PSA, FailureKind.ADMISSION, FailureKind.QUOTA, FailureKind.UNAUTHENTICATED})


class OpenedShell(RunningShell, Protocol):
    """A shell that can be ended. `held`: it outlives its connection, and can be found again by its `nonce`."""

    @property
    def held(self) -> bool: ...

    @property
    def nonce(self) -> str: ...

    async def close(self) -> LifelineReport: ...

    def abort(self) -> None: ...


class Workplace(Protocol):
    """A container for one run: made, used, removed."""

    async def make(self, say: Callable[[str], None]) -> None:
        """Make it, or find one of ours, and wait until it runs.

        Raises:
            CommandFailed: it cannot be made or does not start.
        """

    async def open_shell(self, owner: ShellOwner, size: tuple[int, int]) -> OpenedShell:
        """Start the shell in it.

        Raises:
            CommandFailed: it does not open.
        """

    async def attach_again(self, owner: ShellOwner, size: tuple[int, int], nonce: str) -> OpenedShell | Failed:
        """Attach to a held shell whose connection was lost; never starts another one."""

    async def remove(self) -> None:
        """Remove what was made, or may have been. Calling it again is safe.

        Raises:
            CommandFailed: something may be left; the lines name it.
        """

    def leave(self) -> None:
        """Keep it: its shell goes on without us."""

    def left_behind(self) -> str:
        """Say what becomes of it when nobody removes it; "" for nothing."""


class DirectRun:
    """The run. `run` once."""

    def __init__(self, place: Workplace, terminal: LocalTerminal) -> None:
        self._place = place
        self._terminal = terminal
        self._say = terminal.remarks.say
        self._session = DirectSession(terminal)

    async def run(self) -> int:
        """Make, show, remove; returns the exit code.

        Raises:
            CommandFailed: it could not be made or opened; the code alone, why is said already, and it is removed.
        """
        with self._terminal as terminal:
            try:
                code = await self._work()
            except CommandFailed as failed:
                terminal.leave_raw_mode()
                if not terminal.was_stopped:
                    for line in failed.lines:  # why, before what shows it is deleted
                        self._say(line)
                await self._remove()
                if terminal.was_stopped:
                    return terminal.stop_code
                raise CommandFailed(failed.code) from failed
            except BaseException:
                terminal.leave_raw_mode()
                await self._remove()
                raise
            terminal.leave()
            if not self._session.left:
                await self._remove()
            else:
                self._place.leave()
                if note := self._place.left_behind():
                    self._say(f"left; {note}")
            return terminal.stop_code if terminal.was_stopped else code

    async def _work(self) -> int:
        shell = await self._until_stopped(self._open())
        if shell is None:
            return self._terminal.stop_code
        end: ExecEnd | None = None
        try:
            end = await self._show(shell)
            while isinstance(end, Lost) and shell.held and (again := await self._attach_again(shell, end)) is not None:
                shell = again
                shell.redraw()  # what was shown meanwhile went nowhere
                end = await self._show(shell)
        finally:
            self._terminal.leave_raw_mode()
            if self._session.left:
                shell.abort()
            else:
                report = await self._close(shell)
                self._tell_report(report)
        return self._tell(None if self._session.stopped.is_set() else end)

    async def _show(self, shell: OpenedShell) -> ExecEnd | None:
        self._session.start(shell)
        return await self._session.show()

    async def _attach_again(self, shell: OpenedShell, lost: Lost) -> OpenedShell | None:
        """Attach to a held shell whose connection is lost; None: it is over, or we were told to end."""
        self._session.lose()
        shell.abort()
        self._say(f"the connection was lost ({lost.message}); attaching to the shell again")
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + AGAIN_SECONDS, _AGAIN_FIRST_SECONDS
        while True:
            size = self._terminal.size or (80, 24)
            found = await self._until_stopped(self._place.attach_again(self._session, size, shell.nonce))
            if found is None:
                return None
            if not isinstance(found, Failed):
                self._say("attached again: the shell has gone on")
                return found
            if not found.retryable or loop.time() > deadline:
                self._say(found.message)
                return None
            await self._until_stopped(asyncio.sleep(pause))
            pause = min(2 * pause, _AGAIN_MOST_SECONDS)

    async def _open(self) -> OpenedShell:
        try:
            await self._place.make(self._say)
            shell = await self._place.open_shell(self._session, self._terminal.size or (80, 24))
        except KubeError as error:  # what no step has words of its own for
            raise failure_of(failed_from_error(error)) from error
        if not shell.held and self._terminal.keyboard:
            self._say("nothing in this container can hold the shell: it ends when its connection is lost")
        return shell

    async def _until_stopped(self, opening: Coroutine[object, object, T]) -> T | None:
        """Await something; None when we were told to end before it was there."""
        task = asyncio.ensure_future(opening)
        stopping = asyncio.ensure_future(self._session.stopped.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            stopping.cancel()
            task.cancel()
            await asyncio.wait({task, stopping}, timeout=CLOSE_SECONDS)

    async def _close(self, shell: OpenedShell) -> LifelineReport | None:
        """End the shell; whoever asks a second time does not wait for it."""
        closing = asyncio.ensure_future(shell.close())
        given_up = asyncio.ensure_future(self._session.gave_up.wait())
        await asyncio.wait({closing, given_up}, timeout=CLOSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        given_up.cancel()
        if closing.done():
            return closing.result()
        closing.cancel()
        shell.abort()
        return None

    async def _remove(self) -> None:
        """Remove what was made. A first signal is no reason to stop; a second one is."""
        removing = asyncio.ensure_future(self._place.remove())
        given_up = asyncio.ensure_future(self._session.gave_up.wait())
        await asyncio.wait({removing, given_up}, timeout=REMOVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        given_up.cancel()
        if not removing.done():
            removing.cancel()
            if note := self._place.left_behind():
                self._say(f"not removed: {note}")
            return
        try:
            removing.result()
        except CommandFailed as failed:
            for line in failed.lines:
                self._say(line)

    # The end.

    def _tell_report(self, report: LifelineReport | None) -> None:
        if report is None:
            return
        if report.left:
            self._say(f"still running in the container, because they left the session: {', '.join(report.left)}")
        if report.unkilled:
            self._say(f"could not be ended: {', '.join(report.unkilled)}")

    def _tell(self, end: ExecEnd | None) -> int:
        match end:
            case None:
                return 0 if self._session.left else self._terminal.stop_code
            case Exited(code=code):
                return code & 0xFF
            case Failed():
                raise failure_of(end)
            case _:
                raise CommandFailed(FAILED, f"the shell was lost: {end.message}", "its processes are ended; run the command again")


def failure_of(failed: Failed) -> CommandFailed:
    """Return the exception that ends the command for a failure of the cluster's."""
    code = REFUSED if failed.kind in _REFUSALS else NO_SHELL if failed.kind is FailureKind.SHELL_MISSING else FAILED
    verb = " (refused by Kubernetes)" if code == REFUSED else ""
    return CommandFailed(code, failed.message + verb, failed.next_step)
