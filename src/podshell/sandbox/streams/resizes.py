"""The size messages of a client, decoded as the two servers do, with the states in which they stop reading for ever.

On a tty one JSON decoder reads the whole channel: objects may be cut or joined anywhere.  Something that is no size ends
the decoder, and the next message then blocks the server's only read loop (transcripts/exec/tty-resize-garbage-freezes.*).
Without a tty nobody decodes: v4 ignores the channel, on v5 the second message blocks (exec/nontty-resize-twice.v5).
"""

import json
from dataclasses import dataclass, field

_OBJECT_LIMIT_BYTES = 4096  # a size has 30; more without an end is no size
_MAX_SIZE = 65535


class Frozen(Exception):
    """The server's read loop is blocked from here on."""


@dataclass
class SizeDecoder:
    """The resize channel of one connection."""

    tty: bool
    translated: bool
    _buffer: bytes = b""
    _broken: bool = False
    _ignored: int = field(default=0)

    def receive(self, data: bytes) -> list[tuple[int, int]]:
        """Return the sizes (columns, rows) that this message completes.

        Raises: Frozen.
        """
        if not data:
            return []
        if not self.tty:
            self._ignored += 1
            if self.translated and self._ignored > 1:
                raise Frozen
            return []
        if self._broken:
            raise Frozen
        self._buffer += data
        sizes: list[tuple[int, int]] = []
        while (end := self._object_end()) is not None:
            text, self._buffer = self._buffer[:end], self._buffer[end:]
            size = _read_size(text)
            if size is None:
                self._broken = True
            elif size[0] > 0 and size[1] > 0:  # 0x0 is ignored: transcripts/exec/tty-resize-0x0.v5
                sizes.append(size)
        return sizes

    def _object_end(self) -> int | None:
        """Find where the first object in the buffer ends; notice what cannot become one."""
        if self._broken:
            return None
        self._buffer = self._buffer.lstrip(b" \t\r\n")
        if not self._buffer:
            return None
        if self._buffer[:1] != b"{":
            self._broken = True
            return None
        depth, quoted, escaped = 0, False, False
        for position, byte in enumerate(self._buffer):
            if quoted:
                quoted = escaped or byte != 0x22
                escaped = not escaped and byte == 0x5C
            elif byte == 0x22:
                quoted = True
            elif byte in b"{[":
                depth += 1
            elif byte in b"}]":
                depth -= 1
                if depth == 0:
                    return position + 1
        self._broken = len(self._buffer) > _OBJECT_LIMIT_BYTES
        return None


def _read_size(text: bytes) -> tuple[int, int] | None:
    """Read one object as Go's encoding/json does: keys without regard to case, uint16 values."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    sizes = {"width": 0, "height": 0}
    for key, number in value.items():
        if key.lower() in sizes and number is not None:
            if type(number) is not int or not 0 <= number <= _MAX_SIZE:
                return None
            sizes[key.lower()] = number
    return sizes["width"], sizes["height"]
