"""What a container wrote, kept in memory as the container runtime's log files would: line by line, with times.

Bounded in bytes: the oldest lines go first.  A last line without its newline is kept back until the newline or the end
of the container, as containerd does (an attached prompt is not in the log until Enter).
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

LOG_BYTES = 1024 * 1024  # a tenth of the kubelet's containerLogMaxSize; many containers share one sandbox
_LINE_BYTES = 16 * 1024  # containerd cuts longer lines


@dataclass(frozen=True)
class LogLine:
    """One line with its newline (none when it was cut or is the last); ``time_ns`` since 1970."""

    number: int
    time_ns: int
    stream: str
    text: bytes

    def render(self, timestamps: bool) -> bytes:
        """Return the line as the log endpoint sends it."""
        if not timestamps:
            return self.text
        seconds, nanoseconds = divmod(self.time_ns, 1_000_000_000)
        when = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
        return f"{when}{fraction}Z ".encode() + self.text


class ContainerLog:
    """The log of one run of a container."""

    def __init__(self, limit_bytes: int = LOG_BYTES, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._limit_bytes = limit_bytes
        self._clock_ns = clock_ns
        self._lines: deque[LogLine] = deque()
        self._bytes = 0
        self._next_number = 0
        self._partial = {"stdout": b"", "stderr": b""}
        self._ended = False
        self._changed = asyncio.Event()

    def append(self, stream: str, data: bytes) -> None:
        """Take output of ``stdout`` or ``stderr``."""
        *whole, rest = (self._partial[stream] + data).split(b"\n")
        for line in whole:
            self._add(stream, line + b"\n")
        while len(rest) >= _LINE_BYTES:
            self._add(stream, rest[:_LINE_BYTES])
            rest = rest[_LINE_BYTES:]
        self._partial[stream] = rest
        if whole:
            self._signal()

    def end(self) -> None:
        """The container is gone: keep what has no newline too, and let followers end."""
        for stream, rest in self._partial.items():
            if rest:
                self._add(stream, rest)
        self._partial = {"stdout": b"", "stderr": b""}
        self._ended = True
        self._signal()

    def select(self, *, tail_lines: int | None = None, since_ns: int | None = None) -> list[LogLine]:
        """Return the kept lines, the newest ``tail_lines`` of them, none older than ``since_ns``."""
        lines = list(self._lines)
        if since_ns is not None:
            lines = [line for line in lines if line.time_ns >= since_ns]
        if tail_lines is not None:
            lines = lines[-tail_lines:] if tail_lines else []
        return lines

    async def follow(self, after: int) -> AsyncIterator[LogLine]:
        """Yield the lines numbered above ``after`` until the container ends; what fell out of the ring is skipped."""
        while True:
            changed, ended = self._changed, self._ended
            for line in self.select():
                if line.number > after:
                    after = line.number
                    yield line
            if ended:
                return
            await changed.wait()

    @property
    def last_number(self) -> int:
        """The number of the newest line, -1 before the first."""
        return self._next_number - 1

    def _add(self, stream: str, text: bytes) -> None:
        self._lines.append(LogLine(self._next_number, self._clock_ns(), stream, text))
        self._next_number += 1
        self._bytes += len(text)
        while self._bytes > self._limit_bytes:
            self._bytes -= len(self._lines.popleft().text)

    def _signal(self) -> None:
        # Every follower waits on the event of its own turn; a new one takes its place.
        self._changed.set()
        self._changed = asyncio.Event()
