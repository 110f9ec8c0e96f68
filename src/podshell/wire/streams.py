"""One stream of a link: its place in both directions and the rules for what may come next. Pure state, owned by LinkConnection."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from podshell.wire import messages as m
from podshell.wire.frames import MAX_DATA_BYTES, Flag
from podshell.wire.link_events import ByteSource, DataReceived, GapReceived, StreamKind, WindowReceived

OFFSET = struct.Struct("!Q")
PAIR = struct.Struct("!QQ")
# JavaScript counts exactly up to here, and offsets reach browsers.
MAX_OFFSET = 2**53

_AUTO = int(Flag.AUTO)
_END = int(Flag.END)


class StreamFault(Exception):
    """The peer broke the rules of one stream; the link goes on."""


@dataclass(slots=True)
class Stream:
    """`send_*` is about our bytes to the peer, `receive_*` about the peer's to us. Offsets are absolute; limits are exclusive."""

    id: int
    kind: StreamKind
    ours: bool
    send_offset: int = 0
    send_limit: int = 0
    acked_by_peer: int = 0
    receive_offset: int = 0
    receive_limit: int = 0
    source: ByteSource | None = None
    last_message: m.End | None = None
    sent_end: bool = False
    received_end: bool = False
    attached: bool = False
    known_to_peer: bool = False
    missing_in_syncs: int = 0
    window_bytes: int = 0

    def receive_bytes(self, flags: int, body: bytes) -> DataReceived | None:
        """Take a DATA body; None when all of it is a repetition.

        Raises:
            StreamFault: a hole, bytes over the credit or after the end, or a malformed body.
        """
        size = len(body) - 8
        if size < 0 or size > MAX_DATA_BYTES:
            raise StreamFault(f"{size} bytes in one DATA")
        (offset,) = OFFSET.unpack_from(body)
        start = self.receive_offset
        end: int = offset + size
        if offset > start:
            raise StreamFault(f"bytes {start} to {offset} are missing")
        if end > self.receive_limit:
            raise StreamFault(f"byte {end} is over the credit {self.receive_limit}")
        ended = bool(flags & _END) and not self.received_end and end >= start
        if end <= start and not ended:
            return None
        if self.received_end:
            raise StreamFault(f"byte {end} comes after the end at {start}")
        self.receive_offset = end
        self.received_end = ended
        return DataReceived(self.id, start, memoryview(body)[8 + start - offset :], bool(flags & _AUTO), ended)

    def receive_window(self, body: bytes) -> WindowReceived | None:
        """Take a WINDOW body; None when it says nothing new.

        Raises:
            StreamFault: it acknowledges what was never sent, or is malformed.
        """
        acked, limit = unpack_pair(body)
        if acked > self.send_offset:
            raise StreamFault(f"byte {acked} is acknowledged but was never sent")
        if limit > MAX_OFFSET:
            raise StreamFault("a limit over 2**53")
        if acked <= self.acked_by_peer and limit <= self.send_limit:
            return None
        self.acked_by_peer = max(self.acked_by_peer, acked)
        self.send_limit = max(self.send_limit, limit)
        return WindowReceived(self.id, self.acked_by_peer, self.send_limit)

    def receive_gap(self, body: bytes) -> GapReceived:
        """Take a GAP body. Lost bytes cost no credit: the limit moves with them, on both sides.

        Raises:
            StreamFault: the gap does not begin where we are, or is malformed.
        """
        start, end = unpack_pair(body)
        if start != self.receive_offset or end <= start or end > MAX_OFFSET:
            raise StreamFault(f"gap from {start} to {end} at {self.receive_offset}")
        self.receive_offset = end
        self.receive_limit += end - start
        return GapReceived(self.id, start, end)

    def receive_attached(self, attached: m.Attached) -> None:
        """Take the places where output and our input start.

        Raises:
            StreamFault: the stream is attached already.
        """
        if self.attached:
            raise StreamFault("attached twice")
        self.attached = True
        self.receive_offset = attached.start
        self.receive_limit = attached.start + self.window_bytes
        # a WINDOW may come before our input has a source
        self.send_offset = self.acked_by_peer = attached.input_taken
        self.send_limit = attached.input_limit


def unpack_pair(body: bytes) -> tuple[int, int]:
    """Read two offsets.

    Raises:
        StreamFault: the body has another length.
    """
    if len(body) != PAIR.size:
        raise StreamFault(f"{len(body)} bytes instead of {PAIR.size}")
    first, second = PAIR.unpack(body)
    return first, second
