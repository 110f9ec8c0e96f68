"""Reading and writing pipes and ptys on the event loop, with the reader in charge of the pace.

A reader takes from the kernel only when it is asked to: a consumer that stops asking stops the process that writes, by
the kernel's own buffer (64 KiB of a pipe, 4 KiB of a pty).  A writer holds what the process has not taken yet and
says how much that is; its owner decides when to stop giving.
"""

import asyncio
import contextlib
import os

CHUNK_BYTES = 32 * 1024  # one read; also the largest output frame (transcripts/frames/big-output.v5)


class DescriptorReader:
    """Reads one non-blocking descriptor; one reader at a time."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._last = False

    async def read(self) -> bytes:
        """Return at most CHUNK_BYTES; empty at the end (a pty ends with EIO).  Safe to cancel."""
        while True:
            try:
                return os.read(self._descriptor, CHUNK_BYTES)
            except BlockingIOError:
                if self._last:
                    return b""
            except OSError:
                return b""
            self._waiter = self._loop.create_future()
            self._loop.add_reader(self._descriptor, self._wake)
            try:
                await self._waiter
            finally:
                self._loop.remove_reader(self._descriptor)
                self._waiter = None

    def finish(self) -> None:
        """End after what is there now: the process is gone, whoever else holds the other side does not count."""
        self._last = True
        self._wake()

    def close(self) -> None:
        """Give the descriptor back to the kernel."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class DescriptorWriter:
    """Writes to one non-blocking descriptor what its owner queues; the owner bounds ``pending_bytes``."""

    def __init__(self, descriptor: int, *, owns: bool) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._owns = owns
        self._loop = asyncio.get_running_loop()
        self._queue = bytearray()
        self._writing = False
        self._ending = False
        self.closed = False
        self.unread_bytes = 0  # what was thrown away because nobody would read it
        self._drained: list[asyncio.Future[None]] = []

    @property
    def pending_bytes(self) -> int:
        """What was queued and not yet taken by the kernel."""
        return len(self._queue)

    def write(self, data: bytes) -> None:
        """Queue input; dropped when the other side is gone."""
        if self.closed or self._ending:
            return
        self._queue += data
        self._flush()

    async def wait_below(self, limit_bytes: int) -> None:
        """Return when at most ``limit_bytes`` are pending, or when nothing will be written any more."""
        while len(self._queue) > limit_bytes and not self.closed:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._drained.append(waiter)
            await waiter

    def end(self) -> None:
        """Close after what is queued: the process reads end of input."""
        self._ending = True
        self._flush()

    def close(self) -> None:
        """Close now and forget what is queued."""
        if self.closed:
            return
        self.closed = True
        self.unread_bytes = len(self._queue)
        self._queue.clear()
        self._watch(False)
        self._wake()
        if self._owns:
            os.close(self._descriptor)

    def _flush(self) -> None:
        if self.closed:
            return
        with contextlib.suppress(BlockingIOError):
            while self._queue:
                try:
                    written = os.write(self._descriptor, memoryview(self._queue)[:CHUNK_BYTES])
                except BlockingIOError:
                    raise
                except OSError:  # EPIPE, EIO: nobody will read this
                    self.close()
                    return
                del self._queue[:written]
        self._watch(bool(self._queue))
        self._wake()
        if self._ending and not self._queue:
            self.close()

    def _watch(self, wanted: bool) -> None:
        if wanted and not self._writing:
            self._loop.add_writer(self._descriptor, self._flush)
        elif self._writing and not wanted:
            self._loop.remove_writer(self._descriptor)
        self._writing = wanted

    def _wake(self) -> None:
        waiters, self._drained = self._drained, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
