"""Joins one shell of our own (kube/shells.py) to the local terminal, without gateway and agent: bytes, sizes, keys, and its end.

What made the container and what removes it is direct.py's. Output that the local terminal has not taken yet is bounded: above
`WAITING_BYTES` the stream is not read.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from podshell.cli.local_terminal import LocalTerminal
from podshell.kube.exec_ends import ExecEnd

# Output that came and is not shown yet. One read brings at most 512 KiB more (kube/exec_ends.py).
WAITING_BYTES = 256 * 1024


class RunningShell(Protocol):
    """What is needed of a shell that is open."""

    @property
    def writable(self) -> bool: ...

    def send_input(self, data: bytes) -> None: ...

    def end_input(self) -> None: ...

    def resize(self, cols: int, rows: int) -> None: ...

    def redraw(self) -> None: ...

    def set_paused(self, paused: bool) -> None: ...

    async def wait(self) -> ExecEnd: ...


class DirectSession:
    """The owner of a shell (its output comes here) and the remote of a local terminal (its keys go there).

    Make it, hand it to the shell, then `start`, then `show` until the end.
    """

    def __init__(self, terminal: LocalTerminal) -> None:
        self._terminal = terminal
        self._shell: RunningShell | None = None
        self._waiting = bytearray()
        self._waiting_errors = bytearray()
        self._changed = asyncio.Event()
        self._ended = False
        self._typed_ahead = bytearray()  # while the connection is lost; one read of the terminal at most
        self.stopped: asyncio.Event = asyncio.Event()
        self.gave_up: asyncio.Event = asyncio.Event()
        self.left: bool = False
        terminal.connect(self)

    # What the shell calls.

    def shell_output(self, data: bytes | memoryview) -> None:
        self._waiting += data
        self._note_output()

    def shell_errors(self, data: bytes | memoryview) -> None:
        self._waiting_errors += data
        self._note_output()

    def _note_output(self) -> None:
        self._changed.set()
        if len(self._waiting) + len(self._waiting_errors) > WAITING_BYTES and self._shell is not None:
            self._shell.set_paused(True)

    def shell_writable(self) -> None:
        self._terminal.note_room()

    # What the local terminal calls.

    @property
    def connected(self) -> bool:
        return self._shell is not None

    @property
    def input_is_full(self) -> bool:
        return self._shell is None or not self._shell.writable

    def type(self, data: bytes, *, auto: bool) -> None:
        if self._shell is not None:
            self._shell.send_input(data)
        else:
            self._typed_ahead += data

    def end_input(self) -> None:
        if self._shell is not None:
            self._shell.end_input()

    def resize(self) -> None:
        size = self._terminal.size
        if self._shell is not None and size is not None:
            self._shell.resize(*size)

    def detach(self) -> None:
        self.left = True
        self.stopped.set()

    def end_session(self) -> None:
        self.stopped.set()

    def give_up(self) -> None:
        self.gave_up.set()

    # Its life.

    def start(self, shell: RunningShell) -> None:
        """The shell is open: the keyboard is its own."""
        self._shell = shell
        self._ended = False
        self._terminal.attach()
        self.resize()  # the window may have changed since the shell was asked for
        if self._typed_ahead:
            shell.send_input(bytes(self._typed_ahead))
            self._typed_ahead.clear()
        self._terminal.note_room()

    def lose(self) -> None:
        """The connection is lost and the shell may not be: keys wait for `start`, which is called again."""
        self._shell = None

    async def show(self) -> ExecEnd | None:
        """Show the shell until it ends (and all its output), or is to be ended or left (None). Cancelling is safe."""
        assert self._shell is not None
        self._changed.set()  # what came before we were here
        writing = asyncio.ensure_future(self._write())
        ending = asyncio.ensure_future(self._shell.wait())
        stopping = asyncio.ensure_future(self.stopped.wait())
        try:
            await asyncio.wait({writing, ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                return writing.result() if writing.done() else None  # a fault of ours, or told to end
            self._ended = True
            self._changed.set()
            await asyncio.wait({writing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return ending.result()
        finally:
            for task in (writing, ending, stopping):
                task.cancel()
            await asyncio.wait({writing, ending, stopping})

    async def _write(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._waiting or self._waiting_errors:
                data, errors = bytes(self._waiting), bytes(self._waiting_errors)
                self._waiting.clear()
                self._waiting_errors.clear()
                await self._terminal.write(data)
                await self._terminal.write_errors(errors)
                if self._shell is not None:
                    self._shell.set_paused(False)
            if self._ended:
                return
