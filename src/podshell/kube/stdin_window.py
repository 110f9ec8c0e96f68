"""How much input may be on its way into a container, and what waits until then.

Pure. The server writes stdin into a blocking pipe of 64 KiB. If the process ends with 192 KiB or more of it unread, neither
Status nor close ever come (transcripts/frames/stdin-unread-192k-then-exit.{v4,v5}); with 128 KiB they do. On v4 the loop that
writes stdin also answers pings, so a pong says that everything before its ping went into the pipe: a ping after each
`BARRIER_BYTES` tells what is still under way (v4: pipe 64 KiB + runtime's copy buffer 32 KiB + this window <= 128 KiB). On v5
pongs come whatever the process reads (frames/stdin-not-read.v5), so there the window only bounds memory.

Missing pongs never end anything (kubernetes.md 1.3 no. 3): they only keep later input waiting.
"""

from __future__ import annotations

from collections import deque

from podshell.kube.channels import STDIN_CHUNK_BYTES, Subprotocol
from podshell.kube.errors import StdinOverflow

BARRIER_BYTES = 16 * 1024
WINDOW_V4_BYTES = 32 * 1024
WINDOW_V5_BYTES = 96 * 1024
# A paste of 1 MiB may be handed over in one call, and not more than that may wait here.
BACKLOG_LIMIT_BYTES = 1024 * 1024
# Input kept for the one retry on v4, until the first output.
REPLAY_LIMIT_BYTES = 32 * 1024
_BARRIER_MARK = b"stdin"


class StdinWindow:
    """The input of one stream."""

    def __init__(self, subprotocol: Subprotocol) -> None:
        self.window_bytes = WINDOW_V4_BYTES if subprotocol is Subprotocol.V4 else WINDOW_V5_BYTES
        self.backlog_bytes = 0
        self._backlog: deque[memoryview] = deque()
        self._sent = 0
        self._barrier_at = 0
        self._taken = 0
        self._replay: bytearray | None = bytearray()

    @property
    def in_flight_bytes(self) -> int:
        """What was sent and not yet seen to have left the server's read loop."""
        return self._sent - self._taken

    @property
    def writable(self) -> bool:
        """Whether more input would be sent at once."""
        return not self._backlog and self.in_flight_bytes < self.window_bytes

    def push(self, data: bytes | bytearray | memoryview) -> None:
        """Queue input.

        Raises:
            StdinOverflow: over 1 MiB would wait.
        """
        if self.backlog_bytes + len(data) > BACKLOG_LIMIT_BYTES:
            raise StdinOverflow(f"over {BACKLOG_LIMIT_BYTES} octets of input are waiting")
        if data:
            self._backlog.append(memoryview(bytes(data)))
            self.backlog_bytes += len(data)

    def pop(self) -> memoryview | None:
        """Return the next piece to send now (at most 32 KiB), or None."""
        room = min(self.window_bytes - self.in_flight_bytes, STDIN_CHUNK_BYTES)
        if not self._backlog or room <= 0:
            return None
        piece = self._backlog.popleft()
        if len(piece) > room:
            self._backlog.appendleft(piece[room:])
            piece = piece[:room]
        self.backlog_bytes -= len(piece)
        return piece

    def count_sent(self, piece: memoryview) -> bytes | None:
        """Note `piece` as sent; return the payload of a ping that must follow it, if one is due."""
        self._sent += len(piece)
        if self._replay is not None:
            self._replay += piece
            if len(self._replay) > REPLAY_LIMIT_BYTES:
                self._replay = None
        if self._sent - self._barrier_at < BARRIER_BYTES:
            return None
        self._barrier_at = self._sent
        return _BARRIER_MARK + self._sent.to_bytes(8, "big")

    def receive_pong(self, payload: bytes) -> bool:
        """Note a pong; return whether input that waited may go on."""
        mark = len(_BARRIER_MARK)
        if len(payload) != mark + 8 or payload[:mark] != _BARRIER_MARK:
            return False
        taken = int.from_bytes(payload[mark:], "big")
        if not self._taken < taken <= self._sent:
            return False
        was_open = self.in_flight_bytes < self.window_bytes
        self._taken = taken
        return bool(self._backlog) or not was_open

    @property
    def replayable(self) -> bool:
        """Whether everything that was sent is still here."""
        return self._replay is not None

    def forget_sent(self) -> None:
        """Drop what was kept for `restarted`: the process has answered."""
        self._replay = None

    def restarted(self, subprotocol: Subprotocol) -> StdinWindow:
        """Return the window of a new connection: what was sent on the old one, then what waits."""
        window = StdinWindow(subprotocol)
        for piece in (memoryview(bytes(self._replay or b"")), *self._backlog):
            if piece:
                window._backlog.append(piece)
                window.backlog_bytes += len(piece)
        return window
