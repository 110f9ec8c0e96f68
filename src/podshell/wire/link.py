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
from dataclasses import dataclass

from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.frames import (
    MAX_DATA_BYTES,
    MAX_STREAM,
    Flag,
    FrameDecoder,
    FrameType,
    LinkFault,
    LocalLinkError,
    RawFrame,
    encode_frame,
)
from podshell.wire.link_events import (
    CALL_FRAMES,
    CLOSING_MESSAGES,
    FRAME_TYPES,
    FROM_AGENT,
    FROM_GATEWAY,
    HANDSHAKE_FRAMES,
    LINK_FRAMES,
    OPENING_FRAMES,
    ByteSource,
    CallCancelled,
    Chunk,
    DataReceived,
    Gap,
    GapReceived,
    LinkEvent,
    Message,
    MessageReceived,
    Side,
    StreamKind,
    StreamLost,
    Unparsable,
    WindowReceived,
    decode_message,
    encode_message,
)
from podshell.wire.streams import MAX_OFFSET, OFFSET, PAIR, Stream, StreamFault

__all__ = [
    "ByteSource", "CallCancelled", "Chunk", "DataReceived", "Gap", "GapReceived", "LinkConnection", "LinkCounters", "LinkEvent",
    "LinkFault", "LocalLinkError", "Message", "MessageReceived", "Side", "StreamKind", "StreamLost", "WindowReceived",
]  # fmt: skip

# 512 KiB: 40 ms of a 100 Mbit/s link; what a control frame may find before it in buffers that are not ours.
IN_FLIGHT_CAP_BYTES = 512 * 1024
# A receiver says at the latest after so many bytes what it has taken; a sender's cap is a multiple of it.
ANNOUNCE_BYTES = 64 * 1024
# 16 MiB of control frames unsent means that the peer does not read at all.
CONTROL_QUEUE_BYTES = 16 * 1024 * 1024
MAX_STREAMS = 20_000
SYNC_SECONDS = 30.0
SILENCE_FACTOR = 3.0

