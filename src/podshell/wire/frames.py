"""Link frames: the 8-byte header and its limits (spec/link.md 2).

A frame is `type u8 | flags u8 | stream u32 | length u16` (network order) and `length` bytes of body. A body longer than one frame
is cut into several of the same type and stream, all but the last with MORE, with nothing between them. The decoder takes bytes cut
anywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import TypeAlias

from msgspec import Struct

HEADER = struct.Struct("!BBIH")
MAX_BODY_BYTES = 65_535
# 32 KiB: one frame delays a keystroke on a 100 Mbit/s link by 2.6 ms at most.
MAX_DATA_BYTES = 32 * 1024
# A reply or event cut into MORE frames: a pod object with long annotations is a few hundred KiB.
MAX_JOINED_BYTES = 4 * 1024 * 1024
MAX_STREAM = 2**32 - 1


class LinkFault(Exception):
    """The peer broke the protocol; the link must end. The text is safe to send to it."""


class LocalLinkError(Exception):
    """Our own code asked the link for something it must not do."""


class FrameType(IntEnum):
    # the link itself, stream 0
    CHALLENGE = 0x01
    HELLO = 0x02
    WELCOME = 0x03
    REJECT = 0x04
    PING = 0x05
    PONG = 0x06
    GOAWAY = 0x07
    SYNC = 0x08
    DRAINING = 0x09
    LINK_WINDOW = 0x0A
    FACT = 0x0B
    FACT_ACK = 0x0C
    # calls
    CALL = 0x10
    REPLY = 0x11
    EVENT = 0x12
    CANCEL = 0x13
    # consumers of a session
    ATTACH = 0x20
    ATTACHED = 0x21
    DATA = 0x22
    WINDOW = 0x23
    GAP = 0x24
    RESIZE = 0x25
    VISIBILITY = 0x26
    STAY = 0x27
    NOTICE = 0x28
    END = 0x29
    DETACH = 0x2A
    RESET = 0x2B


class Flag(IntFlag):
    NONE = 0
    OPTIONAL = 0x01  # a receiver that does not know the type ignores the frame
    MORE = 0x02  # the body goes on in the next frame of this type and stream
    AUTO = 0x04  # DATA from a viewer: made by its terminal, not by a hand
    END = 0x08  # DATA from a viewer: nothing follows these bytes (end of input of a session without a terminal)


class Frame(Struct, frozen=True, gc=False):
    """A whole message: pieces joined, flags of its last piece."""

    type: int
    flags: int
    stream: int
    body: bytes


# DATA, WINDOW, GAP, LINK_WINDOW and CANCEL are short by definition: a body in pieces is a fault.
WHOLE_TYPES = frozenset({FrameType.DATA, FrameType.WINDOW, FrameType.GAP, FrameType.LINK_WINDOW, FrameType.CANCEL})
# type, flags, stream, body: a tuple costs a third of a Frame, and this is the hot path
RawFrame: TypeAlias = tuple[int, int, int, bytes]

_MORE = int(Flag.MORE)


def encode_frame(frame_type: int, stream: int, body: bytes = b"", flags: int = 0) -> bytes:
    """Build the bytes of one message; a body over 65,535 bytes becomes several frames with MORE.

    Raises:
        LocalLinkError: the body is longer than MAX_JOINED_BYTES, or the stream is not a u32.
    """
    if not 0 <= stream <= MAX_STREAM:
        raise LocalLinkError(f"{stream} is not a stream")
    if len(body) <= MAX_BODY_BYTES:
        return HEADER.pack(frame_type, flags, stream, len(body)) + body
    if len(body) > MAX_JOINED_BYTES:
        raise LocalLinkError(f"a body of {len(body)} bytes is over the limit of {MAX_JOINED_BYTES}")
    pieces = [body[i : i + MAX_BODY_BYTES] for i in range(0, len(body), MAX_BODY_BYTES)]
    encoded = [HEADER.pack(frame_type, flags | _MORE, stream, len(p)) + p for p in pieces[:-1]]
    encoded.append(HEADER.pack(frame_type, flags & ~_MORE, stream, len(pieces[-1])) + pieces[-1])
    return b"".join(encoded)


class FrameDecoder:
    """Turn bytes, cut anywhere, into whole frames; joins MORE pieces.

    Holds at most one partial frame, and the pieces of one body: pieces follow each other directly (spec/link.md 2).
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._joined: bytearray | None = None
        self._joined_key = (0, 0)

    def receive_data(self, data: bytes | bytearray | memoryview) -> Iterator[Frame]:
        """Yield the frames that `data` completes.

        Raises:
            LinkFault: the pieces of a body break the rules; after the frames before that.
        """
        frames: list[RawFrame] = []
        fault = self.decode(data, frames)
        for frame in frames:
            yield Frame(*frame)
        if fault is not None:
            raise fault

    def decode(self, data: bytes | bytearray | memoryview, frames: list[RawFrame]) -> LinkFault | None:
        """Append the frames that `data` completes; a fault is returned, so that the frames before it count however bytes were cut.

        After a fault the decoder must not be used again. Bodies are copies: `data` may be reused.
        """
        buffer = self._buffer
        if buffer:
            buffer += data
            with memoryview(buffer) as view:
                position, fault = self._split(view, frames)
            del buffer[:position]
        else:
            with memoryview(data) as view:
                position, fault = self._split(view, frames)
                if position < len(view):
                    buffer += view[position:]
        return fault

    def _split(self, view: memoryview, frames: list[RawFrame]) -> tuple[int, LinkFault | None]:
        position = 0
        total = len(view)
        unpack = HEADER.unpack_from
        while total - position >= 8:
            frame_type, flags, stream, length = unpack(view, position)
            end = position + 8 + length
            if end > total:
                break
            body = bytes(view[position + 8 : end])
            position = end
            if flags & _MORE or self._joined is not None:
                fault = self._join(frame_type, flags, stream, body, frames)
                if fault is not None:
                    return position, fault
            else:
                frames.append((frame_type, flags, stream, body))
        return position, None

    def _join(self, frame_type: int, flags: int, stream: int, body: bytes, frames: list[RawFrame]) -> LinkFault | None:
        if self._joined is None:
            if frame_type in WHOLE_TYPES:
                return LinkFault(f"frame type {frame_type:#04x} cannot come in pieces")
            self._joined, self._joined_key = bytearray(), (frame_type, stream)
        elif self._joined_key != (frame_type, stream):
            return LinkFault("another frame between the pieces of a body")
        self._joined += body
        if len(self._joined) > MAX_JOINED_BYTES:
            return LinkFault(f"a body is over the limit of {MAX_JOINED_BYTES} bytes")
        if not flags & _MORE:
            frames.append((frame_type, flags, stream, bytes(self._joined)))
            self._joined = None
        return None
