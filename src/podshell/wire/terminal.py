"""Messages between a terminal (browser or command line) and the gateway: one per binary WebSocket message (spec/terminal.md).

`type u8` and a body: fixed binary where bytes flow, JSON elsewhere. The TypeScript twin is web/src/wire/terminal.ts; both run
spec/vectors/terminal.json.
Offsets are u64 on the wire and stay below 2**53, which JavaScript counts exactly.
"""

from __future__ import annotations

import struct
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
MAX_JSON_BYTES = 16 * 1024

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


class Input(Struct, frozen=True):
    """Typed bytes at `offset` of this viewer's input. `auto`: the terminal made them by itself (replies, focus, mouse): no activity."""

    offset: int
    data: bytes
    auto: bool = False


class Ack(Struct, frozen=True):
    """The terminal has parsed all output before `offset`."""

    offset: int


class TerminalPing(Struct, frozen=True):
    token: int


class Close(Struct, frozen=True):
    """End the session (not just this viewer)."""


class Output(Struct, frozen=True):
    offset: int
    data: bytes


class InputAck(Struct, frozen=True):
    """Input before `taken` was passed on, exactly once; send none beyond `limit`."""

    taken: int
    limit: int


class OutputGap(Struct, frozen=True):
    """Output from `start` to `end` is gone; a repaint follows."""

    start: int
    end: int


class TerminalPong(Struct, frozen=True):
    token: int


class TerminalError(Struct, frozen=True):
    """Why the socket is about to close, or never attached. `retry_after_ms` set: try again after it."""

    refusal: Refusal
    retry_after_ms: int | None = None


ClientMessage: TypeAlias = TerminalHello | Input | Ack | m.Resize | m.Visibility | m.Stay | TerminalPing | Close | m.Detach
ServerMessage: TypeAlias = m.Attached | Output | InputAck | OutputGap | m.Notice | m.End | TerminalPong | TerminalError

_JSON_TYPES = {
    TerminalType.HELLO: TerminalHello,
    TerminalType.ATTACHED: m.Attached,
    TerminalType.NOTICE: m.Notice,
    TerminalType.END: m.End,
    TerminalType.ERROR: TerminalError,
}
_JSON_DECODERS = {kind: msgspec.json.Decoder(struct_type) for kind, struct_type in _JSON_TYPES.items()}
_EMPTY: dict[TerminalType, m.Stay | m.Detach | Close] = {
    TerminalType.STAY: m.Stay(),
    TerminalType.DETACH: m.Detach(),
    TerminalType.CLOSE: Close(),
}
_CLIENT_TYPES = frozenset(t for t in TerminalType if t < 0x40)


def encode_client(message: ClientMessage) -> bytes:
    """Build one message of a terminal to the gateway."""
    match message:
        case Input(offset=offset, data=data, auto=auto):
            return bytes([TerminalType.INPUT]) + _INPUT.pack(int(auto), offset) + data
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
    kind, body = _split(data)
    if kind not in _CLIENT_TYPES:
        raise TerminalFault(f"{kind.name} is not for a terminal to send")
    match kind:
        case TerminalType.INPUT:
            return _decode_input(body)
        case TerminalType.ACK:
            return Ack(_offset(_fixed(_U64, body)[0]))
        case TerminalType.RESIZE:
            cols, rows = _fixed(_SIZE, body)
            if not cols or not rows:
                raise TerminalFault("a size of 0")
            return m.Resize(cols, rows)
        case TerminalType.VISIBLE:
            if len(body) != 1:
                raise TerminalFault("VISIBLE has one byte")
            return m.Visibility(body != b"\0")
        case TerminalType.PING:
            return TerminalPing(_fixed(_U64, body)[0])
        case TerminalType.HELLO:
            return _json(kind, body, TerminalHello)
        case _:
            return _EMPTY[kind]


def decode_server(data: bytes) -> ServerMessage | None:
    """Read one message of the gateway; None for a type that this version does not know (newer gateways may send some).

    Raises:
        TerminalFault: a known message does not parse.
    """
    if data and data[0] not in TerminalType.__members__.values():
        return None
    kind, body = _split(data)
    match kind:
        case TerminalType.OUTPUT:
            if len(body) < _U64.size:
                raise TerminalFault("OUTPUT without offset")
            return Output(_offset(_U64.unpack_from(body)[0]), body[_U64.size :])
        case TerminalType.INPUT_ACK:
            return InputAck(*map(_offset, _fixed(_PAIR, body)))
        case TerminalType.GAP:
            return OutputGap(*map(_offset, _fixed(_PAIR, body)))
        case TerminalType.PONG:
            return TerminalPong(_fixed(_U64, body)[0])
        case TerminalType.ATTACHED:
            return _json(kind, body, m.Attached)
        case TerminalType.NOTICE:
            return _json(kind, body, m.Notice)
        case TerminalType.END:
            return _json(kind, body, m.End)
        case TerminalType.ERROR:
            return _json(kind, body, TerminalError)
        case _:
            raise TerminalFault(f"{kind.name} is not for a gateway to send")


def _split(data: bytes) -> tuple[TerminalType, bytes]:
    if not data:
        raise TerminalFault("an empty message")
    try:
        return TerminalType(data[0]), data[1:]
    except ValueError:
        raise TerminalFault(f"unknown message type {data[0]:#04x}") from None


def _fixed(layout: struct.Struct, body: bytes) -> tuple[int, ...]:
    if len(body) != layout.size:
        raise TerminalFault(f"{len(body)} bytes instead of {layout.size}")
    return layout.unpack(body)


def _offset(value: int) -> int:
    if value > MAX_OFFSET:
        raise TerminalFault("an offset over 2**53")
    return value


def _decode_input(body: bytes) -> Input:
    if len(body) < _INPUT.size:
        raise TerminalFault("INPUT without offset")
    if len(body) - _INPUT.size > MAX_INPUT_BYTES:
        raise TerminalFault(f"more than {MAX_INPUT_BYTES} bytes in one INPUT")
    flags, offset = _INPUT.unpack_from(body)
    return Input(_offset(offset), body[_INPUT.size :], bool(flags & 1))


T = TypeVar("T")


def _json(kind: TerminalType, body: bytes, expected: type[T]) -> T:
    if len(body) > MAX_JSON_BYTES:
        raise TerminalFault(f"{kind.name} of {len(body)} bytes")
    try:
        decoded = _JSON_DECODERS[kind].decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TerminalFault(f"{kind.name} does not parse: {error}"[:300]) from error
    assert isinstance(decoded, expected)
    return decoded
