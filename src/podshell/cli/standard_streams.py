"""Standard input and output on an event loop, without O_NONBLOCK: a terminal's open file is shared with the shell that started us."""

from __future__ import annotations

import asyncio
import os
import queue
import select
import threading
from collections.abc import Callable

_READ_BYTES = 64 * 1024
# What poll promises for a pipe (PIPE_BUF) and a terminal's buffer always has.
_SURE_BYTES = 4096


class InputReader:
    """Reads a descriptor whenever it has bytes: terminals and pipes by the loop's selector, files in turns of the loop.

    Args:
        on_data: called with what was read.
        on_end: called once at the end of input.
    """

    def __init__(self, fd: int, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._fd = fd
        self._on_data = on_data
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._watched = False
        self._turn: asyncio.Handle | None = None
        self._ended = False

    def resume(self) -> None:
        """Begin, or go on, to read."""
        if self._watched or self._turn is not None or self._ended:
            return
        try:
            self._loop.add_reader(self._fd, self._read)
            self._watched = True
        except PermissionError:  # epoll knows no files and no /dev/null; they never block
            self._turn = self._loop.call_soon(self._read_file)
        except OSError:
            self._end()

    def pause(self) -> None:
        """Read no more until `resume`."""
        if self._watched:
            self._loop.remove_reader(self._fd)
            self._watched = False
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _read_file(self) -> None:
        self._turn = self._loop.call_soon(self._read_file)
        self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except InterruptedError:
            return
        except OSError:  # EIO: the terminal is gone, or we are in the background of a session that is
            data = b""
        if data:
            self._on_data(data)
        else:
            self._end()

    def _end(self) -> None:
        self.pause()
        if not self._ended:
            self._ended = True
            self._on_end()


class OutputClosed(Exception):
    """Nobody reads standard output any more."""


class OutputWriter:
    """Writes bytes unaltered and in order. What might block is written by a thread, so that signals and keys are heard meanwhile."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._jobs: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def write(self, data: bytes) -> None:
        """Write all of `data`. Cancelling does not take back what a blocked write goes on with.

        Raises:
            OutputClosed: the reader is gone.
        """
        try:
            while data and self._is_writable():
                data = data[os.write(self._fd, data[:_SURE_BYTES]) :]
        except OSError as error:
            raise OutputClosed from error
        if data:
            await self._write_in_thread(data)

    def _is_writable(self) -> bool:
        events = self._poll.poll(0)
        return bool(events) and bool(events[0][1] & select.POLLOUT)

    async def _write_in_thread(self, data: bytes) -> None:
        if self._thread is None:
            # a daemon: a terminal that was stopped with Ctrl-S must not keep the process from ending
            self._thread = threading.Thread(target=self._run, name="standard output", daemon=True)
            self._thread.start()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.put((data, done))
        await done

    def _run(self) -> None:
        while True:
            data, done = self._jobs.get()
            error: OSError | None = None
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError as failed:
                error = failed
            try:
                done.get_loop().call_soon_threadsafe(_settle, done, error)
            except RuntimeError:
                return  # the loop is closed: the process is ending


def _settle(done: asyncio.Future[None], error: OSError | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        closed = OutputClosed()
        closed.__cause__ = error
        done.set_exception(closed)
