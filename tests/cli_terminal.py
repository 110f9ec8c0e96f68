"""A command-line program on a pty, whose modes and bytes a test can see."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from warm_programs import start_program

PODSHELL = Path(sys.executable).with_name("podshell")
SECONDS = 30


def kill_with_survivors(pid: int) -> None:
    """kill -9 of a program and of the process that would clean up after it, first, as a machine that loses its power ends both."""
    for survivor in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(survivor), signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)


class CliTerminal:
    """`podshell exec`, or another program, on a pty. `async with` it; whatever is left at the end is killed."""

    def __init__(
        self,
        words: Sequence[str],
        env: Mapping[str, str],
        *,
        size: tuple[int, int] = (80, 24),
        program: Sequence[str] = (str(PODSHELL), "exec"),
    ) -> None:
        self._program = program
        self._words = words
        self._env = env
        self._size = size
        self.seen = bytearray()
        self._changed = asyncio.Condition()
        self._closed = False

    async def __aenter__(self) -> CliTerminal:
        self._master, self._slave = pty.openpty()
        self.set_size(*self._size)
        self.before = termios.tcgetattr(self._slave)
        program, *words = [*self._program, *self._words]
        files = (self._slave, self._slave, self._slave)
        self.process = await start_program(program, words, self._env, files=files, terminal=True)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        if not self._closed:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            os.close(self._slave)

    @property
    def is_raw(self) -> bool:
        return not termios.tcgetattr(self._slave)[3] & termios.ICANON

    @property
    def is_restored(self) -> bool:
        return termios.tcgetattr(self._slave) == self.before

    def set_size(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, data: bytes) -> None:
        os.write(self._master, data)

    def hang_up(self) -> None:
        """Close the terminal, as its window would: the kernel sends SIGHUP."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._slave)
        os.close(self._master)
        self._closed = True

    async def expect(self, data: bytes, seconds: float = SECONDS) -> None:
        """Wait until the terminal was shown these bytes."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: data in self.seen)
        except TimeoutError:
            raise AssertionError(f"{data!r} was not shown, but {bytes(self.seen[-500:])!r}") from None

    async def wait(self) -> int:
        """Wait for the process's end and return its exit code."""
        async with asyncio.timeout(SECONDS):
            return await self.process.wait()

    def _read(self) -> None:
        try:
            self.seen += os.read(self._master, 65_536)
        except OSError:
            return
        asyncio.get_running_loop().create_task(self._tell())  # ends at once

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
