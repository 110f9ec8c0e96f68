"""Joins a viewer to this process: its standard streams, its terminal's modes and size, the detach keys, and the signals."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass

from podshell.cli.api import Api, Refused, SessionRow, Unreachable
from podshell.cli.detach_keys import DetachMatcher
from podshell.cli.exits import FAILED, code_of_end, code_of_refusal, lines_of_end, lines_of_refusal
from podshell.cli.gateways import Gateway
from podshell.cli.raw_mode import RESET_SEQUENCE, RawMode, is_terminal, terminal_size
from podshell.cli.remarks import Remarks
from podshell.cli.standard_streams import InputReader, OutputClosed, OutputWriter
from podshell.cli.typed_input import WAITING_BYTES
from podshell.cli.viewer import Broken, Detached, Ended, Ending, Failed, GaveUp, Screen, Viewer
from podshell.wire.replies import ReplySplitter

STDIN, STDOUT, STDERR = 0, 1, 2
# How long after a signal the session's end is waited for: the teardown ladder takes 1.2 s for those who ignore HUP.
GOODBYE_SECONDS = 3.0
# A reply that came in two reads comes within a few milliseconds; a hand takes longer.
SPLIT_REPLY_SECONDS = 0.05
# What a shell says of a process that SIGPIPE ended.
_PIPE_CODE = 128 + signal.SIGPIPE
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose: whether standard input is passed on, and the keys that leave the session running."""

    stdin: bool
    detach_keys: bytes


