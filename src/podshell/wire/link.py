"""The link between an agent instance and a gateway replica, sans-IO (spec/link.md).

Bytes and the time go in, events and bytes come out; whoever drives it owns the socket. It owns the table of streams, credit in both
directions, the in-flight cap and the order of sending: control first, then one DATA frame per ready stream in turn. Output is not
queued here: it is pulled from a `ByteSource` when there is credit, so a slow peer costs no memory. A stream's error resets that
stream and never the link. Driven by podshell.aio.links; used by gateway/links.py and agent/links.py.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.frames import (
    HEADER,
    MAX_DATA_BYTES,
    Flag,
    Frame,
    FrameDecoder,
    FrameType,
    LinkFault,
    LocalLinkError,
    encode_frame,
)

_OFFSET = struct.Struct("!Q")
_PAIR = struct.Struct("!QQ")

# 512 KiB: 40 ms of a 100 Mbit/s link; what a control frame may find before it in buffers that are not ours.
IN_FLIGHT_CAP_BYTES = 512 * 1024
# 16 MiB of control frames unsent means that the peer does not read at all.
CONTROL_QUEUE_BYTES = 16 * 1024 * 1024
MAX_STREAMS = 20_000
SYNC_SECONDS = 30.0
SILENCE_FACTOR = 3.0


class Side(Enum):
    GATEWAY = "gateway"
    AGENT = "agent"


class StreamKind(Enum):
    CALL = "call"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that follow the asked offset. `auto`: typed by a terminal, not by a hand."""

    data: bytes | memoryview
    auto: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes up to `end` are lost; reading goes on there."""

    end: int


class ByteSource(Protocol):
    """Where a stream's DATA comes from. `read` never blocks; None means nothing now (call `LinkConnection.wake` when there is)."""

    def read(self, offset: int, max_bytes: int) -> Chunk | Gap | None: ...


