"""One open stream, exec or attach: frames in, output out, and the end.

Two tasks at most: one takes frames, the other waits for the process.  Output is pushed by the process's own pump through
``deliver``, which waits for the client: a client that does not read stops the process, nothing is buffered beyond the
transport's limit.  How a stream ends decides what happens to the process, see ``ClientEnd``.
"""

import asyncio
import contextlib
import enum
from abc import ABC, abstractmethod
from collections.abc import Coroutine

from podshell.sandbox.runtime.descriptors import DescriptorWriter
from podshell.sandbox.streams.channels import CLOSE_SIGNAL, Channel, Subprotocol
from podshell.sandbox.streams.connection import Connection, ConnectionLost
from podshell.sandbox.streams.faults import StreamFault
from podshell.sandbox.streams.frames import Opcode, OversizedFrame, UnmaskedFrame, encode_frame
from podshell.sandbox.streams.handshake import StreamOptions
from podshell.sandbox.streams.resizes import Frozen, SizeDecoder

# Unread input at which the server stops taking frames.  v4: beyond 64 KiB in the process's pipe, 192 KiB in all still
# have pongs and 256 KiB have none (transcripts/frames/stdin-unread-*.v4).  v5 goes on at 4 MiB; 8 MiB is our bound.
_UNREAD_LIMIT_BYTES = 128 * 1024
_UNREAD_LIMIT_TRANSLATED_BYTES = 8 * 1024 * 1024
# Unread input at the end of the process above which neither Status nor close come (frames/stdin-unread-128k, -192k).
SWALLOWED_BYTES = 64 * 1024


class ClientEnd(enum.Enum):
    """How the client's side of a stream ended."""

    CLOSED = "close frame"
    LOST = "TCP ended without a close frame"
    REFUSED = "the client broke the protocol and the server ended the connection"
    FINISHED = "attach: the client closed its input"


class Session(ABC):
    """What exec and attach have in common; a subclass says what input and the channels' CLOSE do."""

    def __init__(self, connection: Connection, subprotocol: Subprotocol, options: StreamOptions, fault: StreamFault | None) -> None:
        self.connection = connection
        self.subprotocol = subprotocol
        self.options = options
        self.muted = False
        self.tty = options.tty
        self.sizes = SizeDecoder(tty=self.tty, translated=subprotocol.translated)
        self._fault = fault or StreamFault()
        self._sent_bytes = 0
        self.wants = {"stdout": options.stdout, "stderr": options.stderr and not options.tty}

    async def greet(self) -> None:
        """Send the empty message that says that the stream is up (kubernetes.md 1.1)."""
        self.connection.reads_frozen = self._fault.freeze_reads
        channel = Channel.STDOUT if self.options.stdout else Channel.STDERR if self.options.stderr else Channel.ERROR
        await self.connection.send(self.subprotocol.encode(channel, b""))

    async def deliver(self, name: str, data: bytes) -> None:
        """Send output to the client; the process waits meanwhile.

        Raises: ConnectionLost.
        """
        if self.muted or not self.wants[name]:
            return
        if self._fault.delay_seconds:
            await asyncio.sleep(self._fault.delay_seconds)
        limit = self._fault.drop_at_byte
        cut = limit is not None and self._sent_bytes + len(data) >= limit
        if cut and limit is not None:
            data = data[: limit - self._sent_bytes]
        self._sent_bytes += len(data)
        if data:
            channel = Channel.STDOUT if name == "stdout" else Channel.STDERR
            await self.connection.send(self.subprotocol.encode(channel, data))
        if cut:
            if self._fault.reset:
                self.connection.abort(reset=True)
            else:
                self.connection.close()
            await self.connection.lost.wait()
            raise ConnectionLost

    async def finish(self, result: bytes) -> None:
        """Tell the result on channel 3, close, end TCP."""
        with contextlib.suppress(ConnectionLost):
            if result:
                await self.connection.send(self.subprotocol.encode(Channel.ERROR, result))
            await self.connection.flushed()
            self.connection.close(1000)

    async def take_frames(self) -> ClientEnd:
        """Handle frames until the client's side ends."""
        try:
            while True:
                frame = await self.connection.next_frame()
                match frame.opcode:
                    case Opcode.PING:
                        await self.connection.send(encode_frame(Opcode.PONG, frame.payload))
                    case Opcode.PONG:
                        pass
                    case Opcode.CLOSE:
                        self.connection.close(1000)  # whatever code the client gave (frames/client-close-variants-*)
                        return ClientEnd.CLOSED
                    case _:
                        end = await self._take_message(frame.payload)
                        if end is not None:
                            return end
        except ConnectionLost:
            return ClientEnd.LOST
        except Frozen:
            await self.connection.discard_input()
            return ClientEnd.LOST
        except UnmaskedFrame:  # transcripts/frames/unmasked.*
            self.connection.close(1002, 1000)
            return ClientEnd.REFUSED
        except OversizedFrame:
            self.connection.close()
            return ClientEnd.REFUSED

    async def _take_message(self, payload: bytes) -> ClientEnd | None:
        if not payload:
            return None
        channel, data = self.subprotocol.decode(payload)
        if channel == CLOSE_SIGNAL and self.subprotocol.translated:
            if len(data) != 1 or data[0] > Channel.RESIZE:  # transcripts/exec/close-{1-byte,3-bytes,bad-channel}.v5
                self.connection.close(1000)
                return ClientEnd.REFUSED
            return self.take_half_close(data[0])
        if channel == Channel.STDIN and data and self.options.stdin:
            await self.take_input(data)
        elif channel == Channel.RESIZE:
            for columns, rows in self.sizes.receive(data):
                self.resize(columns, rows)
        return None  # data on any other channel is ignored (transcripts/frames/unknown-channel-*)

    async def write_input(self, stdin: DescriptorWriter, data: bytes) -> None:
        """Give input to the process; wait, and so take no frame, while it leaves too much unread."""
        stdin.write(data)
        limit = _UNREAD_LIMIT_TRANSLATED_BYTES if self.subprotocol.translated else _UNREAD_LIMIT_BYTES
        if stdin.pending_bytes > limit:
            await first_of(stdin.wait_below(limit), self.connection.lost.wait())
            if stdin.closed and stdin.unread_bytes > limit:
                raise Frozen

    @abstractmethod
    async def take_input(self, data: bytes) -> None:
        """Handle data of channel 0.  Raises: Frozen."""

    @abstractmethod
    def take_half_close(self, channel: int) -> ClientEnd | None:
        """Handle a v5 CLOSE."""

    @abstractmethod
    def resize(self, columns: int, rows: int) -> None:
        """Handle a size."""


async def first_of(*waits: Coroutine[None, None, object]) -> None:
    """Return when the first of these is done; the others are cancelled."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