class ExecSession:
    """One run of `podshell exec` with a session that exists."""

    def __init__(
        self, api: Api, gateway: Gateway, session: SessionRow, choices: Choices, *, ticket: str | None = None, joining: bool = False
    ) -> None:
        self._api = api
        self._session = session
        self._choices = choices
        self._loop = asyncio.get_running_loop()
        self._raw = RawMode(STDIN)
        self._keyboard = session.tty and choices.stdin and is_terminal(STDIN)
        self.remarks = Remarks(STDERR, lambda: self._raw.active)
        self._output = OutputWriter(STDOUT)
        self._output_closed = False
        self._signal: signal.Signals | None = None
        self._replies = ReplySplitter()
        self._flush: asyncio.TimerHandle | None = None
        self._matcher = DetachMatcher(choices.detach_keys if self._keyboard else b"")
        self._reader = InputReader(STDIN, self._typed, self._typed_all)
        self._done = asyncio.Event()
        screen = Screen(self._write, self.remarks.say, self._attached, self._size, self._note_room)
        url = gateway.url.replace("http", "ws", 1) + "/ws/terminal"
        self._viewer = Viewer(api, url, gateway.token, session, screen, ticket=ticket, joining=joining)

    async def run(self) -> int:
        """Show the session until it ends or is left; returns the exit code. The terminal is as before afterwards."""
        viewing = asyncio.ensure_future(self._viewer.run())
        with _Signals(self._loop, self):
            try:
                viewing.add_done_callback(lambda _: self._done.set())
                await self._done.wait()
                code = self._tell(viewing.result()) if viewing.done() else self._stop_code()
            finally:
                viewing.cancel()
                await asyncio.wait({viewing}, timeout=1.5)
                self._reader.pause()
                self._leave_raw_mode()
        return code if self._signal is None and not self._output_closed else self._stop_code()

    # Signals.

    def stop(self, number: signal.Signals) -> None:
        """End the session because this process was told to end: whoever does that has no more use for it."""
        if self._signal is not None:
            self._give_up()  # asked twice
            return
        self._signal = number
        self._leave_raw_mode()
        self._end_session()

    def suspend(self) -> None:
        self._leave_raw_mode()
        self._raw.suspend()
        self.resume()

    def resume(self) -> None:
        """We were stopped: the shell that started us has set its own modes."""
        if self._keyboard and self._viewer.connected:
            self._raw.enter()
        self._viewer.resize()

    def resize(self) -> None:
        self._viewer.resize()

    def _stop_code(self) -> int:
        return _PIPE_CODE if self._signal is None else 128 + self._signal

    def _end_session(self) -> None:
        self._loop.call_later(GOODBYE_SECONDS, self._give_up)
        if self._viewer.connected:
            self._viewer.close_session()
        else:
            self._closing = asyncio.ensure_future(self._close_by_api())

    async def _close_by_api(self) -> None:
        try:
            await self._api.close_session(self._session.id)
        except (Refused, Unreachable) as error:
            self.remarks.say(f"the session could not be ended: {error}; it ends by itself when its idle time is up")
        self._give_up()

    def _give_up(self) -> None:
        self._done.set()

    # The local terminal.

    def _size(self) -> tuple[int, int] | None:
        return terminal_size(STDOUT, STDIN) if self._session.tty else None

    def _attached(self) -> None:
        if self._keyboard and self._signal is None:
            self._raw.enter()
        if not self._choices.stdin:
            self._viewer.end_input()

    def _leave_raw_mode(self) -> None:
        if self._raw.active:
            if is_terminal(STDOUT):
                self._reset_terminal()
            self._raw.restore()

    def _reset_terminal(self) -> None:
        try:
            os.write(STDOUT, RESET_SEQUENCE)
        except OSError:
            return  # the terminal is gone

    # Standard streams.

    def _note_room(self) -> None:
        if self._choices.stdin and self._viewer.typed.waiting_bytes < WAITING_BYTES:
            self._reader.resume()

    def _typed(self, data: bytes) -> None:
        if self._keyboard:
            for piece, auto in self._replies.receive(data):
                self._type(piece, auto)
            self._flush_soon()
        else:
            self._viewer.type(data, auto=False)
        if self._viewer.typed.waiting_bytes >= WAITING_BYTES:
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
        if auto:
            self._viewer.type(data, auto=True)
            return
        passed, leave = self._matcher.receive(data)
        self._viewer.type(passed, auto=False)
        if leave:
            self._viewer.detach()

    def _typed_all(self) -> None:
        if self._keyboard:
            self.stop(signal.SIGHUP)  # a terminal has no end: it was closed
        elif self._session.tty:
            self._viewer.type(b"\x04", auto=False)  # a pipe into a remote terminal: there the end of input is a key
        else:
            self._viewer.end_input()

    async def _write(self, data: bytes) -> None:
        if self._output_closed:
            return
        try:
            await self._output.write(data)
        except OutputClosed:
            self._output_closed = True
            self._end_session()

    # The end.

    def _tell(self, ending: Ending) -> int:
        self._leave_raw_mode()
        match ending:
            case Ended(end=end):
                we_closed_it = end.reason == "closed" and (self._signal is not None or self._output_closed)
                for line in [] if we_closed_it else lines_of_end(end):
                    self.remarks.say(line)
                return code_of_end(end)
            case Detached():
                self.remarks.say(f"left; the shell goes on. Come back: podshell exec --session {self._session.id}")
                return 0
            case Failed(refusal=refusal):
                for line in lines_of_refusal(refusal):
                    self.remarks.say(line)
                return code_of_refusal(refusal)
            case GaveUp(text=text):
                self.remarks.say(f"no connection to the session any more: {text}")
                self.remarks.say(f"it may go on; look for it: podshell exec --session {self._session.id}")
                return FAILED
            case Broken(text=text):
                self.remarks.say(f"{text}; its input and output are not whole")
                return FAILED


class _Signals:
    """The signals of one run, by the loop; put back afterwards."""

    def __init__(self, loop: asyncio.AbstractEventLoop, session: ExecSession) -> None:
        self._loop = loop
        self._session = session
        self._numbers: list[signal.Signals] = []

    def __enter__(self) -> None:
        for number in _ENDING_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                self._loop.add_signal_handler(number, self._session.stop, number)
                self._numbers.append(number)
        others = [
            (signal.SIGTSTP, self._session.suspend),
            (signal.SIGCONT, self._session.resume),
            (signal.SIGWINCH, self._session.resize),
        ]
        for number, handler in others:
            self._loop.add_signal_handler(number, handler)
            self._numbers.append(number)

    def __exit__(self, *_: object) -> None:
        for number in self._numbers:
            self._loop.remove_signal_handler(number)