Message: TypeAlias = (
    m.Challenge | m.Hello | m.Welcome | m.Reject | m.Ping | m.Pong | m.Goaway | m.Sync | m.Draining | m.Fact | m.FactAck | m.Call | m.Reply
    | m.Event | m.Attach | m.Attached | m.Resize | m.Visibility | m.Stay | m.Notice | m.End | m.Detach | m.Reset
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A control message. `stream` is 0 for the link's own. After Reply, End and Reset (and Detach, CallCancelled) the stream is gone."""

    stream: int
    message: Message


@dataclass(frozen=True, slots=True)
class CallCancelled:
    stream: int


@dataclass(frozen=True, slots=True)
class DataReceived:
    """Bytes in order, duplicates trimmed."""

    stream: int
    offset: int
    data: memoryview
    auto: bool


@dataclass(frozen=True, slots=True)
class GapReceived:
    stream: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class WindowReceived:
    """The peer has everything before `acked` and takes bytes before `limit`."""

    stream: int
    acked: int
    limit: int


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The peer does not know a stream of ours any more (found by SYNC)."""

    stream: int
    kind: StreamKind


LinkEvent: TypeAlias = MessageReceived | CallCancelled | DataReceived | GapReceived | WindowReceived | StreamLost

_TYPES: dict[FrameType, type[Message]] = {
    FrameType.CHALLENGE: m.Challenge,
    FrameType.HELLO: m.Hello,
    FrameType.WELCOME: m.Welcome,
    FrameType.REJECT: m.Reject,
    FrameType.PING: m.Ping,
    FrameType.PONG: m.Pong,
    FrameType.GOAWAY: m.Goaway,
    FrameType.SYNC: m.Sync,
    FrameType.DRAINING: m.Draining,
    FrameType.FACT: m.Fact,
    FrameType.FACT_ACK: m.FactAck,
    FrameType.CALL: m.Call,
    FrameType.REPLY: m.Reply,
    FrameType.EVENT: m.Event,
    FrameType.ATTACH: m.Attach,
    FrameType.ATTACHED: m.Attached,
    FrameType.RESIZE: m.Resize,
    FrameType.VISIBILITY: m.Visibility,
    FrameType.STAY: m.Stay,
    FrameType.NOTICE: m.Notice,
    FrameType.END: m.End,
    FrameType.DETACH: m.Detach,
    FrameType.RESET: m.Reset,
}
_FRAME_TYPES: dict[type[Message], FrameType] = {message: frame for frame, message in _TYPES.items()}
_DECODERS = {frame: msgspec.msgpack.Decoder(message) for frame, message in _TYPES.items()}
_ENCODER = msgspec.msgpack.Encoder()

_LINK_FRAMES = frozenset(t for t in FrameType if t < FrameType.CALL)
_FROM_GATEWAY = frozenset({FrameType.CHALLENGE, FrameType.WELCOME, FrameType.REJECT, FrameType.FACT_ACK, FrameType.ATTACH, FrameType.RESIZE,
                           FrameType.VISIBILITY, FrameType.STAY, FrameType.DETACH})  # fmt: skip
_FROM_AGENT = frozenset(
    {
        FrameType.HELLO,
        FrameType.DRAINING,
        FrameType.FACT,
        FrameType.ATTACHED,
        FrameType.GAP,
        FrameType.NOTICE,
        FrameType.END,
    }
)
_OPENING = frozenset({FrameType.CALL, FrameType.ATTACH})
_CALL_FRAMES = frozenset({FrameType.CALL, FrameType.REPLY, FrameType.EVENT, FrameType.CANCEL})
_CLOSING = (m.Reply, m.End, m.Reset, m.Detach)

T = TypeVar("T")


@dataclass(slots=True)
class _Stream:
    id: int
    kind: StreamKind
    ours: bool
    send_offset: int = 0
    send_limit: int = 0
    receive_offset: int = 0
    receive_limit: int = 0
    source: ByteSource | None = None
    known_to_peer: bool = False
    missing_in_syncs: int = 0
    window_bytes: int = 0


@dataclass(slots=True)
class LinkCounters:
    """Totals since the link began, for metrics: payload bytes of DATA, and frames."""

    data_bytes_sent: int = 0
    data_bytes_received: int = 0
    frames_received: int = 0
    streams_reset: int = 0


@dataclass(slots=True)
class _Clock:
    last_received: float
    last_ping: float
    last_sync: float
    ping_seconds: float = 10.0
    ping_id: int = 0
    started: bool = field(default=False)


class LinkConnection:
    """One side of a link. Not thread-safe; all methods return at once.

    Args:
        side: which side this is; frames that only this side may send are refused from the peer.
        now: the monotonic time in seconds, as in every `now` argument.
        in_flight_cap_bytes: DATA that may be under way without the peer having taken it.
    """

    def __init__(self, side: Side, *, now: float, in_flight_cap_bytes: int = IN_FLIGHT_CAP_BYTES) -> None:
        self.side = side
        self.counters = LinkCounters()
        self.peer_going_away = False
        self._decoder = FrameDecoder()
        self._streams: dict[int, _Stream] = {}
        self._next_stream = 1 if side is Side.GATEWAY else 2
        self._last_peer_stream = 0
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self._ready: deque[int] = deque()
        self._ready_set: set[int] = set()
        self._cap_bytes = in_flight_cap_bytes
        self._sent_total = 0
        self._taken_by_peer = 0
        self._received_total = 0
        self._announced_total = 0
        self._clock = _Clock(now, now, now)
        self._sessions: Callable[[], list[str]] = list
        self._forbidden = _FROM_GATEWAY if side is Side.GATEWAY else _FROM_AGENT

    # Opening and closing streams.

    def open_call(self, call: m.Call) -> int:
        """Send a call; the answers come as MessageReceived on the returned stream."""
        stream = self._open(StreamKind.CALL)
        self.send(call, stream.id)
        return stream.id

    def open_consumer(self, attach: m.Attach) -> int:
        """Ask for a consumer of a session; the answer is Attached or Reset on the returned stream. Gateway only."""
        if self.side is not Side.GATEWAY:
            raise LocalLinkError("only a gateway attaches consumers")
        stream = self._open(StreamKind.CONSUMER)
        stream.window_bytes = attach.window
        self.send(attach, stream.id)
        return stream.id

    def accept_consumer(self, stream: int, attached: m.Attached, source: ByteSource, *, window_bytes: int) -> None:
        """Answer an Attach: output is pulled from `source` from `attached.start` on, at most `window_bytes` unacknowledged. Agent only."""
        state = self._streams.get(stream)
        if state is None:
            return
        state.send_offset = attached.start
        state.send_limit = attached.start + window_bytes
        state.receive_offset = attached.input_taken
        state.receive_limit = attached.input_limit
        state.source = source
        self.send(attached, stream)
        self.wake(stream)

    def cancel_call(self, stream: int) -> None:
        """End a call of ours; later answers are dropped."""
        if stream in self._streams:
            self._queue(encode_frame(FrameType.CANCEL, stream))
            self._forget(stream)

    def reset(self, stream: int, refusal: Refusal) -> None:
        """End a stream for a stated cause."""
        if stream in self._streams:
            self.counters.streams_reset += 1
            self.send(m.Reset(refusal), stream)

    def has_stream(self, stream: int) -> bool:
        return stream in self._streams

    # Sending.

    def send(self, message: Message, stream: int = 0) -> None:
        """Queue a control message. Reply, End, Reset and Detach end their stream. A stream that is gone swallows it.

        Raises:
            LinkFault: more than CONTROL_QUEUE_BYTES wait: the peer does not read.
        """
        if stream and stream not in self._streams:
            return
        frame_type = _FRAME_TYPES[type(message)]
        self._queue(encode_frame(frame_type, stream, _ENCODER.encode(message)))
        if isinstance(message, m.Welcome):
            self._clock.ping_seconds = message.ping_seconds
            self._clock.started = True
        if stream and isinstance(message, _CLOSING):
            self._forget(stream)

    def send_window(self, stream: int, acked: int, limit: int) -> None:
        """Tell the peer that bytes before `acked` are taken and bytes before `limit` may come. Never shrinks a limit."""
        state = self._streams.get(stream)
        if state is None:
            return
        state.receive_limit = max(state.receive_limit, limit)
        self._queue(encode_frame(FrameType.WINDOW, stream, _PAIR.pack(acked, state.receive_limit)))

    def set_source(self, stream: int, source: ByteSource, *, offset: int, limit: int) -> None:
        """Give a consumer stream its bytes to send (a gateway's input) from `offset`, with the peer's first `limit`."""
        state = self._streams.get(stream)
        if state is not None:
            state.source, state.send_offset, state.send_limit = source, offset, limit
            self.wake(stream)

    def wake(self, stream: int) -> None:
        """Say that a stream's source has bytes."""
        if stream in self._ready_set or stream not in self._streams:
            return
        self._ready.append(stream)
        self._ready_set.add(stream)

    def set_live_sessions(self, sessions: Callable[[], list[str]]) -> None:
        """Where SYNC takes the agent's live sessions from."""
        self._sessions = sessions

    @property
    def in_flight_bytes(self) -> int:
        return self._sent_total - self._taken_by_peer

    @property
    def control_bytes_queued(self) -> int:
        return self._control_bytes

    def data_to_send(self, max_bytes: int = 128 * 1024) -> bytes:
        """Take the next bytes for the socket, about `max_bytes` at the most; empty when there is nothing or no credit."""
        parts: list[bytes | memoryview] = []
        size = 0
        while self._control and size < max_bytes:
            part = self._control.popleft()
            self._control_bytes -= len(part)
            parts.append(part)
            size += len(part)
        while self._ready and size < max_bytes and self.in_flight_bytes < self._cap_bytes:
            size += self._send_from(self._ready.popleft(), parts)
        return b"".join(parts)

    def _send_from(self, stream: int, parts: list[bytes | memoryview]) -> int:
        self._ready_set.discard(stream)
        state = self._streams.get(stream)
        if state is None or state.source is None:
            return 0
        room = min(MAX_DATA_BYTES, state.send_limit - state.send_offset, self._cap_bytes - self.in_flight_bytes)
        if room <= 0:
            return 0  # WINDOW or LINK_WINDOW wakes it
        match state.source.read(state.send_offset, room):
            case None:
                return 0
            case Gap(end=end):
                parts.append(encode_frame(FrameType.GAP, stream, _PAIR.pack(state.send_offset, end)))
                state.send_offset = end
                # a gap may reach over the limit: the receiver moves its limit with it
                state.send_limit = max(state.send_limit, end)
                size = HEADER.size + _PAIR.size
            case Chunk(data=data, auto=auto):
                flags = Flag.AUTO if auto else Flag.NONE
                parts.append(HEADER.pack(FrameType.DATA, flags, stream, _OFFSET.size + len(data)) + _OFFSET.pack(state.send_offset))
                parts.append(data)
                state.send_offset += len(data)
                self._sent_total += len(data)
                self.counters.data_bytes_sent += len(data)
                size = HEADER.size + _OFFSET.size + len(data)
        self._ready.append(stream)
        self._ready_set.add(stream)
        return size

    # Receiving.

    def receive_data(self, data: bytes | memoryview, *, now: float) -> list[LinkEvent]:
        """Take bytes from the socket, cut anywhere, and return what they mean; then send `data_to_send`.

        Raises:
            LinkFault: the peer broke the protocol; close the socket.
        """
        self._clock.last_received = now
        events: list[LinkEvent] = []
        for frame in self._decoder.receive_data(data):
            self.counters.frames_received += 1
            self._receive_frame(frame, events)
        unannounced = self._received_total - self._announced_total
        if unannounced >= self._cap_bytes // 8:
            self._announced_total = self._received_total
            self._queue(encode_frame(FrameType.LINK_WINDOW, 0, _OFFSET.pack(self._received_total)))
        return events

    def _receive_frame(self, frame: Frame, events: list[LinkEvent]) -> None:
        try:
            frame_type = FrameType(frame.type)
        except ValueError:
            if frame.flags & Flag.OPTIONAL:
                return
            raise LinkFault(f"unknown frame type {frame.type:#04x}") from None
        if frame_type in self._forbidden:
            raise LinkFault(f"{frame_type.name} is not for the {'agent' if self.side is Side.GATEWAY else 'gateway'} to send")
        if (frame_type in _LINK_FRAMES) != (frame.stream == 0):
            raise LinkFault(f"{frame_type.name} on stream {frame.stream}")
        if frame.stream == 0:
            self._receive_link_frame(frame_type, frame.body, events)
        else:
            self._receive_stream_frame(frame_type, frame, events)

    def _receive_link_frame(self, frame_type: FrameType, body: bytes, events: list[LinkEvent]) -> None:
        if frame_type is FrameType.LINK_WINDOW:
            (taken,) = _unpack(_OFFSET, body)
            if not self._taken_by_peer <= taken <= self._sent_total:
                raise LinkFault("LINK_WINDOW names bytes that were never sent")
            self._taken_by_peer = taken
            self._wake_all()
            return
        try:
            message = _DECODERS[frame_type].decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise LinkFault(f"{frame_type.name} does not parse: {error}"[:300]) from error
        match message:
            case m.Ping(id=ping, time_ms=time_ms):
                self.send(m.Pong(ping, time_ms))
                return
            case m.Sync():
                self._reconcile(message, events)
            case m.Goaway():
                self.peer_going_away = True
            case m.Welcome(ping_seconds=seconds):
                self._clock.ping_seconds = max(0.05, seconds)
                self._clock.started = True
            case _:
                pass
        events.append(MessageReceived(0, message))

    def _receive_stream_frame(self, frame_type: FrameType, frame: Frame, events: list[LinkEvent]) -> None:
        state = self._streams.get(frame.stream)
        if frame_type in _OPENING:
            state = self._accept_stream(frame_type, frame.stream)
            if state is None:
                return
        elif state is None:
            return  # a frame that crossed our closing of the stream
        state.known_to_peer = True
        if (frame_type in _CALL_FRAMES) != (state.kind is StreamKind.CALL) and frame_type is not FrameType.RESET:
            self._fail(state.id, f"{frame_type.name} on a {state.kind.value} stream", events)
            return
        try:
            match frame_type:
                case FrameType.DATA:
                    self._receive_bytes(state, frame, events)
                case FrameType.WINDOW:
                    self._receive_window(state, frame.body, events)
                case FrameType.GAP:
                    self._receive_gap(state, frame.body, events)
                case FrameType.CANCEL:
                    self._forget(state.id)
                    events.append(CallCancelled(state.id))
                case _:
                    self._receive_message(state, _DECODERS[frame_type].decode(frame.body), events)
        except (msgspec.DecodeError, RecursionError, _StreamFault) as error:
            self._fail(state.id, f"{frame_type.name}: {error}"[:300], events)

    def _receive_message(self, state: _Stream, message: Message, events: list[LinkEvent]) -> None:
        if isinstance(message, m.Attached):
            state.receive_offset = message.start
            state.receive_limit = message.start + state.window_bytes
        if isinstance(message, _CLOSING):
            self._forget(state.id)
        events.append(MessageReceived(state.id, message))

    def _receive_bytes(self, state: _Stream, frame: Frame, events: list[LinkEvent]) -> None:
        if len(frame.body) < _OFFSET.size:
            raise _StreamFault("no offset")
        (offset,) = _OFFSET.unpack_from(frame.body)
        data = memoryview(frame.body)[_OFFSET.size :]
        self._received_total += len(data)
        self.counters.data_bytes_received += len(data)
        if len(data) > MAX_DATA_BYTES:
            raise _StreamFault(f"{len(data)} bytes in one frame")
        if offset > state.receive_offset:
            raise _StreamFault(f"bytes {state.receive_offset} to {offset} are missing")
        end = offset + len(data)
        if end > state.receive_limit:
            raise _StreamFault(f"byte {end} is over the credit {state.receive_limit}")
        if end <= state.receive_offset:
            return
        data = data[state.receive_offset - offset :]
        start, state.receive_offset = state.receive_offset, end
        events.append(DataReceived(state.id, start, data, bool(frame.flags & Flag.AUTO)))

    def _receive_window(self, state: _Stream, body: bytes, events: list[LinkEvent]) -> None:
        acked, limit = _unpack(_PAIR, body, _StreamFault)
        if acked > state.send_offset:
            raise _StreamFault(f"byte {acked} is acknowledged but was never sent")
        state.send_limit = max(state.send_limit, limit)
        self.wake(state.id)
        events.append(WindowReceived(state.id, acked, limit))

    def _receive_gap(self, state: _Stream, body: bytes, events: list[LinkEvent]) -> None:
        start, end = _unpack(_PAIR, body, _StreamFault)
        if start != state.receive_offset or end <= start:
            raise _StreamFault(f"gap from {start} to {end} at {state.receive_offset}")
        state.receive_offset = end
        state.receive_limit = max(state.receive_limit, end)
        events.append(GapReceived(state.id, start, end))

    # Time.

    def tick(self, now: float) -> None:
        """Do what is due: PING when a ping interval passed, SYNC every 30 s. Call it about once a second.

        Raises:
            LinkFault: nothing was received for three ping intervals.
        """
        clock = self._clock
        if not clock.started:
            return
        if now - clock.last_received > clock.ping_seconds * SILENCE_FACTOR:
            raise LinkFault(f"nothing was received for {now - clock.last_received:.0f} s")
        if now - clock.last_ping >= clock.ping_seconds:
            clock.last_ping = now
            clock.ping_id += 1
            self.send(m.Ping(clock.ping_id))
        if now - clock.last_sync >= SYNC_SECONDS:
            clock.last_sync = now
            self.send_sync()

    def send_sync(self) -> None:
        """Tell the peer which streams and sessions we hold."""
        self.send(m.Sync(list(self._streams), self._sessions()))

    def forgive_silence(self, now: float) -> None:
        """Start the silence clock anew: our own event loop was late, the peer may well have spoken."""
        self._clock.last_received = now

    def _reconcile(self, sync: m.Sync, events: list[LinkEvent]) -> None:
        theirs = set(sync.streams)
        for stream in theirs - self._streams.keys():
            refusal = Refusal(
                ErrorCode.LINK_LOST,
                RefusedBy.AGENT if self.side is Side.AGENT else RefusedBy.GATEWAY,
                "this stream is not known here",
            )
            self._queue(encode_frame(FrameType.RESET, stream, _ENCODER.encode(m.Reset(refusal))))
        for stream in self._streams.keys() - theirs:
            state = self._streams[stream]
            state.missing_in_syncs += 1
            # one that the peer never spoke on may still be on its way there
            if state.known_to_peer or not state.ours or state.missing_in_syncs > 1:
                self._forget(stream)
                events.append(StreamLost(stream, state.kind))

    # Private.

    def _open(self, kind: StreamKind) -> _Stream:
        if len(self._streams) >= MAX_STREAMS:
            raise LocalLinkError(f"{MAX_STREAMS} streams are open")
        state = _Stream(self._next_stream, kind, ours=True)
        self._next_stream += 2
        self._streams[state.id] = state
        return state

    def _accept_stream(self, frame_type: FrameType, stream: int) -> _Stream | None:
        parity = 0 if self.side is Side.GATEWAY else 1
        refusal: Refusal | None = None
        by = RefusedBy.AGENT if self.side is Side.AGENT else RefusedBy.GATEWAY
        if stream % 2 != parity or stream <= self._last_peer_stream:
            refusal = Refusal(ErrorCode.PROTOCOL_ERROR, by, f"stream {stream} cannot be opened now")
        elif len(self._streams) >= MAX_STREAMS:
            refusal = Refusal(ErrorCode.LIMIT_REACHED, by, f"{MAX_STREAMS} streams are open on this link", "close some sessions")
        if refusal is not None:
            self.counters.streams_reset += 1
            self._queue(encode_frame(FrameType.RESET, stream, _ENCODER.encode(m.Reset(refusal))))
            return None
        self._last_peer_stream = stream
        state = _Stream(stream, StreamKind.CALL if frame_type is FrameType.CALL else StreamKind.CONSUMER, ours=False)
        self._streams[stream] = state
        return state

    def _fail(self, stream: int, text: str, events: list[LinkEvent]) -> None:
        by = RefusedBy.AGENT if self.side is Side.AGENT else RefusedBy.GATEWAY
        refusal = Refusal(ErrorCode.PROTOCOL_ERROR, by, text)
        self.reset(stream, refusal)
        events.append(MessageReceived(stream, m.Reset(refusal)))

    def _forget(self, stream: int) -> None:
        self._streams.pop(stream, None)
        self._ready_set.discard(stream)

    def _wake_all(self) -> None:
        for stream, state in self._streams.items():
            if state.source is not None:
                self.wake(stream)

    def _queue(self, frame: bytes) -> None:
        self._control_bytes += len(frame)
        if self._control_bytes > CONTROL_QUEUE_BYTES:
            raise LinkFault("the peer does not read")
        self._control.append(frame)


class _StreamFault(Exception):
    """The peer broke the rules of one stream."""


def _unpack(layout: struct.Struct, body: bytes, error: type[Exception] = LinkFault) -> tuple[int, ...]:
    if len(body) != layout.size:
        raise error(f"{len(body)} bytes instead of {layout.size}")
    return layout.unpack(body)
