"""One life of a session's shell: its exec, the lifeline's exec beside it, and how both end (docs/adr/0002, 0007 for tools containers).

Both are opened at the same time, and the shell counts as open only when its marker came and the lifeline is ready. When no `sh` is in
PATH, the usual places are tried; where the runtime answers as one on Windows does, its shells (windows_shells.py). While the lifeline
is up it is told each 15 s that we are there. `close` has it end everything and brings its report. sessions.py owns it and decides what
follows.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

from podshell.aio.clock import Clock, TimerHandle
from podshell.kube.classify import Failed, FailureKind, failed_from_error
from podshell.kube.errors import KubeError
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import ExecEnd, Exited, Lost, LostReason
from podshell.kube.execs import ClusterAccess, ExecHandle
from podshell.kube.holder import hold_command, resume_command
from podshell.kube.lifeline import (
    BEAT_LINE,
    BEAT_SECONDS,
    END_LINE,
    NOT_HELD_LINE,
    SILENCE_SECONDS,
    LifelineReport,
    leader_line,
    lifeline_command,
)
from podshell.kube.marker import MARKER_SECONDS, SHELL_PATHS, Leader, wrapper_command
from podshell.kube.shell_receivers import LifelineReceiver, ShellOwner, ShellReceiver
from podshell.kube.shell_streams import StreamedShell
from podshell.kube.windows_shells import CHOOSING_SECONDS, END_KEYS, WINDOWS_SHELLS, Choosing, says_windows

log = logging.getLogger(__name__)

# The ladder takes 0.1 s for those who follow HUP, 1.2 s for those who do not, 2.2 s where something cannot be killed.
REPORT_SECONDS = 5.0
# After the lifeline has killed the shell, its Status comes within milliseconds.
_STATUS_SECONDS = 1.0
# A lifeline that is lost kills the shell in 1.2 s (v5), or its child does within 6 s (v4).
_LIFELINE_TRIES = 2
_LIFELINE_READY_SECONDS = 10.0

# How an exec fails in a container that has ended, or whose pod has gone.
CONTAINER_ENDED = frozenset({FailureKind.CONTAINER_NOT_RUNNING, FailureKind.TARGET_GONE})
# What `_resume` answers when there is no held shell to go on with.
_GONE = Failed(FailureKind.TARGET_GONE, "the held shell is gone", "Open a new one.")


@dataclass(frozen=True, slots=True)
class ShellPlan:
    """What to run, and where.

    `tools`: a tools container of ours, where the lifeline keeps the waiter alive and the shell is held if the image can. `resume`: the
    nonce of a shell that is held there, to go on with if it lives; `resume_only`: and to fail if it does not. `windows`: it is known
    that there is no `sh`, or none that is meant.
    """

    target: ExecTarget
    command: Sequence[str]
    tty: bool
    tools: bool = False
    resume: str = ""
    resume_only: bool = False
    windows: bool = False


class Shell(StreamedShell):
    """One shell and its lifeline. `open` once, then `wait`, then `close`; `abort` at any time."""

    def __init__(self, cluster: ClusterAccess, plan: ShellPlan, owner: ShellOwner, clock: Clock, *, size: tuple[int, int]) -> None:
        super().__init__(tty=plan.tty, size=size)
        self.nonce = ""
        self.leader: Leader | None = None
        self.managed = True
        self.windows = plan.windows
        self.held = False  # it outlives this object's connections: `abort` leaves it to whoever resumes it
        self.resumed = False  # it is the one that was to be resumed, with its state
        self._cluster = cluster
        self._plan = plan
        self._owner = owner
        self._clock = clock
        self._opened = False
        self._receiver: ShellReceiver | None = None
        self._lifeline: ExecHandle | None = None
        self._lifeline_receiver: LifelineReceiver | None = None
        self._beats: TimerHandle | None = None

    # -- opening ----------------------------------------------------------------------------------------------------

    async def open(self) -> Failed | None:
        """Start shell and lifeline; returns why it failed. Then, and when it is cancelled, `close` or `abort` must follow."""
        if self._plan.resume and ((outcome := await self._resume()) is not _GONE or self._plan.resume_only):
            return outcome
        failed: Failed | None = None
        for path in SHELL_PATHS if not self.windows else ():
            self.nonce = secrets.token_hex(16)
            failed = await self._open_with(path, self._start_command(path))
            if failed is None or failed.kind is not FailureKind.SHELL_MISSING:
                return failed
            self.abort()
            if says_windows(failed):
                self.windows = True
                break
        if self._plan.command:
            return await self._open_unmanaged(self._plan.command)
        return await self._open_windows() if self.windows else failed

    async def _resume(self) -> Failed | None:
        """Go on with the held shell; `_GONE` when it is not there any more."""
        self.nonce = self._plan.resume
        failed: Failed | None = None
        for path in SHELL_PATHS:  # an image that has it elsewhere was found in the same way when the shell was started
            failed = await self._open_with(path, resume_command(path, self.nonce, size=self._first_size))
            if failed is None or failed.kind is not FailureKind.SHELL_MISSING:
                break
            self.abort()
        marker = self._receiver.marker if self._receiver is not None else None
        if failed is None and marker is not None and not marker.held:
            self.abort()
            return _GONE
        self.resumed = failed is None
        return failed

    def _start_command(self, path: str) -> list[str]:
        make = hold_command if self._plan.tools else wrapper_command
        return make(path, self.nonce, self._plan.command, size=self._first_size)

    async def _open_with(self, path: str, command: Sequence[str]) -> Failed | None:
        receiver = self._receiver = ShellReceiver(self._owner, self.nonce, self._clock)
        timer = self._clock.call_later(MARKER_SECONDS, receiver.give_up_waiting)
        try:
            async with asyncio.TaskGroup() as group:
                lifeline = group.create_task(self._open_lifeline(path))
                shell = group.create_task(self._open_stream(command, receiver))
        finally:
            timer.cancel()
        if (failed := shell.result() or self._early_failure()) is not None:
            return failed
        self.leader = receiver.marker.leader if receiver.marker is not None else None
        self.held = receiver.marker is not None and receiver.marker.held
        failed = lifeline.result()
        ended = receiver.ended_with.done()
        if failed is not None and failed.kind in CONTAINER_ENDED and not (ended and self.leader is not None):
            return failed  # it ended under both
        if failed is not None and not ended:
            return Failed(
                failed.kind if failed.kind is not FailureKind.SHELL_MISSING else FailureKind.SERVER,
                f"the shell was closed again because nothing could watch over it: {failed.message}",
                failed.next_step,
                retryable=failed.retryable,
            )
        if self._lifeline is not None:
            unheld = NOT_HELD_LINE if self._plan.tools and not self.held else b""
            told = unheld + (leader_line(self.leader) if self.leader is not None else b"")
            if told:
                self._lifeline.send_stdin(told)
        return None

    def _early_failure(self) -> Failed | None:
        receiver = self._receiver
        if receiver is None or not receiver.ended_with.done():
            return None
        end = receiver.ended_with.result()
        return end if isinstance(end, Failed) else None

    async def _open_stream(self, command: Sequence[str], receiver: ShellReceiver) -> Failed | None:
        plan = self._plan
        try:
            stream = await self._cluster.open_exec(
                plan.target,
                command,
                tty=plan.tty,
                size=self._first_size,
                receiver=receiver,
                on_stdin_writable=self._owner.shell_writable,
            )
        except KubeError as error:
            return failed_from_error(error)
        self._opened = True
        self._connect(stream)
        await receiver.settled
        return None

    async def _open_lifeline(self, path: str) -> Failed | None:
        failed: Failed | None = None
        for _ in range(_LIFELINE_TRIES):
            failed = await self._open_lifeline_once(path)
            if failed is None or failed.kind in (FailureKind.SHELL_MISSING, FailureKind.CONTAINER_NOT_RUNNING):
                break
        return failed

    async def _open_lifeline_once(self, path: str) -> Failed | None:
        receiver = self._lifeline_receiver = LifelineReceiver()
        command = lifeline_command(path, self.nonce, "h" if self._plan.tools else "")
        try:
            self._lifeline = await self._cluster.open_exec(self._plan.target, command, tty=False, size=None, receiver=receiver)
            async with asyncio.timeout(_LIFELINE_READY_SECONDS):
                await receiver.ready.wait()
        except KubeError as error:
            return failed_from_error(error)
        except TimeoutError:
            return Failed(FailureKind.SERVER, "its lifeline did not answer", "Try again.", retryable=True)
        if receiver.reader.report.ready:
            self._beat()
            return None
        if receiver.reader.report.no_proc:
            return Failed(FailureKind.SERVER, "the container has no /proc", "Name another container of the pod.")
        if receiver.reader.report.closing:
            text = "nobody was there for so long that its container ends"
            return Failed(FailureKind.CONTAINER_NOT_RUNNING, text, "Open it again, in a new container.")
        end = receiver.ended_with.result()
        return end if isinstance(end, Failed) else Failed(FailureKind.SERVER, f"its lifeline ended at once ({end})", "Try again.")

    async def _open_windows(self) -> Failed | None:
        """Start the first shell that a Windows container has."""
        failed: Failed | None = None
        for command in WINDOWS_SHELLS:
            failed = await self._open_unmanaged(command, choosing=Choosing())
            if failed is None or failed.kind is not FailureKind.SHELL_MISSING:
                break
            self.abort()
        return failed

    async def _open_unmanaged(self, command: Sequence[str], choosing: Choosing | None = None) -> Failed | None:
        """Run a command of an image without `sh`: nothing can watch over it there."""
        self.managed, self.nonce = False, ""
        self._lifeline = self._lifeline_receiver = None
        receiver = self._receiver = ShellReceiver(self._owner, None, self._clock, choosing=choosing)
        timer = self._clock.call_later(CHOOSING_SECONDS, receiver.give_up_waiting)
        try:
            return await self._open_stream(command, receiver) or self._early_failure()
        finally:
            timer.cancel()

    # -- while it runs ----------------------------------------------------------------------------------------------

    async def wait(self) -> ExecEnd:
        """Wait for the shell's end. A lost lifeline kills the shell, so its loss is the shell's. Cancelling is safe.

        `Lost`, too, when the lifeline has not heard of us for so long that it ends the shell, or leaves it to whoever comes.
        """
        assert self._receiver is not None
        waiting: list[asyncio.Future[Any]] = [self._receiver.ended_with]
        if self._lifeline_receiver is not None:
            waiting.append(self._lifeline_receiver.lost)
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._lifeline_receiver is not None and self._lifeline_receiver.reader.report.unheard:
            # Whoever was stopped meanwhile reads this and the shell's end at the same moment: this is why it ended.
            return Lost(LostReason.TRANSPORT, f"the container heard nothing from here for {SILENCE_SECONDS} s")
        if self._receiver.ended_with.done():
            return self._receiver.ended_with.result()
        return Lost(LostReason.TRANSPORT, "the connection that watches over the shell was lost")

    def _beat(self) -> None:
        """Tell the lifeline that we are there, now and from time to time. A timer a shell: they do not all come at once."""
        receiver = self._lifeline_receiver
        if self._lifeline is not None and receiver is not None and not receiver.ended_with.done():
            self._lifeline.send_stdin(BEAT_LINE)
            self._beats = self._clock.call_later(BEAT_SECONDS, self._beat)

    def _end_beats(self) -> None:
        if self._beats is not None:
            self._beats.cancel()
            self._beats = None

    # -- the end ----------------------------------------------------------------------------------------------------

    async def close(self, patience_seconds: float = REPORT_SECONDS) -> LifelineReport:
        """End everything of the session in the container and return what became of it. Cancelling drops the connections."""
        self.set_paused(False)
        self._end_beats()
        try:
            receiver = self._lifeline_receiver
            if self._lifeline is not None and receiver is not None and not receiver.ended_with.done():
                self._lifeline.send_stdin(END_LINE)
                await _wait(receiver.done.wait(), patience_seconds)
            elif self._stream is not None and not (receiver is not None and receiver.reader.report.ready):
                self._end_in_band()  # a lifeline that was there is at work by itself
            if self._receiver is not None and self._stream is not None:
                await _wait(asyncio.shield(self._receiver.ended_with), _STATUS_SECONDS)
            return receiver.reader.report if receiver is not None else LifelineReport()
        finally:
            self.abort()

    @property
    def may_remain(self) -> bool:
        """Whether, after `close`, nobody has said that nothing is left: `end_processes` must be tried."""
        receiver = self._lifeline_receiver
        return self.managed and not self.ended and not (receiver is not None and receiver.reader.report.done)

    @property
    def ended(self) -> bool:
        """Whether the server has said that the shell's process ended, or there never was one."""
        receiver = self._receiver
        return (
            receiver is None
            or not self._opened
            or (receiver.ended_with.done() and isinstance(receiver.ended_with.result(), Exited | Failed))
        )

    def abort(self) -> None:
        """Drop both connections; the lifeline then does its work unasked."""
        super().abort()
        self._end_beats()
        if self._lifeline is not None:
            self._lifeline.abort()
            self._lifeline = None

    def _end_in_band(self) -> None:
        # kubernetes.md 3, first rung: all that can be done where nothing watches over the process.
        assert self._stream is not None
        if self._tty:
            self._stream.send_stdin(END_KEYS if self.windows else b"\x03\x03\x04")
        elif self._stream.can_close_stdin:
            self._stream.close_stdin()


async def end_processes(cluster: ClusterAccess, target: ExecTarget, nonce: str, leader: Leader | None) -> LifelineReport:
    """End what is left of a shell whose own lifeline is gone, here or with an earlier agent: by a lifeline told to begin at once.

    Raises:
        KubeError: the exec was refused, or nobody answered.
    """
    receiver = LifelineReceiver()
    stream: ExecHandle | None = None
    try:
        for path in SHELL_PATHS:
            receiver = LifelineReceiver()
            stream = await cluster.open_exec(target, lifeline_command(path, nonce), tty=False, size=None, receiver=receiver)
            stream.send_stdin((leader_line(leader) if leader is not None else b"") + END_LINE)
            await _wait(receiver.done.wait(), REPORT_SECONDS)
            end = receiver.ended_with.result() if receiver.ended_with.done() else None
            if not isinstance(end, Failed) or end.kind is not FailureKind.SHELL_MISSING:
                break
        return receiver.reader.report
    finally:
        if stream is not None:
            stream.abort()


async def _wait(waiting: Awaitable[object], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True
