"""The relay of one terminal: its WebSocket on one side, one consumer stream of a link on the other. The hot path.

Output goes from the link's reader straight to the socket when that is free, what came together as one message; else into a queue that the
agent's credit bounds, and a writer of its own empties it, so a slow browser holds up nobody. Input goes the other way through InputQueue.
Nothing looks into the bytes.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.websockets import WebSocket, WebSocketDisconnect

from podshell.aio.tasks import TaskSet
from podshell.gateway.agent_link import LINK_LOST, AgentLink
from podshell.gateway.direct import direct_socket
from podshell.gateway.terminal_input import InputQueue
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.link import Message
from podshell.wire.terminal import (
    Ack,
    Close,
    Input,
    InputAck,
    OutputGap,
    TerminalError,
    TerminalFault,
    TerminalHello,
    TerminalPing,
    TerminalPong,
    decode_client,
    encode_output,
    encode_server,
)

# Small pieces that wait together go as one message: at most two frames' worth, 5 ms at 100 Mbit/s.
COALESCED_BYTES = 64 * 1024
# Notices, pongs and gaps that a terminal does not read. A person produces a few a minute.
CONTROL_QUEUE_BYTES = 256 * 1024
# A terminal that is told goodbye and does not read: cut off after this.
GOODBYE_SECONDS = 1.0
# The last output of a session may be long, and its reader slow.
LAST_OUTPUT_SECONDS = 60.0

_OUTPUT_HEADER = struct.Struct("!BQ")
_OUTPUT = 0x42
TERMINAL_LOST = Refusal(ErrorCode.LINK_LOST, RefusedBy.GATEWAY, "the terminal's connection was lost")

Outgoing: TypeAlias = bytes | tuple[int, memoryview]


class Relay:
    """One attached terminal.

    Args:
        on_close: called when the terminal asks to end its session.
        on_resize: told the new size when an owner's terminal changes it.
    """

    def __init__(
        self,
        socket: WebSocket,
        link: AgentLink,
        hello: TerminalHello,
        on_close: Callable[[], Awaitable[None]],
        on_resize: Callable[[str, int, int], None],
    ) -> None:
        self.session = hello.session
        self.viewer = hello.viewer
        self._socket = socket
        self._direct = direct_socket(socket.scope)
        self._link = link
        self._window = hello.window
        self._may_type = hello.role == "owner"
        self._on_close = on_close
        self._on_resize = on_resize
        self._stream = 0
        self._input = InputQueue(0, 0)
        self._queue: deque[Outgoing] = deque()
        self._burst: list[bytes | memoryview] = []
        self._burst_offset = 0
        self._burst_bytes = 0
        self._control_bytes = 0
        self._input_ack: InputAck | None = None
        self._greeted = False
        self._received_end = 0
        self._acked = 0
        self._wake = asyncio.Event()
        self._writing = False
        self._goodbye: tuple[bytes | None, int] | None = None
        self._deadline: asyncio.Timeout | None = None
        self.attached: asyncio.Future[m.Attached] = asyncio.get_running_loop().create_future()

    # From the link (StreamHandler).

    def receive_data(self, offset: int, data: memoryview) -> None:
        self._received_end = offset + len(data)
        if not self._burst:
            if not self._free():
                self._queue.append((offset, data))
                self._wake.set()
                return
            self._link.after_batch(self._send_burst)
        elif self._queue:  # something else came between
            self._queue.append((offset, data))
            return
        elif self._burst_bytes + len(data) > COALESCED_BYTES:
            self._send_burst()
            self._link.after_batch(self._send_burst)
        if not self._burst:
            self._burst_offset = offset
        self._burst.append(data)
        self._burst_bytes += len(data)

    def _free(self) -> bool:
        """Whether a message may go straight to the socket."""
        direct = self._direct
        return direct is not None and not self._queue and not self._writing and self._goodbye is None and direct.ready

    def _send_burst(self) -> None:
        if self._burst and self._direct is not None:
            self._direct.send(_OUTPUT_HEADER.pack(_OUTPUT, self._burst_offset), *self._burst)
        self._burst.clear()
        self._burst_bytes = 0

    def receive_gap(self, start: int, end: int) -> None:
        self._received_end = end
        self._send_control(encode_server(OutputGap(start, end)))

    def receive_window(self, acked: int, limit: int) -> None:
        ack = InputAck(acked, self._input.raise_limit(acked, limit))
        if self._free() and self._direct is not None:
            self._direct.send(encode_server(ack))
        else:
            self._input_ack = ack
            self._wake.set()

    def receive_message(self, message: Message) -> None:
        match message:
            case m.Attached():
                self._received_end = self._acked = message.start
                self._input = InputQueue(message.input_taken, message.input_limit)
                # before anything else can come from the link
                self._send_control(encode_server(message))
                if not self.attached.done():
                    self.attached.set_result(message)
            case m.Notice():
                self._send_control(encode_server(message))
            case m.End():
                self._stream = 0
                self.say_goodbye(encode_server(message), 1000, LAST_OUTPUT_SECONDS)
            case m.Reset(refusal=refusal):
                self.lose(refusal)
            case _:
                pass

    def lose(self, refusal: Refusal) -> None:
        """The stream is gone: tell the terminal why; it comes back when that can help."""
        self._stream = 0
        if not self.attached.done():
            self.attached.set_exception(StreamRefused(refusal))
            return
        self.fail(refusal, 250 if refusal.meaning.retryable else None)

    # From the gateway.

    def start(self, stream: int) -> None:
        """The stream was opened."""
        self._stream = stream

    def fail(self, refusal: Refusal, retry_after_ms: int | None = None) -> None:
        """End the socket with an error; output that still waits is dropped."""
        if self._stream:
            self._link.reset(self._stream, refusal)
            self._stream = 0
        self._queue.clear()
        self.say_goodbye(encode_server(TerminalError(refusal, retry_after_ms)), refusal.meaning.close_code, GOODBYE_SECONDS)

    def say_goodbye(self, last: bytes | None, code: int, within_seconds: float) -> None:
        """Send what waits, then `last`, then close. The first goodbye counts."""
        if self._goodbye is None:
            self._goodbye = (last, code)
            if self._deadline is not None:
                self._deadline.reschedule(asyncio.get_running_loop().time() + within_seconds)
            self._wake.set()

    async def run(self) -> None:
        """Carry the terminal until its socket is closed. Cancelling is safe."""
        if self._may_type and self._stream:
            attached = self.attached.result()
            self._link.set_source(self._stream, self._input, offset=attached.input_taken, limit=attached.input_limit)
        try:
            async with TaskSet(f"terminal of {self.session}") as tasks:
                tasks.start("writer", self._write())
                try:
                    async with asyncio.timeout(None) as self._deadline:
                        if self._goodbye is not None:  # it came while we attached
                            self._deadline.reschedule(asyncio.get_running_loop().time() + LAST_OUTPUT_SECONDS)
                        await self._read(tasks)
                except TimeoutError:
                    # told goodbye, and it does not read
                    if self._direct is not None:
                        self._direct.abort()
                finally:
                    self._deadline = None  # the link may still say goodbye while the writer ends; a timeout that is over cannot be moved
        finally:
            if self._stream:
                # not DETACH: nobody left on purpose, and the agent holds output back for a while
                self._link.reset(self._stream, TERMINAL_LOST)
                self._stream = 0

    # Private.

    def _send_control(self, message: bytes) -> None:
        self._control_bytes += len(message)
        if self._control_bytes > CONTROL_QUEUE_BYTES:
            self.fail(Refusal(ErrorCode.LIMIT_REACHED, RefusedBy.GATEWAY, "the terminal does not read"), 1000)
            return
        self._queue.append(message)
        self._wake.set()

    async def _read(self, tasks: TaskSet) -> None:
        def receive(data: bytes) -> None:
            try:
                self._take(data, tasks)
            except TerminalFault as fault:
                self.fail(Refusal(ErrorCode.PROTOCOL_ERROR, RefusedBy.GATEWAY, str(fault)))

        if self._direct is not None:
            self._direct.receive_by(receive)
        try:
            while (message := await self._socket.receive())["type"] != "websocket.disconnect":
                receive(message.get("bytes") or b"")
        finally:
            if self._direct is not None:
                self._direct.receive_by(None)

    def _take(self, data: bytes, tasks: TaskSet) -> None:
        message, link, stream = decode_client(data), self._link, self._stream
        match message:
            case TerminalPing(token=token):
                self._send_control(encode_server(TerminalPong(token)))
            case _ if not stream:
                pass  # it crossed the end
            case Input():
                if not self._may_type:
                    raise TerminalFault("an observer cannot type")
                if self._input.put(message):
                    link.wake(stream)
            case Ack(offset=offset):
                if offset > self._received_end:
                    raise TerminalFault(f"byte {offset} is acknowledged but was never sent")
                if offset > self._acked:
                    self._acked = offset
                    link.send_window(stream, offset, offset + self._window)
            case m.Resize() | m.Visibility() | m.Stay():
                link.send(stream, message)
                if isinstance(message, m.Resize) and self._may_type:
                    self._on_resize(self.session, message.cols, message.rows)
            case m.Detach():
                link.send(stream, message)
                self._stream = 0
                self.say_goodbye(None, 1000, GOODBYE_SECONDS)
            case Close():
                tasks.start("close", self._close())
            case TerminalHello():
                raise TerminalFault("HELLO comes once")

    async def _close(self) -> None:
        await self._on_close()

    async def _write(self) -> None:
        wake = self._wake
        try:
            while True:
                await wake.wait()
                wake.clear()
                self._writing = True
                while (message := self._next_message()) is not None:
                    await self._socket.send_bytes(message)
                self._writing = False
                if self._goodbye is not None:
                    last, code = self._goodbye
                    if last is not None:
                        await self._socket.send_bytes(last)
                    await self._socket.close(code)
                    return
        except (WebSocketDisconnect, RuntimeError):
            return  # the socket is gone; the reader hears of it

    def _next_message(self) -> bytes | None:
        # not before ATTACHED, which is the first of the queue: its older limit would be the one that counts
        if self._input_ack is not None and self._greeted:
            ack, self._input_ack = self._input_ack, None
            return encode_server(ack)
        self._greeted = True
        queue = self._queue
        if not queue:
            return None
        first = queue.popleft()
        if isinstance(first, bytes):
            self._control_bytes -= len(first)
            return first
        offset, data = first
        if not queue or isinstance(queue[0], bytes):
            return encode_output(offset, data)
        parts: list[bytes | memoryview] = [_OUTPUT_HEADER.pack(_OUTPUT, offset), data]
        size = len(data)
        while queue and not isinstance(following := queue[0], bytes) and size + len(following[1]) <= COALESCED_BYTES:
            parts.append(following[1])
            size += len(following[1])
            queue.popleft()
        return b"".join(parts)


class StreamRefused(Exception):
    """A consumer stream was refused or lost before it was attached."""

    def __init__(self, refusal: Refusal = LINK_LOST) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
