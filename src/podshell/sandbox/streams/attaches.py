"""attach: a stream to the first process of a container; several may be attached at once.

Nothing is replayed, nothing is signalled when the client goes, and the result is Success whatever the exit code.  The end
of the client's input ends the attach, and with stdinOnce also the process's input (transcripts/attach).
"""

import asyncio
from typing import Any

from podshell.sandbox.runtime import Container
from podshell.sandbox.streams.channels import Channel, Subprotocol, describe_success
from podshell.sandbox.streams.connection import Connection, ConnectionLost
from podshell.sandbox.streams.faults import StreamFault
from podshell.sandbox.streams.handshake import StreamOptions
from podshell.sandbox.streams.resizes import Frozen, SizeDecoder
from podshell.sandbox.streams.session import ClientEnd, Session


class AttachSession(Session):
    """One attach."""

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
        self.tty = container.spec.tty
        self.sizes = SizeDecoder(tty=self.tty, translated=subprotocol.translated)
        if options.tty and not self.tty and subprotocol.translated:
            self.muted = True  # transcripts/attach/nontty-tty-asked.v5: nothing came

    async def run(self) -> None:
        """Serve the stream until the client or the container ends."""
        process = self._container.process
        remove = process.add_consumer(self.deliver)
        try:
            await self.greet()
            if self._input_ends_at_once():
                await self.finish(describe_success(self.subprotocol))
                return
            frames = asyncio.create_task(self.take_frames(), name="attach frames")
            try:
                ends: set[asyncio.Future[Any]] = {frames, process.done}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                if not frames.done() or frames.result() is ClientEnd.FINISHED:
                    await self.finish(describe_success(self.subprotocol))
            finally:
                frames.cancel()
                await asyncio.gather(frames, return_exceptions=True)
        except ConnectionLost:
            pass
        finally:
            remove()
            self._end_input()

    def _input_ends_at_once(self) -> bool:
        """v4 reads an input channel that nobody asked for as ended (transcripts/rbac/attach-both.v4)."""
        spec = self._container.spec
        return not self.subprotocol.translated and spec.stdin and not self.options.stdin

    def _end_input(self) -> None:
        spec, stdin = self._container.spec, self._container.process.stdin
        if spec.stdin_once and not spec.tty and self.options.stdin and stdin is not None:
            stdin.end()  # transcripts/attach/stdin-once.v5

    async def take_input(self, data: bytes) -> None:
        """Type for the container; without stdin in its spec v4 blocks for ever (attach/nontty-stdin-not-open.v4)."""
        stdin = self._container.process.stdin
        if stdin is not None:
            await self.write_input(stdin, data)
        elif not self.subprotocol.translated:
            raise Frozen

    def take_half_close(self, channel: int) -> ClientEnd | None:
        """End the attach (transcripts/attach/cat-stdin.v5); with stdinOnce only the process's input."""
        spec = self._container.spec
        if channel != Channel.STDIN or not self.options.stdin or not spec.stdin:
            return None
        if spec.stdin_once and not spec.tty:
            self._end_input()
            return None
        return ClientEnd.FINISHED

    def resize(self, columns: int, rows: int) -> None:
        """Set the size of the container's tty, whoever set it before (attach/tty-two-at-once.*)."""
        self._container.process.resize(columns, rows)
