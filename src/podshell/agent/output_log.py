"""The output of one session: a log with absolute offsets, of which the newest bytes are kept.

Bytes lie in blocks of 32 KiB (one DATA frame); the first one grows as bytes come, so an idle session costs what it printed. Readers
hold offsets, not copies: `read` gives a view into a block that is valid until the next call into this module. All logs of an agent
share one `OutputBudget`. Bytes from `keep_from` on are never dropped: a reader that brakes the shell loses nothing
(design.md "Who may slow a shell").
"""

from __future__ import annotations

from collections import deque

from podshell.wire.messages import Position

# One DATA frame of the link.
BLOCK_BYTES = 32 * 1024
# How far to look for the end of a line when a reader has to start in the middle.
_SAFE_SEARCH_BYTES = 64 * 1024


class OutputBudget:
    """The bytes that all logs of an agent may hold together. When they are used up, the largest log loses its oldest block."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._logs: set[OutputLog] = set()

    @property
    def share_bytes(self) -> int:
        """What each log may hold if all hold the same."""
        return self.limit_bytes // max(1, len(self._logs))

    def add(self, log: OutputLog) -> None:
        self._logs.add(log)

    def remove(self, log: OutputLog) -> None:
        self._logs.discard(log)
        self.used_bytes -= log.held_bytes

    def count(self, change_bytes: int) -> None:
        """Note that logs hold so much more (or less), and make room."""
        self.used_bytes += change_bytes
        while change_bytes > 0 and self.used_bytes > self.limit_bytes:
            largest = max(self._logs, key=lambda log: log.droppable_bytes, default=None)
            if largest is None or not largest.drop_oldest():
                return  # what is left is protected; the consumers' windows bound it


class OutputLog:
    """One session's ring.

    Args:
        limit_bytes: how much of the newest output is kept; up to one block more lies in memory.
        budget: what is shared with the other sessions.
    """

    def __init__(self, limit_bytes: int, budget: OutputBudget) -> None:
        self.head = 0
        self.keep_from: int | None = None
        self._limit_bytes = limit_bytes
        self._budget = budget
        self._blocks: deque[bytearray] = deque()  # all but the last are full
        self._first = 0  # offset of the first block
        budget.add(self)

    @property
    def tail(self) -> int:
        """The oldest offset that can still be read."""
        return self._first

    @property
    def held_bytes(self) -> int:
        return self.head - self._first

    @property
    def droppable_bytes(self) -> int:
        """Bytes in whole blocks that nobody is owed; the block being written is not among them."""
        end = self.head if self.keep_from is None else min(self.head, self.keep_from)
        whole = min((end - self._first) // BLOCK_BYTES, len(self._blocks) - 1)
        return max(0, whole) * BLOCK_BYTES

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Take output; the oldest is dropped where it is over the limit."""
        view = memoryview(data)
        while view:
            used = self.head - self._first - BLOCK_BYTES * (len(self._blocks) - 1)
            if not self._blocks:
                self._blocks.append(bytearray())
                used = 0
            elif used == BLOCK_BYTES:
                # a session that prints so much fills another block: taken whole, it leaves no holes in the heap
                self._blocks.append(bytearray(BLOCK_BYTES))
                used = 0
            block = self._blocks[-1]
            piece = view[: BLOCK_BYTES - used]
            size = len(piece)
            block[used : used + size] = piece
            self.head += size
            view = view[size:]
            while self.head - self._first - BLOCK_BYTES >= self._limit_bytes and self.drop_oldest():
                pass
            self._budget.count(size)

    def read(self, offset: int, max_bytes: int) -> memoryview:
        """Return bytes from `offset` on, at most to the end of their block; empty at the head.

        Raises:
            ValueError: `offset` is not between `tail` and `head`.
        """
        if not self._first <= offset <= self.head:
            raise ValueError(f"offset {offset} is outside {self._first} to {self.head}")
        if offset == self.head:
            return memoryview(b"")
        index, start = divmod(offset - self._first, BLOCK_BYTES)
        end = min(start + max_bytes, self.head - self._first - index * BLOCK_BYTES)
        return memoryview(self._blocks[index])[start:end]

    def place(self, resume: Position | None, epoch: str) -> tuple[int, bool, bool]:
        """Return where output starts for a new reader, whether that does not follow what it has, and whether bytes are lost."""
        if resume is not None and resume.epoch == epoch and self.tail <= resume.offset <= self.head:
            return resume.offset, False, False
        start = self.safe_start()
        return start, True, start > 0

    def safe_start(self, at_least: int = 0) -> int:
        """Return where a reader that has nothing may begin: at 0, or after the first end of a line behind `at_least`.

        A line's end is neither inside an escape sequence nor inside a character, as far as can be told without interpreting.
        """
        start = max(self._first, at_least)
        if start == 0:
            return 0
        position = start
        while position < min(self.head, start + _SAFE_SEARCH_BYTES):
            view = self.read(position, BLOCK_BYTES)
            found = bytes(view).find(b"\n")
            if found >= 0:
                return position + found + 1
            position += len(view)
        return self._after_split_character(start)

    def drop_oldest(self) -> bool:
        """Drop the oldest block; False when it must be kept."""
        if self.droppable_bytes <= 0:
            return False
        self._blocks.popleft()
        self._first += BLOCK_BYTES
        self._budget.count(-BLOCK_BYTES)
        return True

    def close(self) -> None:
        """Give everything back to the budget."""
        self._budget.remove(self)
        self._blocks.clear()
        self._first = self.head

    def _after_split_character(self, offset: int) -> int:
        for piece in bytes(self.read(offset, 4)):
            if piece & 0xC0 != 0x80:  # not a continuation byte of UTF-8
                break
            offset += 1
        return offset
