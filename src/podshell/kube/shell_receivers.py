"""Who hears a shell's exec and its lifeline's: what they say before, beside and behind the shell's own bytes is taken out here."""

from __future__ import annotations

import asyncio
from typing import Protocol

from podshell.aio.clock import Clock, TimerHandle
from podshell.kube.channels import STDERR
from podshell.kube.classify import Failed, classify_exit
from podshell.kube.exec_ends import ExecEnd, Exited
from podshell.kube.holder import CLEARING, HELD_BACK_SECONDS, TrailerFilter
from podshell.kube.lifeline import ReportReader
from podshell.kube.marker import MARKER_LIMIT_BYTES, MarkerFilter
from podshell.kube.windows_shells import Choosing


class ShellOwner(Protocol):
    """Who gets a shell's output; called on the event loop."""

    def shell_output(self, data: bytes | memoryview) -> None: ...

    def shell_errors(self, data: bytes | memoryview) -> None:
        """Take what a command without a terminal wrote to its standard error."""

    def shell_writable(self) -> None: ...


class ShellReceiver:
    """The shell exec's receiver: takes the marker out, and a holder's last words; keeps the end.

    Args:
        nonce: the marker's; None: there will be no marker.
        choosing: the shell may turn out to be missing, and would be followed by another.
    """

    def __init__(self, owner: ShellOwner, nonce: str | None, clock: Clock, *, choosing: Choosing | None = None) -> None:
        self.choosing = choosing
        self.marker = MarkerFilter(nonce) if nonce is not None else None
        self.settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended_with: asyncio.Future[ExecEnd] = asyncio.get_running_loop().create_future()
        self._owner = owner
        self._clock = clock
        self._opened_at = asyncio.get_running_loop().time()
        self._trailer: TrailerFilter | None = None
        self._clearing = False
        self._release: TimerHandle | None = None
        self._early_errors = bytearray()  # came before the marker, which has another way

    def up(self) -> None:
        if self.marker is None and self.choosing is None:
            self.settle()

    def output(self, channel: int, data: memoryview | bytes) -> None:
        if channel == STDERR and self.choosing is None:
            self._receive_errors(data)
            return
        if self.marker is not None and not self.marker.done:
            data = self._receive_start(self.marker, data)
        if self.choosing is not None and not self.choosing.done:
            data = self._receive_choice(self.choosing, data)
        if self._clearing and data:
            self._clearing = False
            data = bytes(data).removeprefix(CLEARING)  # dtach's own: the screen is the shell's, or the user's
        if self._trailer is not None:
            data = self._receive_held(self._trailer, data)
        if data:
            self._owner.shell_output(data)

    def _receive_errors(self, data: memoryview | bytes) -> None:
        if self.marker is not None and not self.marker.done and len(self._early_errors) < MARKER_LIMIT_BYTES:
            self._early_errors += data
        else:
            self._pass_early_errors()
            self._owner.shell_errors(data)

    def _pass_early_errors(self) -> None:
        if self._early_errors:
            self._owner.shell_errors(bytes(self._early_errors))
            self._early_errors.clear()

    def _receive_start(self, marker: MarkerFilter, data: memoryview | bytes) -> memoryview | bytes:
        passed = marker.receive(data)
        if marker.held and self._trailer is None:
            self._trailer = TrailerFilter()
            self._clearing = True
        if marker.done:
            self._pass_early_errors()
            self.settle()
        return passed

    def _receive_choice(self, choosing: Choosing, data: memoryview | bytes) -> bytes:
        passed = choosing.receive(data)
        if choosing.done:
            self.settle()
        return passed

    def _receive_held(self, trailer: TrailerFilter, data: memoryview | bytes) -> memoryview | bytes:
        passed = trailer.receive(data)
        if self._release is not None:
            self._release.cancel()
        self._release = self._clock.call_later(HELD_BACK_SECONDS, self._pass_held) if trailer.holds else None
        return passed

    def _pass_held(self) -> None:
        if self._trailer is not None and (held := self._trailer.release()):
            self._owner.shell_output(held)

    def ended(self, end: ExecEnd) -> None:
        if self._release is not None:
            self._release.cancel()
        if self._trailer is not None and (rest := self._trailer.finish()):
            self._owner.shell_output(rest)
        beginning = self.marker or self.choosing
        if beginning is not None and not beginning.done:
            held = beginning.give_up()
            if isinstance(end, Exited):
                seconds = asyncio.get_running_loop().time() - self._opened_at
                said = (held + bytes(self._early_errors)).decode("utf-8", "replace")
                end = classify_exit(end.code, said, seconds_after_start=seconds, started=False) or end
            if not isinstance(end, Failed):
                if held:
                    self._owner.shell_output(held)
                self._pass_early_errors()
        if not self.ended_with.done():
            self.ended_with.set_result(end)
        self.settle()

    def give_up_waiting(self) -> None:
        """The marker, or the first word, does not come: let everything pass."""
        beginning = self.marker or self.choosing
        if beginning is not None and not beginning.done:
            held = beginning.give_up()
            if held:
                self._owner.shell_output(held)
            self._pass_early_errors()
            self.settle()

    def settle(self) -> None:
        if not self.settled.done():
            self.settled.set_result(None)


class LifelineReceiver:
    """The lifeline exec's receiver: reads the report."""

    def __init__(self) -> None:
        self.reader = ReportReader()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()  # it ended, or has not heard of us for too long
        self.ready = asyncio.Event()
        self.done = asyncio.Event()
        self.ended_with: asyncio.Future[ExecEnd] = asyncio.get_running_loop().create_future()

    def up(self) -> None:
        pass

    def output(self, channel: int, data: memoryview | bytes) -> None:
        if channel == 1:
            self.reader.receive(data)
            if self.reader.report.ready:
                self.ready.set()
            if self.reader.report.done:
                self.done.set()
            if self.reader.report.unheard:
                self._lose()

    def ended(self, end: ExecEnd) -> None:
        if not self.ended_with.done():
            self.ended_with.set_result(end)
        self.ready.set()
        self.done.set()
        self._lose()

    def _lose(self) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
