"""exec: a further process in a container, tied to one stream.

What a lost client does to the process depends on the way it came (kubernetes.md, corrections 1; transcripts/orphans):
on v5 and after any close frame nothing is signalled, a non-tty process reads end of input, and output is thrown away;
on the other subprotocols the end of TCP without a close frame kills the process itself, at once.
"""

import asyncio
import contextlib
from typing import Any

from podshell.sandbox.runtime import Container, ExecFailed, Process, Runtime
from podshell.sandbox.streams.channels import Channel, Subprotocol, describe_exit, describe_refusal
from podshell.sandbox.streams.connection import Connection, ConnectionLost
from podshell.sandbox.streams.faults import StreamFault
from podshell.sandbox.streams.handshake import StreamOptions
from podshell.sandbox.streams.session import SWALLOWED_BYTES, ClientEnd, Session

# A v5 tty that floods while its client goes is ended by the write that fails before the read loop does
# (transcripts/orphans/tty-yes-writing-fast.v5); one that prints now and then stays (tty-sh-loop-writing.v5).  The race
# is modelled by what comes within this time: more than a pty buffer is a flood.
_FLOOD_SECONDS = 0.05
_FLOOD_BYTES = 4096
# A size is passed on once the runtime has told that the process runs, which is late for what that does first: it sees 0x0
# (transcripts/exec/tty-first-resize-early.v5).
_SIZED_AFTER_SECONDS = 0.02


class ExecSession(Session):
    """One exec."""

    def __init__(
        self,
        connection: Connection,
        subprotocol: Subprotocol,
        options: StreamOptions,
        fault: StreamFault | None,
        container: Container,
    ) -> None:
        super().__init__(connection, subprotocol, options, fault)
        self._container = container
        self._process: Process | None = None
        self._sized_from = 0.0  # in the loop's time
        self._early_size: tuple[int, int] | None = None

    async def run(self, runtime: Runtime) -> None:
        """Run the command and serve the stream until both ends of it are known."""
        try:
            await self.greet()
            self._process = process = await runtime.exec(
                self._container,
                self.options.command,
                tty=self.options.tty,
                stdin=self.options.stdin,
                consumer=self.deliver,
            )
            self._sized_from = asyncio.get_running_loop().time() + _SIZED_AFTER_SECONDS
        except ConnectionLost:
            return
        except ExecFailed as error:
            await self.finish(describe_refusal(self.subprotocol, error.message))
            return
        frames = asyncio.create_task(self.take_frames(), name="exec frames")
        try:
            ends: set[asyncio.Future[Any]] = {frames, process.done}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not process.done.done():
                await self._leave(process, frames.result())
                return
            unread = process.stdin.unread_bytes if process.stdin is not None else 0
            if not frames.done() and unread > SWALLOWED_BYTES:
                await frames  # neither Status nor close: frames/stdin-unread-192k-then-exit.*
            elif not frames.done():
                await self.finish(describe_exit(self.subprotocol, self.options.command, process.done.result()))
        finally:
            frames.cancel()
            await asyncio.gather(frames, return_exceptions=True)

    async def _leave(self, process: Process, end: ClientEnd) -> None:
        """Do to the process what the end of its client does."""
        self.muted = True
        if end is ClientEnd.LOST and not self.subprotocol.translated:
            process.kill()
            return
        if not process.tty:
            if process.stdin is not None:
                process.stdin.end()
        elif end is ClientEnd.LOST and await _floods(process):
            process.kill()

    async def take_input(self, data: bytes) -> None:
        """Type for the process."""
        if self._process is not None and self._process.stdin is not None and not self.muted:
            await self.write_input(self._process.stdin, data)

    def take_half_close(self, channel: int) -> ClientEnd | None:
        """End of input without a tty; with one the output is lost instead (kubernetes.md 3)."""
        if channel == Channel.STDIN and self._process is not None and self.options.stdin:
            if self.tty:
                self.muted = True
            elif self._process.stdin is not None:
                self._process.stdin.end()
        return None

    def resize(self, columns: int, rows: int) -> None:
        """Set the size of the tty, the last of several that come too early."""
        waits, self._early_size = self._early_size is not None, (columns, rows)
        loop = asyncio.get_running_loop()
        if loop.time() >= self._sized_from:
            self._apply_size()
        elif not waits:
            loop.call_at(self._sized_from, self._apply_size)

    def _apply_size(self) -> None:
        size, self._early_size = self._early_size, None
        if self._process is not None and size is not None:
            self._process.resize(*size)


async def _floods(process: Process) -> bool:
    seen, flood = 0, asyncio.Event()

    async def count(_: str, data: bytes) -> None:
        nonlocal seen
        seen += len(data)
        if seen > _FLOOD_BYTES:
            flood.set()

    remove = process.add_consumer(count)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLOOD_SECONDS):
                await flood.wait()
        return flood.is_set()
    finally:
        remove()
