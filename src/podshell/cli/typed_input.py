"""What was typed and the session has not taken yet: absolute offsets, sent within credit, and again after a reconnect. Pure."""

from __future__ import annotations

from collections import deque

from podshell.wire.terminal import Input

# One message: small enough that an acknowledgement for the screen never waits long behind it.
MESSAGE_BYTES = 16 * 1024
# What may wait here; above it standard input is not read.
WAITING_BYTES = 256 * 1024


class TypedInput:
    """The input of one viewer."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[bytes, bool]] = deque()
        self._base = 0  # offset of the first piece
        self._size = 0
        self._sent = 0  # offset of the next byte to send
        self._limit = 0
        self._ended = False
        self._end_sent = False

    @property
    def waiting_bytes(self) -> int:
        """Bytes that were typed and not taken."""
        return self._size

    @property
    def finished(self) -> bool:
        """Whether the end of input was said."""
        return self._ended

    def put(self, data: bytes, *, auto: bool) -> None:
        """Take bytes; `auto`: the terminal made them by itself."""
        if data and not self._ended:
            self._pieces.append((data, auto))
            self._size += len(data)

    def end(self) -> None:
        """Nothing follows."""
        self._ended = True

    def attach(self, taken: int, limit: int, *, keep: bool) -> None:
        """Start on a new connection from `taken`. Not `keep`: what waits was meant for a shell that is gone."""
        if not keep:
            self._pieces.clear()
            self._base, self._size = taken, 0
        elif taken < self._base:
            self._base = taken  # the agent has forgotten this viewer: what waits gets new numbers
        self._take(taken)
        self._sent, self._limit, self._end_sent = self._base, limit, False

    def acknowledge(self, taken: int, limit: int) -> None:
        """Forget what was taken, and note new credit."""
        self._take(taken)
        self._sent = max(self._sent, self._base)
        self._limit = max(self._limit, limit)

    def next_message(self) -> Input | None:
        """Return what to send next, if anything may be sent."""
        room = min(MESSAGE_BYTES, self._limit - self._sent)
        offset = self._base
        for data, auto in self._pieces:
            skip = self._sent - offset
            if skip < len(data):
                if room <= 0:
                    return None
                piece = data[skip : skip + room]
                message = Input(self._sent, piece, auto)
                self._sent += len(piece)
                return message
            offset += len(data)
        if self._ended and not self._end_sent:
            self._end_sent = True
            return Input(self._sent, b"", end=True)
        return None

    def _take(self, taken: int) -> None:
        while self._pieces and taken > self._base:
            data, auto = self._pieces[0]
            count = min(taken - self._base, len(data))
            if count == len(data):
                self._pieces.popleft()
            else:
                self._pieces[0] = (data[count:], auto)
            self._base += count
            self._size -= count
        self._base = max(self._base, taken)
