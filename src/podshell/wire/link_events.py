"""What goes into a LinkConnection and what comes out: sources of bytes, events, and which message has which frame type.

Events are msgspec structs: made in a fifth of the time of a frozen dataclass, which counts for DATA.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol, TypeAlias

import msgspec
from msgspec import Struct

from podshell.wire import messages as m
from podshell.wire.frames import FrameType


class Side(Enum):
    GATEWAY = "gateway"
    AGENT = "agent"


class StreamKind(Enum):
    CALL = "call"
    CONSUMER = "consumer"


class Chunk(Struct, frozen=True, gc=False):
    """Bytes that follow the asked offset. `auto`: typed by a terminal, not by a hand. `end`: nothing follows; `data` may be empty then."""

    data: bytes | memoryview
    auto: bool = False
    end: bool = False


class Gap(Struct, frozen=True, gc=False):
    """Bytes up to `end` are lost; reading goes on there."""

    end: int


class ByteSource(Protocol):
    """Where a stream's DATA comes from. `read` never blocks; None means nothing now (call `LinkConnection.wake` when there is).

    It is asked again for the same offset after a None, and never for more than `max_bytes`, which is at least 1.
    """

    def read(self, offset: int, max_bytes: int) -> Chunk | Gap | None: ...


Message: TypeAlias = (
    m.Challenge | m.Hello | m.Welcome | m.Reject | m.Ping | m.Pong | m.Goaway | m.Sync | m.Draining | m.Fact | m.FactAck | m.Call | m.Reply
    | m.Event | m.Attach | m.Attached | m.Resize | m.Visibility | m.Stay | m.Notice | m.End | m.Detach | m.Reset
)  # fmt: skip


class MessageReceived(Struct, frozen=True):
    """A control message. `stream` is 0 for the link's own. After Reply, End and Reset (and Detach, CallCancelled) the stream is gone."""

    stream: int
    message: Message


class CallCancelled(Struct, frozen=True, gc=False):
    stream: int


class DataReceived(Struct, frozen=True, gc=False):
    """Bytes in order, duplicates trimmed. `end`: nothing follows (end of input); `data` may be empty then."""

    stream: int
    offset: int
    data: memoryview
    auto: bool
    end: bool = False


class GapReceived(Struct, frozen=True, gc=False):
    stream: int
    start: int
    end: int


class WindowReceived(Struct, frozen=True, gc=False):
    """The peer has everything before `acked` and takes bytes before `limit`."""

    stream: int
    acked: int
    limit: int


class StreamLost(Struct, frozen=True, gc=False):
    """The peer does not know a stream of ours any more (found by SYNC)."""

    stream: int
    kind: StreamKind


LinkEvent: TypeAlias = MessageReceived | CallCancelled | DataReceived | GapReceived | WindowReceived | StreamLost

MESSAGE_TYPES: dict[FrameType, type[Message]] = {
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
FRAME_TYPES: dict[type[Message], FrameType] = {message: frame for frame, message in MESSAGE_TYPES.items()}

LINK_FRAMES = frozenset(t for t in FrameType if t < FrameType.CALL)
CALL_FRAMES = frozenset({FrameType.CALL, FrameType.REPLY, FrameType.EVENT, FrameType.CANCEL})
OPENING_FRAMES = frozenset({FrameType.CALL, FrameType.ATTACH})
HANDSHAKE_FRAMES = frozenset({FrameType.CHALLENGE, FrameType.HELLO, FrameType.WELCOME, FrameType.REJECT})
# What only one side may send.
FROM_GATEWAY = frozenset({FrameType.CHALLENGE, FrameType.WELCOME, FrameType.REJECT, FrameType.FACT_ACK, FrameType.ATTACH, FrameType.RESIZE,
                          FrameType.VISIBILITY, FrameType.STAY, FrameType.DETACH})  # fmt: skip
FROM_AGENT = frozenset({FrameType.HELLO, FrameType.DRAINING, FrameType.FACT, FrameType.ATTACHED, FrameType.GAP, FrameType.NOTICE,
                        FrameType.END})  # fmt: skip
# After one of these its stream is gone.
CLOSING_MESSAGES = (m.Reply, m.End, m.Reset, m.Detach)

_ENCODER = msgspec.msgpack.Encoder()
_DECODERS = {frame: msgspec.msgpack.Decoder(message) for frame, message in MESSAGE_TYPES.items()}


class Unparsable(Exception):
    """A body is not the message that its frame type says."""


def encode_message(message: Message) -> bytes:
    """Build the msgpack body of a message."""
    return _ENCODER.encode(message)


def decode_message(frame_type: FrameType, body: bytes) -> Message:
    """Read the msgpack body of a frame that has one.

    Raises:
        Unparsable: it does not parse, or a field is over its limit.
    """
    try:
        return _DECODERS[frame_type].decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise Unparsable(f"{frame_type.name} does not parse: {error}"[:300]) from error