_DATA_HEADER = struct.Struct("!BBIHQ")
_DATA = int(FrameType.DATA)
_OPTIONAL = int(Flag.OPTIONAL)
_AUTO = int(Flag.AUTO)
_END = int(Flag.END)
_WINDOW_FRAME_BYTES = 24
_KNOWN_TYPES: dict[int, FrameType] = {int(t): t for t in FrameType}


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
        self.established = False
        self.peer_going_away = False
        self._going_away = False
        self._greeted = False
        self._fault: LinkFault | None = None
        self._decoder = FrameDecoder()
        self._streams: dict[int, Stream] = {}
        self._next_stream = 1 if side is Side.GATEWAY else 2
        self._last_peer_stream = 0
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self._windows: dict[int, tuple[int, int]] = {}
        self._ready: deque[int] = deque()
        self._ready_set: set[int] = set()
        self._cap_bytes = in_flight_cap_bytes
        self._announce_bytes = max(1, min(in_flight_cap_bytes // 8, ANNOUNCE_BYTES))
        self._sent_total = 0
        self._taken_by_peer = 0
        self._received_total = 0
        self._announced_total = 0
        self._clock = _Clock(now, now, now)
        self._sessions: Callable[[], list[str]] = list
        self._we = RefusedBy.GATEWAY if side is Side.GATEWAY else RefusedBy.AGENT
        self._ours_only = FROM_GATEWAY if side is Side.GATEWAY else FROM_AGENT
        self._theirs_only = FROM_AGENT if side is Side.GATEWAY else FROM_GATEWAY

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
        state.attached = True
        state.send_offset = state.acked_by_peer = attached.start
        state.send_limit = attached.start + window_bytes
        state.receive_offset = attached.input_taken
        state.receive_limit = attached.input_limit
        state.source = source
        self.send(attached, stream)
        self.wake(stream)

    def finish(self, stream: int, end: m.End) -> None:
        """Send End once all that the stream's source has is sent. `send(end)` would overtake the rest of the output."""
        state = self._streams.get(stream)
        if state is None:
            return
        if state.source is None:
            self.send(end, stream)
            return
        state.last_message = end
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
            LocalLinkError: this message is not for this side to send, or not on this stream.
        """
        frame_type = FRAME_TYPES[type(message)]
        if (frame_type in LINK_FRAMES) != (stream == 0) or frame_type in self._theirs_only:
            raise LocalLinkError(f"the {self.side.value} cannot send {frame_type.name} on stream {stream}")
        if stream and stream not in self._streams:
            return
        self._queue(encode_frame(frame_type, stream, encode_message(message)))
        if isinstance(message, m.Welcome):
            self._establish(message.ping_seconds)
        elif isinstance(message, m.Goaway):
            self._going_away = True
        if stream and isinstance(message, CLOSING_MESSAGES):
            self._forget(stream)

    def send_window(self, stream: int, acked: int, limit: int) -> None:
        """Tell the peer that bytes before `acked` are taken and bytes before `limit` may come. Never shrinks a limit.

        Only the newest is sent when several wait.
        """
        state = self._streams.get(stream)
        if state is None:
            return
        state.receive_limit = max(state.receive_limit, limit)
        self._windows[stream] = (acked, state.receive_limit)

    def set_source(self, stream: int, source: ByteSource, *, offset: int, limit: int) -> None:
        """Give a consumer stream its bytes to send (a gateway's input) from `offset`, with the peer's first `limit`."""
        state = self._streams.get(stream)
        if state is not None:
            state.source, state.send_offset, state.send_limit = source, offset, max(state.send_limit, limit)
            self.wake(stream)

    def wake(self, stream: int) -> None:
        """Say that a stream's source has bytes."""
        if stream in self._ready_set or stream not in self._streams:
            return
        if len(self._ready) > 2 * MAX_STREAMS:  # streams that came and went while the cap was reached
            self._ready = deque(ready for ready in self._ready if ready in self._streams)
            self._ready_set = set(self._ready)
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
        return self._control_bytes + _WINDOW_FRAME_BYTES * len(self._windows)

    def data_to_send(self, max_bytes: int = 128 * 1024) -> bytes:
        """Take the next bytes for the socket, about `max_bytes` at the most; empty when there is nothing or no credit."""
        parts: list[bytes | memoryview] = []
        size = 0
        while self._control and size < max_bytes:
            part = self._control.popleft()
            self._control_bytes -= len(part)
            parts.append(part)
            size += len(part)
        while self._windows and size < max_bytes:
            stream, window = self._windows.popitem()
            parts.append(encode_frame(FrameType.WINDOW, stream, PAIR.pack(*window)))
            size += _WINDOW_FRAME_BYTES
        while self._ready and size < max_bytes and self._sent_total - self._taken_by_peer < self._cap_bytes:
            size += self._send_from(self._ready.popleft(), parts)
        return b"".join(parts)

    def _send_from(self, stream: int, parts: list[bytes | memoryview]) -> int:
        self._ready_set.discard(stream)
        state = self._streams.get(stream)
        if state is None or state.source is None:
            return 0
        offset = state.send_offset
        room = min(MAX_DATA_BYTES, state.send_limit - offset, self._cap_bytes - self._sent_total + self._taken_by_peer)
        if room <= 0:
            return 0  # WINDOW wakes it
        piece = None if state.sent_end else state.source.read(offset, room)
        if piece is None:
            return self._send_last(state, parts)
        if type(piece) is Gap:
            size = self._send_gap(state, piece.end, parts)
        else:
            assert isinstance(piece, Chunk)
            count = len(piece.data)
            if count > room:
                raise LocalLinkError(f"a source gave {count} bytes where {room} were asked for")
            if not count and not piece.end:
                return self._send_last(state, parts)
            flags = (_AUTO if piece.auto else 0) | (_END if piece.end else 0)
            parts.append(_DATA_HEADER.pack(_DATA, flags, stream, 8 + count, offset))
            parts.append(piece.data)
            state.send_offset = offset + count
            state.sent_end = piece.end
            self._sent_total += count
            self.counters.data_bytes_sent += count
            size = 16 + count
        self.wake(stream)
        return size

    def _send_gap(self, state: Stream, end: int, parts: list[bytes | memoryview]) -> int:
        if not state.send_offset < end <= MAX_OFFSET:
            raise LocalLinkError(f"a source gave a gap to {end} at {state.send_offset}")
        frame = encode_frame(FrameType.GAP, state.id, PAIR.pack(state.send_offset, end))
        parts.append(frame)
        # lost bytes cost no credit: both sides move the limit
        state.send_limit += end - state.send_offset
        state.send_offset = end
        return len(frame)

    def _send_last(self, state: Stream, parts: list[bytes | memoryview]) -> int:
        if state.last_message is None:
            return 0
        frame = encode_frame(FrameType.END, state.id, encode_message(state.last_message))
        parts.append(frame)
        self._forget(state.id)
        return len(frame)

    # Receiving.

    def receive_data(self, data: bytes | bytearray | memoryview, *, now: float) -> list[LinkEvent]:
        """Take bytes from the socket, cut anywhere, and return what they mean; then send `data_to_send`. `data` may be reused.

        Raises:
            LinkFault: the peer broke the protocol; close the socket. What came before the breach is returned first: then the
                next call, or the next `tick`, raises.
        """
        if self._fault is not None:
            raise self._fault
        self._clock.last_received = now
        events: list[LinkEvent] = []
        frames: list[RawFrame] = []
        fault = self._decoder.decode(data, frames)
        try:
            for frame in frames:
                if frame[0] == _DATA:
                    self._receive_data_frame(frame, events)
                else:
                    self._receive_frame(frame, events)
            self._announce_taken()
        except LinkFault as error:
            fault = error
        self.counters.frames_received += len(frames)
        if fault is not None:
            self._fault = fault
            if not events:
                raise fault
        return events

    def _receive_data_frame(self, frame: RawFrame, events: list[LinkEvent]) -> None:
        _, flags, stream, body = frame
        if not self.established or not stream:
            raise LinkFault(f"DATA on stream {stream} {'after' if self.established else 'before'} WELCOME")
        # bytes of a stream that is gone count too: the sender has them under way
        if len(body) > OFFSET.size:
            size = len(body) - OFFSET.size
            self._received_total += size
            self.counters.data_bytes_received += size
        state = self._streams.get(stream)
        if state is None:
            return
        state.known_to_peer = True
        try:
            if state.kind is not StreamKind.CONSUMER:
                raise StreamFault("bytes on a call")
            event = state.receive_bytes(flags, body)
        except StreamFault as error:
            self._fail(stream, f"DATA: {error}", events)
            return
        if event is not None:
            events.append(event)

    def _announce_taken(self) -> None:
        if self._received_total - self._announced_total >= self._announce_bytes:
            self._announced_total = self._received_total
            self._queue(encode_frame(FrameType.LINK_WINDOW, 0, OFFSET.pack(self._received_total)))

    def _receive_frame(self, frame: RawFrame, events: list[LinkEvent]) -> None:
        number, flags, stream, body = frame
        frame_type = _KNOWN_TYPES.get(number)
        if frame_type is None:
            if flags & _OPTIONAL:
                return
            raise LinkFault(f"unknown frame type {number:#04x}")
        if frame_type in self._ours_only:
            raise LinkFault(f"{frame_type.name} is not for the {'agent' if self.side is Side.GATEWAY else 'gateway'} to send")
        if (frame_type in LINK_FRAMES) != (stream == 0):
            raise LinkFault(f"{frame_type.name} on stream {stream}")
        self._check_handshake(frame_type)
        if stream:
            self._receive_stream_frame(frame_type, stream, body, events)
        elif frame_type is FrameType.LINK_WINDOW:
            self._receive_link_window(body)
        else:
            self._receive_link_message(frame_type, body, events)

    def _check_handshake(self, frame_type: FrameType) -> None:
        """Nothing but the handshake comes before WELCOME, and none of it twice; a REJECT may come at any time."""
        if frame_type is FrameType.REJECT or (self.established and frame_type not in HANDSHAKE_FRAMES):
            return
        if self.established or (frame_type not in HANDSHAKE_FRAMES and frame_type not in (FrameType.PING, FrameType.PONG)):
            raise LinkFault(f"{frame_type.name} {'after' if self.established else 'before'} WELCOME")
        if frame_type in (FrameType.CHALLENGE, FrameType.HELLO):
            if self._greeted:
                raise LinkFault(f"{frame_type.name} came twice")
            self._greeted = True

    def _receive_link_window(self, body: bytes) -> None:
        if len(body) != OFFSET.size:
            raise LinkFault(f"LINK_WINDOW of {len(body)} bytes")
        (taken,) = OFFSET.unpack(body)
        if not self._taken_by_peer <= taken <= self._sent_total:
            raise LinkFault("LINK_WINDOW names bytes that were never sent")
        self._taken_by_peer = taken

    def _receive_link_message(self, frame_type: FrameType, body: bytes, events: list[LinkEvent]) -> None:
        try:
            message = decode_message(frame_type, body)
        except Unparsable as error:
            raise LinkFault(str(error)) from error
        match message:
            case m.Ping(id=ping, time_ms=time_ms):
                self.send(m.Pong(ping, time_ms))
                return
            case m.Sync():
                self._reconcile(message, events)
            case m.Goaway():
                self.peer_going_away = True
            case m.Welcome(ping_seconds=seconds):
                self._establish(seconds)
            case _:
                pass
        events.append(MessageReceived(0, message))

    def _receive_stream_frame(self, frame_type: FrameType, stream: int, body: bytes, events: list[LinkEvent]) -> None:
        state = self._streams.get(stream)
        if state is None:
            if frame_type not in OPENING_FRAMES:
                return  # a frame that crossed our closing of the stream
            state = self._accept_stream(frame_type, stream)
            if state is None:
                return
        elif frame_type in OPENING_FRAMES:
            self._fail(stream, f"{frame_type.name} on an open stream", events)
            return
        state.known_to_peer = True
        try:
            self._check_role(frame_type, state)
            event: LinkEvent | None
            match frame_type:
                case FrameType.WINDOW:
                    event = state.receive_window(body)
                    self.wake(stream)
                case FrameType.GAP:
                    event = state.receive_gap(body)
                case FrameType.CANCEL:
                    self._forget(stream)
                    event = CallCancelled(stream)
                case _:
                    event = self._receive_message(state, decode_message(frame_type, body))
        except (Unparsable, StreamFault) as error:
            self._fail(stream, f"{frame_type.name}: {error}"[:300], events)
            return
        if event is not None:
            events.append(event)

    def _check_role(self, frame_type: FrameType, state: Stream) -> None:
        if frame_type is FrameType.RESET:
            return
        if (frame_type in CALL_FRAMES) != (state.kind is StreamKind.CALL):
            raise StreamFault(f"not on a {state.kind.value} stream")
        # whoever opened a call cancels it; the other side answers
        if frame_type in CALL_FRAMES and frame_type is not FrameType.CALL and state.ours == (frame_type is FrameType.CANCEL):
            raise StreamFault("this is for the other side of the call to send")

    def _receive_message(self, state: Stream, message: Message) -> MessageReceived:
        if isinstance(message, m.Attached):
            state.receive_attached(message)
        if isinstance(message, CLOSING_MESSAGES):
            self._forget(state.id)
        return MessageReceived(state.id, message)

    # Time.

    def tick(self, now: float) -> None:
        """Do what is due: PING when a ping interval passed, SYNC every 30 s. Call it about once a second.

        Raises:
            LinkFault: nothing was received for three ping intervals, or what was received broke the protocol.
        """
        if self._fault is not None:
            raise self._fault
        clock = self._clock
        if not self.established:
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
            self._refuse_stream(stream, Refusal(ErrorCode.LINK_LOST, self._we, "this stream is not known here"))
        for stream in self._streams.keys() - theirs:
            state = self._streams[stream]
            state.missing_in_syncs += 1
            # one that the peer never spoke on may still be on its way there
            if state.known_to_peer or not state.ours or state.missing_in_syncs > 1:
                self._forget(stream)
                events.append(StreamLost(stream, state.kind))

    # Private.

    def _establish(self, ping_seconds: float) -> None:
        self.established = True
        self._clock.ping_seconds = max(0.05, ping_seconds)

    def _open(self, kind: StreamKind) -> Stream:
        if len(self._streams) >= MAX_STREAMS:
            raise LocalLinkError(f"{MAX_STREAMS} streams are open")
        if self._next_stream > MAX_STREAM:
            raise LocalLinkError("this link has used up its stream numbers")
        state = Stream(self._next_stream, kind, ours=True)
        self._next_stream += 2
        self._streams[state.id] = state
        return state

    def _accept_stream(self, frame_type: FrameType, stream: int) -> Stream | None:
        parity = 0 if self.side is Side.GATEWAY else 1
        refusal: Refusal | None = None
        if stream % 2 != parity or stream <= self._last_peer_stream:
            refusal = Refusal(ErrorCode.PROTOCOL_ERROR, self._we, f"stream {stream} cannot be opened now")
        elif self._going_away:
            refusal = Refusal(ErrorCode.GOING_AWAY, self._we, "this link is about to end", "try again: another link takes over")
        elif len(self._streams) >= MAX_STREAMS:
            refusal = Refusal(ErrorCode.LIMIT_REACHED, self._we, f"{MAX_STREAMS} streams are open on this link", "close some sessions")
        if refusal is not None:
            self._refuse_stream(stream, refusal)
            return None
        self._last_peer_stream = stream
        state = Stream(stream, StreamKind.CALL if frame_type is FrameType.CALL else StreamKind.CONSUMER, ours=False)
        self._streams[stream] = state
        return state

    def _refuse_stream(self, stream: int, refusal: Refusal) -> None:
        self.counters.streams_reset += 1
        self._queue(encode_frame(FrameType.RESET, stream, encode_message(m.Reset(refusal))))

    def _fail(self, stream: int, text: str, events: list[LinkEvent]) -> None:
        refusal = Refusal(ErrorCode.PROTOCOL_ERROR, self._we, text)
        self.reset(stream, refusal)
        events.append(MessageReceived(stream, m.Reset(refusal)))

    def _forget(self, stream: int) -> None:
        self._streams.pop(stream, None)
        self._windows.pop(stream, None)

    def _queue(self, frame: bytes) -> None:
        self._control_bytes += len(frame)
        if self._control_bytes > CONTROL_QUEUE_BYTES:
            raise LinkFault("the peer does not read")
        self._control.append(frame)
