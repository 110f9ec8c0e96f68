"""Link frames: the 8-byte header and its limits (spec/link.md 2).

A frame is `type u8 | flags u8 | stream u32 | length u16` (network order) and `length` bytes of body. A body longer than one frame
is cut into several of the same type and stream, all but the last with MORE. The decoder takes bytes cut anywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag

HEADER = struct.Struct("!BBIH")
MAX_BODY_BYTES = 65_535
# 32 KiB: one frame delays a keystroke on a 100 Mbit/s link by 2.6 ms at most.
MAX_DATA_BYTES = 32 * 1024
# A reply or event cut into MORE frames: a pod object with long annotations is a few hundred KiB.
MAX_JOINED_BYTES = 4 * 1024 * 1024


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


@dataclass(frozen=True, slots=True)
class Frame:
    type: int
    flags: int
    stream: int
    body: bytes


def encode_frame(frame_type: int, stream: int, body: bytes = b"", flags: int = 0) -> bytes:
    """Build the bytes of one message; a body over 65,535 bytes becomes several frames with MORE.

    Raises:
        LocalLinkError: the body is longer than MAX_JOINED_BYTES, or the stream is not a u32.
    """
    if len(body) <= MAX_BODY_BYTES:
        return HEADER.pack(frame_type, flags, stream, len(body)) + body
    if len(body) > MAX_JOINED_BYTES:
        raise LocalLinkError(f"a body of {len(body)} bytes is over the limit of {MAX_JOINED_BYTES}")
    pieces = [body[i : i + MAX_BODY_BYTES] for i in range(0, len(body), MAX_BODY_BYTES)]
    encoded = [HEADER.pack(frame_type, flags | Flag.MORE, stream, len(p)) + p for p in pieces[:-1]]
    encoded.append(HEADER.pack(frame_type, flags, stream, len(pieces[-1])) + pieces[-1])
    return b"".join(encoded)


class FrameDecoder:
    """Turn bytes, cut anywhere, into whole frames; joins MORE pieces. Holds at most one partial frame and MAX_JOINED_BYTES of pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._joined: dict[tuple[int, int], bytearray] = {}
        self._joined_bytes = 0

    def receive_data(self, data: bytes | memoryview) -> Iterator[Frame]:
        """Yield the frames that `data` completes.

        Raises:
            LinkFault: a joined body is over MAX_JOINED_BYTES.
        """
        buffer = self._buffer
        buffer += data
        position = 0
        try:
            while len(buffer) - position >= HEADER.size:
                frame_type, flags, stream, length = HEADER.unpack_from(buffer, position)
                end = position + HEADER.size + length
                if len(buffer) < end:
                    break
                body = bytes(memoryview(buffer)[position + HEADER.size : end])
                position = end
                frame = self._join(frame_type, flags, stream, body)
                if frame is not None:
                    yield frame
        finally:
            del buffer[:position]

    def _join(self, frame_type: int, flags: int, stream: int, body: bytes) -> Frame | None:
        key = (frame_type, stream)
        if not flags & Flag.MORE and key not in self._joined:
            return Frame(frame_type, flags, stream, body)
        self._joined_bytes += len(body)
        if self._joined_bytes > MAX_JOINED_BYTES:
            raise LinkFault(f"joined bodies are over the limit of {MAX_JOINED_BYTES} bytes")
        pieces = self._joined.setdefault(key, bytearray())
        pieces += body
        if flags & Flag.MORE:
            return None
        del self._joined[key]
        self._joined_bytes -= len(pieces)
        return Frame(frame_type, flags, stream, bytes(pieces))
