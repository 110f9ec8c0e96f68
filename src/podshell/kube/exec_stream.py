"""One command in one container: the exec stream. `exec.open_exec` makes it.

`ExecStream` is the handle and `ExecReceiver` gets what comes: `up` once, `output` for each frame, `ended` exactly once, whoever ended
it. All calls are synchronous and on the event loop; no task exists per
stream or frame. Buffers: 256 KiB in the kernel plus one read buffer for output (`pause` stops reading), 1 MiB of waiting input
(`stdin_writable`). Rules of the protocol: `channels.py`; socket: `exec_dial.py`; input flow: `stdin_window.py`.

What the end of a stream leaves in the container differs by subprotocol (transcripts/orphans): after a drop v5 leaves the process,
v4 kills it but not its children; after a close frame both leave it. The caller must end processes by other means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import picows

from podshell.kube.channels import OFFER_V4_ONLY, STDERR, STDOUT, ChannelCodec, ExitCode, Failure, Output, Subprotocol, Up
from podshell.kube.classify import Failed, FailureKind, classify
from podshell.kube.errors import ExecRefused, KubeError
from podshell.kube.exec_dial import bound_socket, dial, negotiated
from podshell.kube.exec_ends import ExecEnd, ExecReceiver, Exited, read_end
from podshell.kube.rest import Client
from podshell.kube.stdin_window import StdinWindow

# Load balancers drop idle connections after 60 s or more (kubernetes.md 1.9).
PING_SECONDS = 25.0
# The server's idle limit of 4 h counts data messages only (kubernetes.md 1.3 no. 4): an empty stdin message, which is legal and
# means nothing (transcripts/frames/empty.{v5,v4}), goes out after this many pings: about once an hour.
_PINGS_PER_EMPTY_STDIN = 144
# The close frame follows the Status within a few ms (transcripts/exec); without one the connection ends after this.
_AFTER_STATUS_SECONDS = 1.0
# A server that blocks on unread input answers no close frame (frames/stdin-unread-192k-then-exit): do not wait for ever.
_CLOSE_SECONDS = 1.0

_BINARY = picows.WSMsgType.BINARY
_DATA = (picows.WSMsgType.BINARY, picows.WSMsgType.TEXT)
_PONG = picows.WSMsgType.PONG
_CLOSE = picows.WSMsgType.CLOSE


class _Listener(picows.WSListener):
    """Passes a socket's callbacks to the stream, as long as it is the stream's current socket."""

    def __init__(self, stream: ExecStream) -> None:
        self._stream = stream

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        subprotocol = negotiated(transport)
        if self._stream.abandoned:
            transport.disconnect(graceful=False)
        elif subprotocol is not None:  # else `dial` refuses
            bound_socket(transport.underlying_transport)
            self._stream._attach(transport, subprotocol)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        if kind in _DATA:
            self._stream._receive(frame.get_payload_as_memoryview())
        elif kind == _PONG:
            self._stream._receive_pong(frame.get_payload_as_bytes())
        elif kind == _CLOSE:
            self._stream._receive_close(transport, int.from_bytes(frame.get_payload_as_bytes()[:2], "big"))

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._stream._disconnected(transport)

    def pause_writing(self) -> None:
        self._stream._pause_writing()

    def resume_writing(self) -> None:
        self._stream._resume_writing()


class ExecStream:
    """The caller's handle of one exec. Made by `open_exec`."""

    def __init__(
        self,
        client: Client,
        path: str,
        tty: bool,
        receiver: ExecReceiver,
        on_stdin_writable: Callable[[], None] | None = None,
    ) -> None:
        self._client = client
        self._path = path
        self._tty = tty
        self._receiver = receiver
        self._on_stdin_writable = on_stdin_writable
        self._loop = asyncio.get_running_loop()
        self._transport: picows.WSTransport | None = None
        self._codec = ChannelCodec(Subprotocol.V5, tty=tty)
        self._window = StdinWindow(Subprotocol.V5)
        self._abandoned = False
        self._retry: asyncio.Task[None] | None = None
        self._up = False
        self._write_paused = False
        self._read_paused = False
        self._close_stdin_wanted = False
        self._was_writable = True
        self._closing_here = False
        self._outcome: Exited | Failed | None = None
        self._close_code = 0
        self._printed = False
        self._finished = False
        self._ended: asyncio.Future[ExecEnd] = self._loop.create_future()
        self._size: tuple[int, int] | None = None
        self._size_sent: tuple[int, int] | None = None
        self._size_due: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pinger: asyncio.TimerHandle | None = None
        self._pings = 0
        self._received_at = self._loop.time()
        self._drained: list[asyncio.Future[None]] = []

    @property
    def subprotocol(self) -> Subprotocol:
        """What was negotiated."""
        return self._codec.subprotocol

    @property
    def stdin_writable(self) -> bool:
        """Whether input goes out at once. While false, `send_stdin` queues, up to 1 MiB."""
        return self._transport is not None and not self._write_paused and self._window.writable

    @property
    def abandoned(self) -> bool:
        """Whether opening was cancelled or failed."""
        return self._abandoned

    @property
    def can_close_stdin(self) -> bool:
        """Whether `close_stdin` works: v5 without a tty."""
        return self._codec.can_close_stdin

    @property
    def silent_seconds(self) -> float:
        """Seconds since the server last sent anything, pongs included. Silence alone proves nothing: a stopped kubelet
        freezes streams that go on later (transcripts/lifecycle/kubelet-stopped-10s)."""
        return self._loop.time() - self._received_at

    async def wait_ended(self) -> ExecEnd:
        """Wait for the end and return it, after the receiver has had it. Cancelling is safe."""
        return await asyncio.shield(self._ended)

    async def drain_stdin(self) -> None:
        """Wait until `stdin_writable` or the end. Cancelling is safe."""
        if self.stdin_writable or self._finished:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._drained.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._drained:
                self._drained.remove(waiter)

    def send_stdin(self, data: bytes | bytearray | memoryview) -> None:
        """Send input, in messages of at most 32 KiB. After the end it is dropped.

        Raises:
            StdinOverflow: over 1 MiB would wait; honour `stdin_writable`.
            ValueError: after `close_stdin`.
        """
        if self._close_stdin_wanted:
            raise ValueError("stdin is closed")
        if self._finished or self._closing_here:
            return
        if self._size_due is not None:  # what was asked for first goes first
            self._size_due.cancel()
            self._send_size()
        self._window.push(data)
        self._flush_stdin()

    def close_stdin(self) -> None:
        """Tell a process without a tty that its input has ended; what waits goes out before it.

        Raises:
            ValueError: on v4 or a tty, where no such thing exists; check `can_close_stdin`.
        """
        if not self._codec.can_close_stdin:
            raise ValueError("only v5 without a tty can close stdin")
        self._close_stdin_wanted = True
        self._flush_stdin()

    def _flush_stdin(self) -> None:
        transport = self._transport
        if transport is None or self._finished:
            return
        while not self._write_paused and (piece := self._window.pop()) is not None:
            transport.send_reuse_external_bytearray(_BINARY, self._codec.encode_stdin(piece), 14)
            barrier = self._window.count_sent(piece)
            if barrier is not None:
                transport.send_ping(barrier)
        if self._close_stdin_wanted and not self._window.backlog_bytes and not self._codec.stdin_closed:
            transport.send(_BINARY, self._codec.encode_close_stdin())
        self._tell_writable()

    def _tell_writable(self) -> None:
        writable, was_writable = self.stdin_writable, self._was_writable
        self._was_writable = writable  # before anybody is told: who is told sends, and may fill the window again
        if writable and not was_writable:
            for waiter in self._drained:
                if not waiter.done():
                    waiter.set_result(None)
            if self._on_stdin_writable is not None:
                self._on_stdin_writable()

    def resize(self, cols: int, rows: int) -> None:
        """Ask for a size; the newest wins. Ignored without a tty, and for sizes that are none (0x0 of a hidden window)."""
        if not self._tty or not (1 <= cols <= 65535 and 1 <= rows <= 65535):
            return
        self._size = (cols, rows)
        if self._up and self._size_due is None:
            self._size_due = self._loop.call_soon(self._send_size)

    def redraw(self) -> None:
        """Make a full-screen program paint itself again: one row more or less, and back (kubernetes.md 1.8)."""
        if self._tty and self._up and self._size_sent is not None and self._transport is not None:
            cols, rows = self._size_sent
            self._transport.send(_BINARY, self._codec.encode_resize(cols, rows + 1 if rows < 65535 else rows - 1))
            self._transport.send(_BINARY, self._codec.encode_resize(cols, rows))

    def _send_size(self) -> None:
        self._size_due = None
        if self._transport is None or self._finished or self._size is None or self._size == self._size_sent:
            return
        self._size_sent = self._size
        self._transport.send(_BINARY, self._codec.encode_resize(*self._size))

    def pause(self) -> None:
        """Stop reading from the socket; the server, and then the process, block when their buffers are full."""
        self._read_paused = True
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.underlying_transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._read_paused = False
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.underlying_transport.resume_reading()

    def close(self, code: int = 1000) -> None:
        """Close politely: a close frame, then at most 1 s for the server's. Output that still comes is dropped."""
        if self._finished:
            return
        self._closing_here = True
        if self._transport is None:
            self.abort()
            return
        self._transport.send_close(picows.WSCloseCode(code))
        if self._read_paused:
            self.resume()
        self._set_timer(_CLOSE_SECONDS, self.abort)

    def abort(self) -> None:
        """Drop the connection without a close frame: on v4 the runtime kills the process (transcripts/orphans/*.v4)."""
        self._closing_here = True
        if self._retry is not None:
            self._retry.cancel()
        if self._transport is not None:
            self._transport.disconnect(graceful=False)
        self._loop.call_soon(self._finish)

    async def connect(self, offer: str) -> None:
        """Dial; for `open_exec`."""
        try:
            await dial(self._client, self._path, offer, lambda: _Listener(self))
        except BaseException:
            # Given up in the middle of the handshake: the answer may still come, and must find nobody at home.
            self._abandoned = True
            self._stop_timers()
            raise

    def _attach(self, transport: picows.WSTransport, subprotocol: Subprotocol) -> None:
        self._transport = transport
        if subprotocol is not self._codec.subprotocol:
            self._codec = ChannelCodec(subprotocol, tty=self._tty)
            self._window = self._window.restarted(subprotocol)
        self._pinger = self._loop.call_later(PING_SECONDS, self._ping)
        if self._read_paused:
            transport.underlying_transport.pause_reading()
        self._flush_stdin()

    def _receive(self, message: memoryview) -> None:
        self._received_at = self._loop.time()
        if self._printed and len(message) > 1 and (channel := message[0]) in (STDOUT, STDERR):  # the hot path: no events are made
            if not self._closing_here and not self._finished:
                self._receiver.output(channel, message[1:])
            return
        for event in self._codec.receive(message):
            match event:
                case Output():
                    if not self._printed:
                        self._printed = True
                        self._window.forget_sent()
                    if not self._closing_here and not self._finished:
                        self._receiver.output(event.channel, event.data)
                case Up():
                    self._receive_up()
                case ExitCode(code):
                    self._receive_outcome(Exited(code))
                case Failure(text, _, status_code):
                    self._receive_outcome(classify(text, status_code=status_code))

    def _receive_up(self) -> None:
        first, self._up = not self._up, True
        self._size_sent = None
        self._send_size()
        if first and not self._closing_here:
            self._receiver.up()

    def _receive_outcome(self, outcome: Exited | Failed) -> None:
        self._outcome = outcome
        self._set_timer(_AFTER_STATUS_SECONDS, self._finish)

    def _receive_pong(self, payload: bytes) -> None:
        self._received_at = self._loop.time()
        if self._window.receive_pong(payload):
            self._flush_stdin()

    def _receive_close(self, transport: picows.WSTransport, code: int) -> None:
        self._close_code = code
        if self._transport is transport:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
            self._finish()

    def _disconnected(self, transport: picows.WSTransport) -> None:
        if self._transport is transport:
            self._finish()

    def _pause_writing(self) -> None:
        self._write_paused = True
        self._was_writable = False

    def _resume_writing(self) -> None:
        self._write_paused = False
        self._flush_stdin()

    def _ping(self) -> None:
        if self._transport is None or self._finished:
            return
        self._pings += 1
        self._transport.send_ping()
        if self._pings % _PINGS_PER_EMPTY_STDIN == 0 and not self._codec.stdin_closed:
            self._transport.send(_BINARY, b"\x00")
        self._pinger = self._loop.call_later(PING_SECONDS, self._ping)

    def _finish(self) -> None:
        if self._finished:
            return
        self._stop_timers()
        leftover = self._codec.receive_end()
        text = leftover.message if leftover else ""
        end = read_end(self._outcome, text, closed_here=self._closing_here, close_code=self._close_code)
        if self._may_retry_on_v4(end):
            refused, self._transport = self._transport, None
            if refused is not None:
                refused.disconnect()
            self._retry = self._loop.create_task(self._reopen_on_v4(), name="exec: retry on v4")
            return
        self._finished = True
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.disconnect(graceful=not self._closing_here)
        for waiter in self._drained:
            if not waiter.done():
                waiter.set_result(None)
        self._receiver.ended(end)
        self._ended.set_result(end)

    def _may_retry_on_v4(self, end: ExecEnd) -> bool:
        return (
            isinstance(end, Failed)
            and end.kind is FailureKind.RUNTIME_REFUSES_V5
            and self._codec.subprotocol is Subprotocol.V5
            and self._retry is None
            and self._window.replayable
            and not (self._printed or self._closing_here or self._close_stdin_wanted)
        )

    async def _reopen_on_v4(self) -> None:
        self._outcome, self._close_code = None, 0
        try:
            await self.connect(OFFER_V4_ONLY)
        except ExecRefused as error:
            self._outcome = error.failed
            self._finish()
        except KubeError as error:
            self._outcome = Failed(FailureKind.SERVER, str(error), "Try again.", retryable=True)
            self._finish()

    def _set_timer(self, seconds: float, call: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, call)

    def _stop_timers(self) -> None:
        for handle in (self._timer, self._pinger, self._size_due):
            if handle is not None:
                handle.cancel()
        self._size_due = None
