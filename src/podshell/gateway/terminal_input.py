"""What a terminal typed and the link has not taken yet: bytes by offset, bounded by the agent's credit."""

from __future__ import annotations

from collections import deque

from podshell.wire.link import Chunk
from podshell.wire.terminal import Input, TerminalFault

# An agent gives 64 KiB; whatever it says, a terminal's input takes no more memory than this.
LIMIT_BYTES = 1024 * 1024


class InputQueue:
    """The input of one attached terminal; the link reads from it (wire/link.py ByteSource).

    Args:
        taken: the first byte that the agent has not got.
        limit: the byte at which the terminal must stop for now.
    """

    def __init__(self, taken: int, limit: int) -> None:
        self._pieces: deque[tuple[bytes | memoryview, bool]] = deque()
        self._next = taken
        self._limit = min(limit, taken + LIMIT_BYTES)
        self._ended = False
        self._end_told = False

    def put(self, typed: Input) -> bool:
        """Take typed bytes; what came before is trimmed. Says whether there is something new.

        Raises:
            TerminalFault: bytes are missing before them, or they are over the limit.
        """
        end = typed.offset + len(typed.data)
        if typed.offset > self._next:
            raise TerminalFault(f"input bytes {self._next} to {typed.offset} are missing")
        if end > self._limit:
            raise TerminalFault(f"input byte {end} is over the limit {self._limit}")
        if self._ended and end > self._next:
            raise TerminalFault(f"input byte {end} comes after the end at {self._next}")
        ends_now = typed.end and end >= self._next and not self._ended
        self._ended = self._ended or ends_now
        if end <= self._next:
            return ends_now
        skip = self._next - typed.offset
        self._pieces.append((memoryview(typed.data)[skip:] if skip else typed.data, typed.auto))
        self._next = end
        return True

    def raise_limit(self, taken: int, limit: int) -> int:
        """Take the agent's new credit; returns the limit that holds now."""
        self._limit = max(self._limit, min(limit, taken + LIMIT_BYTES))
        return self._limit

    def read(self, offset: int, max_bytes: int) -> Chunk | None:
        """Hand over the next bytes; each is handed over once."""
        if not self._pieces:
            if self._ended and not self._end_told:
                self._end_told = True
                return Chunk(b"", end=True)
            return None
        data, auto = self._pieces.popleft()
        if len(data) > max_bytes:
            view = memoryview(data)
            self._pieces.appendleft((view[max_bytes:], auto))
            data = view[:max_bytes]
        return Chunk(data, auto)
