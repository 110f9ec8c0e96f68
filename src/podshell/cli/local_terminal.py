"""This process's side of a session: its standard streams, its terminal's modes and size, the detach keys, and the signals.

It knows nothing of where the session is: `Remote` is a session through the gateway (exec_session.py) or one of our own (direct_session.py).
Raw mode is left in every end but SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from podshell.cli.detach_keys import DetachMatcher
from podshell.cli.hints import HintWatcher
from podshell.cli.raw_mode import RESET_SEQUENCE, RawMode, is_terminal, terminal_size
from podshell.cli.remarks import Remarks
from podshell.cli.standard_streams import InputReader, OutputClosed, OutputWriter
from podshell.wire.replies import ReplySplitter

STDIN, STDOUT, STDERR = 0, 1, 2
# A reply that came in two reads comes within a few milliseconds; a hand takes longer.
SPLIT_REPLY_SECONDS = 0.05
# What a shell says of a process that SIGPIPE ended.
_PIPE_CODE = 128 + signal.SIGPIPE
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose: whether standard input is passed on, the keys that leave the session running, and whether to be advised."""

    stdin: bool
    detach_keys: bytes
    hints: bool = False


def has_stdin() -> bool:
    """Whether there is a standard input at all."""
    try:
        os.fstat(STDIN)
    except OSError:
        return False
    return True


class Remote(Protocol):
    """What a local terminal needs of its session; called on the event loop."""

    @property
    def connected(self) -> bool: ...

    @property
    def input_is_full(self) -> bool:
        """Whether standard input should not be read for now; `LocalTerminal.note_room` says when it may be again."""

    def type(self, data: bytes, *, auto: bool) -> None:
        """Send typed bytes; `auto`: the terminal made them by itself."""

    def end_input(self) -> None: ...

    def resize(self) -> None: ...

    def detach(self) -> None: ...

    def end_session(self) -> None:
        """This process was told to end, or nobody reads its output: end the session."""

    def give_up(self) -> None:
        """Asked to end a second time: wait for nothing."""


