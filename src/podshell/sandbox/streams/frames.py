"""WebSocket frames as golang.org/x/net/websocket has them, without I/O.

Only what the recorded server does: every frame is a message of its own (FIN is ignored, transcripts/frames/fragmented.*),
TEXT counts as binary, a frame without mask is refused, frames above 32 MiB end the connection.  Written for the sandbox
alone: it shares nothing with the clients that it is there to test.
"""

import enum
import struct
from dataclasses import dataclass

FRAME_LIMIT_BYTES = 32 * 1024 * 1024  # x/net ErrFrameTooLarge in wsstream (transcripts/frames/too-big-stdin.v5)


class Opcode(enum.IntEnum):
    """The frame types of RFC 6455."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@dataclass(frozen=True)
class Frame:
    """One frame from the client; ``opcode`` is a plain number where it is none of ours."""

    opcode: int
    payload: bytes


class FrameFault(Exception):
    """The client broke the framing."""


class UnmaskedFrame(FrameFault):
    """A frame without the mask that clients must use."""


class OversizedFrame(FrameFault):
    """A frame above the limit."""


class FrameParser:
    """Cuts received bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def buffered_bytes(self) -> int:
        """What was fed and not yet returned."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire."""
        self._buffer += data

    def next_frame(self) -> Frame | None:
        """Return the next whole frame, None when there is none yet.

        Raises: UnmaskedFrame, OversizedFrame; the connection is of no use afterwards.
        """
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, position = buffer[1] & 0x7F, 2
        if length == 126:
            position = 4
        elif length == 127:
            position = 10
        if len(buffer) < position:
            return None
        if position > 2:
            length = int.from_bytes(buffer[2:position], "big")
        if length > FRAME_LIMIT_BYTES:
            raise OversizedFrame
        if not buffer[1] & 0x80:
            raise UnmaskedFrame
        end = position + 4 + length
        if len(buffer) < end:
            return None
        mask = bytes(buffer[position : position + 4])
        payload = _unmask(bytes(buffer[position + 4 : end]), mask)
        opcode = buffer[0] & 0x0F
        del buffer[:end]
        return Frame(opcode, payload)


def _unmask(data: bytes, mask: bytes) -> bytes:
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """Build one frame of the server: final, not masked."""
    size = len(payload)
    if size < 126:
        header = bytes((0x80 | opcode, size))
    elif size < 65536:
        header = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        header = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return header + payload


def encode_close(code: int) -> bytes:
    """Build a close frame without a reason, as the recorded server sends it."""
    return encode_frame(Opcode.CLOSE, struct.pack("!H", code))
