"""Messages between a terminal (browser or command line) and the gateway: one per binary WebSocket message (spec/terminal.md).

`type u8` and a body: fixed binary where bytes flow, JSON elsewhere. The TypeScript twin is web/src/wire/terminal.ts; both run
spec/vectors/terminal.json.
Offsets are u64 on the wire and stay below 2**53, which JavaScript counts exactly.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from podshell.wire import messages as m
from podshell.wire.errors import Refusal
from podshell.wire.frames import LinkFault

MAX_OFFSET = 2**53
# What a client may put into one INPUT; longer pastes are cut by the client.
MAX_INPUT_BYTES = 32 * 1024
# A client's HELLO; what a gateway sends may carry an error text and lists.
MAX_HELLO_BYTES = 16 * 1024
MAX_JSON_BYTES = 1024 * 1024

_U64 = struct.Struct("!Q")
_PAIR = struct.Struct("!QQ")
_SIZE = struct.Struct("!HH")
_INPUT = struct.Struct("!BQ")


class TerminalFault(LinkFault):
    """The other end of a terminal socket broke the protocol; the text is safe to send to it."""


class TerminalType(IntEnum):
    HELLO = 0x01
    INPUT = 0x02
    ACK = 0x03
    RESIZE = 0x04
    VISIBLE = 0x05
    STAY = 0x06
    PING = 0x07
    CLOSE = 0x08
    DETACH = 0x09
    ATTACHED = 0x41
    OUTPUT = 0x42
    INPUT_ACK = 0x43
    GAP = 0x44
    NOTICE = 0x45
    END = 0x46
    PONG = 0x47
    ERROR = 0x48


class TerminalHello(Struct, frozen=True, omit_defaults=True):
    """Client, first message, within 5 s: the ticket and what it has already. Nothing is allocated before it is accepted."""

    ticket: Annotated[str, Meta(max_length=256)]
    session: m.Id
    viewer: m.Id
    resume: m.Position | None = None
    role: Annotated[str, Meta(max_length=16)] = "owner"
    cols: m.Size | None = None
    rows: m.Size | None = None
    visible: bool = True
    window: Annotated[int, Meta(ge=1024, le=1024 * 1024)] = 256 * 1024
    client: Annotated[str, Meta(max_length=64)] = ""


class Input(Struct, frozen=True, gc=False):
    """Typed bytes at `offset` of this viewer's input. `auto`: the terminal made them by itself (replies, focus, mouse): no activity.

    `end`: nothing follows (end of input of a session without a terminal); sent again after every attach, as it has no byte of its own.
    """

    offset: int
    data: bytes
    auto: bool = False
    end: bool = False


class Ack(Struct, frozen=True, gc=False):
    """The terminal has parsed all output before `offset`."""

    offset: int


class TerminalPing(Struct, frozen=True, gc=False):
    token: int


class Close(Struct, frozen=True):
    """End the session (not just this viewer)."""


class Output(Struct, frozen=True, gc=False):
    offset: int
    data: bytes


class InputAck(Struct, frozen=True, gc=False):
    """Input before `taken` was passed on, exactly once; send none beyond `limit`."""

    taken: int
    limit: int


class OutputGap(Struct, frozen=True, gc=False):
    """Output from `start` to `end` is gone; a repaint follows."""

    start: int
    end: int


class TerminalPong(Struct, frozen=True, gc=False):
    token: int


class TerminalError(Struct, frozen=True):
    """Why the socket is about to close, or never attached. `retry_after_ms` set: try again after it."""

    refusal: Refusal
    retry_after_ms: Annotated[int, Meta(ge=0, le=3_600_000)] | None = None


ClientMessage: TypeAlias = TerminalHello | Input | Ack | m.Resize | m.Visibility | m.Stay | TerminalPing | Close | m.Detach
ServerMessage: TypeAlias = m.Attached | Output | InputAck | OutputGap | m.Notice | m.End | TerminalPong | TerminalError

_INPUT_AUTO = 1
_INPUT_END = 2
_STAY, _CLOSE, _DETACH = m.Stay(), Close(), m.Detach()
_HELLO_DECODER = msgspec.json.Decoder(TerminalHello)
_ATTACHED_DECODER = msgspec.json.Decoder(m.Attached)
_NOTICE_DECODER = msgspec.json.Decoder(m.Notice)
_END_DECODER = msgspec.json.Decoder(m.End)
_ERROR_DECODER = msgspec.json.Decoder(TerminalError)


def encode_client(message: ClientMessage) -> bytes:
    """Build one message of a terminal to the gateway."""
    match message:
        case Input(offset=offset, data=data, auto=auto, end=end):
            return b"\x02" + _INPUT.pack((_INPUT_AUTO if auto else 0) | (_INPUT_END if end else 0), offset) + data
        case Ack(offset=offset):
            return bytes([TerminalType.ACK]) + _U64.pack(offset)
        case m.Resize(cols=cols, rows=rows):
            return bytes([TerminalType.RESIZE]) + _SIZE.pack(cols, rows)
        case m.Visibility(visible=visible):
            return bytes([TerminalType.VISIBLE, int(visible)])
        case m.Stay():
            return bytes([TerminalType.STAY])
        case TerminalPing(token=token):
            return bytes([TerminalType.PING]) + _U64.pack(token)
        case Close():
            return bytes([TerminalType.CLOSE])
        case m.Detach():
            return bytes([TerminalType.DETACH])
        case TerminalHello():
            return bytes([TerminalType.HELLO]) + msgspec.json.encode(message)


def encode_output(offset: int, data: bytes | memoryview) -> bytes:
    """Build an OUTPUT message (the hot path)."""
    return b"\x42" + _U64.pack(offset) + data


def encode_server(message: ServerMessage) -> bytes:
    """Build one message of the gateway to a terminal."""
    match message:
        case Output(offset=offset, data=data):
            return encode_output(offset, data)
        case InputAck(taken=first, limit=second):
            return bytes([TerminalType.INPUT_ACK]) + _PAIR.pack(first, second)
        case OutputGap(start=first, end=second):
            return bytes([TerminalType.GAP]) + _PAIR.pack(first, second)
        case TerminalPong(token=token):
            return bytes([TerminalType.PONG]) + _U64.pack(token)
        case m.Attached():
            return bytes([TerminalType.ATTACHED]) + msgspec.json.encode(message)
        case m.Notice():
            return bytes([TerminalType.NOTICE]) + msgspec.json.encode(message)
        case m.End():
            return bytes([TerminalType.END]) + msgspec.json.encode(message)
        case TerminalError():
            return bytes([TerminalType.ERROR]) + msgspec.json.encode(message)


def decode_client(data: bytes) -> ClientMessage:
    """Read one message of a terminal.

    Raises:
        TerminalFault: it is not a message a terminal may send.
    """
    if not data:
        raise TerminalFault("an empty message")
    read = _CLIENT_READERS.get(data[0])
    if read is None:
        raise TerminalFault(f"message type {data[0]:#04x} is not for a terminal to send")
    return read(data)


def decode_server(data: bytes) -> ServerMessage | None:
    """Read one message of the gateway; None for a type that this version does not know (newer gateways may send some).

    Raises:
        TerminalFault: a known message does not parse.
    """
    if not data:
        raise TerminalFault("an empty message")
    read = _SERVER_READERS.get(data[0])
    if read is not None:
        return read(data)
    if data[0] in _CLIENT_READERS:
        raise TerminalFault(f"message type {data[0]:#04x} is not for a gateway to send")
    return None


# Readers take the whole message; its first byte is the type.


def _read_input(data: bytes) -> Input:
    if len(data) < 10:
        raise TerminalFault("INPUT without offset")
    if len(data) - 10 > MAX_INPUT_BYTES:
        raise TerminalFault(f"more than {MAX_INPUT_BYTES} bytes in one INPUT")
    flags, offset = _INPUT.unpack_from(data, 1)
    return Input(_offset(offset), data[10:], bool(flags & _INPUT_AUTO), bool(flags & _INPUT_END))


def _read_ack(data: bytes) -> Ack:
    return Ack(_offset(_fixed(_U64, data)[0]))


def _read_resize(data: bytes) -> m.Resize:
    cols, rows = _fixed(_SIZE, data)
    if not cols or not rows:
        raise TerminalFault("a size of 0")
    return m.Resize(cols, rows)


def _read_visible(data: bytes) -> m.Visibility:
    if len(data) != 2 or data[1] > 1:
        raise TerminalFault("VISIBLE is followed by one byte, 0 or 1")
    return m.Visibility(data[1] == 1)


def _read_ping(data: bytes) -> TerminalPing:
    return TerminalPing(_offset(_fixed(_U64, data)[0]))


def _read_hello(data: bytes) -> TerminalHello:
    return _json(_HELLO_DECODER, data, MAX_HELLO_BYTES)


def _read_stay(data: bytes) -> m.Stay:
    _bare(data)
    return _STAY


def _read_close(data: bytes) -> Close:
    _bare(data)
    return _CLOSE


def _read_detach(data: bytes) -> m.Detach:
    _bare(data)
    return _DETACH


def _read_output(data: bytes) -> Output:
    if len(data) < 9:
        raise TerminalFault("OUTPUT without offset")
    return Output(_offset(_U64.unpack_from(data, 1)[0]), data[9:])


def _read_input_ack(data: bytes) -> InputAck:
    taken, limit = _fixed(_PAIR, data)
    return InputAck(_offset(taken), _offset(limit))


def _read_gap(data: bytes) -> OutputGap:
    start, end = _fixed(_PAIR, data)
    return OutputGap(_offset(start), _offset(end))


def _read_pong(data: bytes) -> TerminalPong:
    return TerminalPong(_offset(_fixed(_U64, data)[0]))


def _read_attached(data: bytes) -> m.Attached:
    return _json(_ATTACHED_DECODER, data)


def _read_notice(data: bytes) -> m.Notice:
    return _json(_NOTICE_DECODER, data)


def _read_end(data: bytes) -> m.End:
    return _json(_END_DECODER, data)


def _read_error(data: bytes) -> TerminalError:
    return _json(_ERROR_DECODER, data)


_CLIENT_READERS: dict[int, Callable[[bytes], ClientMessage]] = {
    TerminalType.INPUT.value: _read_input,
    TerminalType.ACK.value: _read_ack,
    TerminalType.RESIZE.value: _read_resize,
    TerminalType.VISIBLE.value: _read_visible,
    TerminalType.STAY.value: _read_stay,
    TerminalType.PING.value: _read_ping,
    TerminalType.CLOSE.value: _read_close,
    TerminalType.DETACH.value: _read_detach,
    TerminalType.HELLO.value: _read_hello,
}
_SERVER_READERS: dict[int, Callable[[bytes], ServerMessage]] = {
    TerminalType.OUTPUT.value: _read_output,
    TerminalType.INPUT_ACK.value: _read_input_ack,
    TerminalType.GAP.value: _read_gap,
    TerminalType.PONG.value: _read_pong,
    TerminalType.ATTACHED.value: _read_attached,
    TerminalType.NOTICE.value: _read_notice,
    TerminalType.END.value: _read_end,
    TerminalType.ERROR.value: _read_error,
}


def _fixed(layout: struct.Struct, data: bytes) -> tuple[int, ...]:
    if len(data) != 1 + layout.size:
        raise TerminalFault(f"{len(data) - 1} bytes instead of {layout.size}")
    return layout.unpack_from(data, 1)


def _bare(data: bytes) -> None:
    if len(data) != 1:
        raise TerminalFault(f"{len(data) - 1} bytes instead of 0")


def _offset(value: int) -> int:
    if value > MAX_OFFSET:
        raise TerminalFault("an offset over 2**53")
    return value


T = TypeVar("T")


def _json(decoder: msgspec.json.Decoder[T], data: bytes, limit_bytes: int = MAX_JSON_BYTES) -> T:
    if len(data) - 1 > limit_bytes:
        raise TerminalFault(f"a JSON body of {len(data) - 1} bytes")
    try:
        return decoder.decode(memoryview(data)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise TerminalFault(f"{TerminalType(data[0]).name} does not parse: {error}"[:300]) from error
