"""What viewers typed, by viewer: which byte is next, and what waits for the shell.

Pure. An input stream belongs to a viewer id and outlives its connections: a byte that was taken is never taken again. The newest 32
viewers are remembered; a session has one or two.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

_REMEMBERED_VIEWERS = 32
# What a viewer may have sent and the shell not yet taken. With the exec stream's own window, unread stdin stays below the 128 KiB
# from which on a Status never comes (kubernetes.md, correction 3).
INPUT_WINDOW_BYTES = 64 * 1024


@dataclass(slots=True)
class InputStream:
    """One viewer's input: `received` is what came, `taken` what was passed to the shell (or dropped with it)."""

    received: int = 0
    taken: int = 0

    @property
    def limit(self) -> int:
        return self.taken + INPUT_WINDOW_BYTES


class InputStreams:
    """The input of one session, in the order in which it came."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, InputStream] = OrderedDict()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._ended = False

    def stream(self, viewer: str) -> InputStream:
        """Return a viewer's stream, made if it is new."""
        stream = self._streams.get(viewer)
        if stream is None:
            stream = self._streams[viewer] = InputStream()
            while len(self._streams) > _REMEMBERED_VIEWERS:
                self._streams.popitem(last=False)
        self._streams.move_to_end(viewer)
        return stream

    @property
    def at_end(self) -> bool:
        """Whether somebody's input has ended and nothing waits any more."""
        return self._ended and not self._waiting

    def end(self) -> None:
        """Nothing follows what came (spec/terminal.md 4, flag 2); said again after every attach."""
        self._ended = True

    def receive(self, viewer: str, offset: int, data: bytes | memoryview) -> int:
        """Keep what is new of `data`; returns how many bytes were. Bytes behind a hole or over the limit are ignored."""
        stream = self.stream(viewer)
        end = min(offset + len(data), stream.limit)
        if offset > stream.received or end <= stream.received:
            return 0
        new = bytes(data[stream.received - offset : end - offset])
        stream.received = end
        self._waiting.append((viewer, new))
        return len(new)

    def next_piece(self) -> tuple[str, bytes] | None:
        """Return the next piece for the shell and count it as taken."""
        if not self._waiting:
            return None
        viewer, data = self._waiting.popleft()
        self.stream(viewer).taken += len(data)
        return viewer, data

    def drop_waiting(self) -> list[str]:
        """Count everything that waits as taken: it was meant for a shell that is gone. Returns the viewers concerned."""
        viewers: list[str] = []
        while (piece := self.next_piece()) is not None:
            viewers.append(piece[0])
        return viewers