class LocalTerminal:
    """The terminal, or the pipes, of one session. Use it as a context: it takes the signals and gives them back.

    Args:
        tty: the session has a terminal of its own.
    """

    def __init__(self, choices: Choices, *, tty: bool) -> None:
        self._choices = choices
        self._tty = tty
        self._loop = asyncio.get_running_loop()
        self._raw = RawMode(STDIN)
        self.keyboard = tty and choices.stdin and is_terminal(STDIN)
        self.remarks = Remarks(STDERR, lambda: self._raw.active)
        self.stopped_by: signal.Signals | None = None
        self.output_closed = False
        self._output = OutputWriter(STDOUT)
        self._errors: OutputWriter | None = None
        self._replies = ReplySplitter()
        self._flush: asyncio.TimerHandle | None = None
        self._matcher = DetachMatcher(choices.detach_keys if self.keyboard else b"")
        self._reader = InputReader(STDIN, self._typed, self._typed_all)
        self._hints = HintWatcher() if choices.hints else None
        self._remote: Remote | None = None
        self._signals: list[signal.Signals] = []

    def __enter__(self) -> LocalTerminal:
        for number in _ENDING_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                self._handle(number, lambda number=number: self.stop(number))  # type: ignore[misc]  # bound now
        self._handle(signal.SIGTSTP, self._suspend)
        self._handle(signal.SIGCONT, self._go_on)
        self._handle(signal.SIGWINCH, self._resized)
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        for number in self._signals:
            self._loop.remove_signal_handler(number)
        self._signals.clear()

    def _handle(self, number: signal.Signals, handler: Callable[[], None]) -> None:
        self._loop.add_signal_handler(number, handler)
        self._signals.append(number)

    def connect(self, remote: Remote) -> None:
        """Say whom the keys go to; before that they stay in the terminal."""
        self._remote = remote

    # What the session calls.

    @property
    def size(self) -> tuple[int, int] | None:
        """Columns and rows; None without a terminal."""
        return terminal_size(STDOUT, STDIN) if self._tty else None

    @property
    def stop_code(self) -> int:
        """The exit code of a process that was told to end, or whose output nobody reads."""
        return _PIPE_CODE if self.stopped_by is None else 128 + self.stopped_by

    @property
    def was_stopped(self) -> bool:
        return self.stopped_by is not None or self.output_closed

    def attach(self) -> None:
        """The session is there: keys are its own from now on."""
        if self.keyboard and self.stopped_by is None:
            self._raw.enter()
        if not self._choices.stdin and self._remote is not None:
            self._remote.end_input()

    def note_room(self) -> None:
        """Read standard input, as long as the session takes it."""
        if self._choices.stdin and self._remote is not None and not self._remote.input_is_full:
            self._reader.resume()

    async def write(self, data: bytes) -> None:
        """Show output, and advice on it beside; returns when it is with the reader."""
        shown = 0
        for offset, advice in self._hints.receive(data) if self._hints is not None else ():
            await self._write(data[shown:offset])
            self.remarks.say(advice)
            shown = offset
        await self._write(data[shown:] if shown else data)

    async def write_errors(self, data: bytes) -> None:
        """Show what a command wrote to its standard error on ours; where there is none, nobody wants it."""
        if not data:
            return
        self._errors = self._errors or OutputWriter(STDERR)
        with contextlib.suppress(OutputClosed):
            await self._errors.write(data)
        for _, advice in self._hints.receive(data) if self._hints is not None else ():
            self.remarks.say(advice)

    async def _write(self, data: bytes) -> None:
        if self.output_closed or not data:
            return
        try:
            await self._output.write(data)
        except OutputClosed:
            self.output_closed = True
            if self._remote is not None:
                self._remote.end_session()

    def leave(self) -> None:
        """Read no more, and put the terminal back."""
        self._reader.pause()
        self.leave_raw_mode()
        for advice in self._hints.finish() if self._hints is not None else ():
            self.remarks.say(advice)

    def leave_raw_mode(self) -> None:
        if self._raw.active:
            if is_terminal(STDOUT):
                self._reset_terminal()
            self._raw.restore()

    def _reset_terminal(self) -> None:
        try:
            os.write(STDOUT, RESET_SEQUENCE)
        except OSError:
            return  # the terminal is gone

    # Signals.

    def stop(self, number: signal.Signals) -> None:
        """End the session because this process was told to end: whoever does that has no more use for it."""
        again = self.stopped_by is not None
        if again and number is signal.SIGHUP:
            return  # a closed terminal is told by the kernel's signal and by the end of input, in any order: that is once
        self.stopped_by = self.stopped_by or number
        if not again:
            self.leave_raw_mode()
        if self._remote is not None:
            (self._remote.give_up if again else self._remote.end_session)()

    def _suspend(self) -> None:
        self.leave_raw_mode()
        self._raw.suspend()
        self._go_on()

    def _go_on(self) -> None:
        """We were stopped: the shell that started us has set its own modes."""
        if self._remote is None:
            return
        if self.keyboard and self._remote.connected and self.stopped_by is None:
            self._raw.enter()
        self._remote.resize()

    def _resized(self) -> None:
        if self._remote is not None:
            self._remote.resize()

    # Standard input.

    def _typed(self, data: bytes) -> None:
        assert self._remote is not None
        if self.keyboard:
            for piece, auto in self._replies.receive(data):
                self._type(piece, auto)
            self._flush_soon()
        else:
            self._remote.type(data, auto=False)
        if self._remote.input_is_full:
            self._reader.pause()

    def _flush_soon(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._replies.pending:
            self._flush = self._loop.call_later(SPLIT_REPLY_SECONDS, self._flush_replies)

    def _flush_replies(self) -> None:
        for piece, auto in self._replies.flush():
            self._type(piece, auto)

    def _type(self, data: bytes, auto: bool) -> None:
        assert self._remote is not None
        if auto:
            self._remote.type(data, auto=True)
            return
        passed, leave = self._matcher.receive(data)
        self._remote.type(passed, auto=False)
        if leave:
            self._remote.detach()

    def _typed_all(self) -> None:
        assert self._remote is not None
        if self.keyboard:
            self.stop(signal.SIGHUP)  # a terminal has no end: it was closed
        elif self._tty:
            self._remote.type(b"\x04", auto=False)  # a pipe into a remote terminal: there the end of input is a key
        else:
            self._remote.end_input()
