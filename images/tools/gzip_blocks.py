"""A gzip stream made by several processors, the same to the byte for the same contents on every machine.

The contents are cut into blocks of a fixed size, which are compressed beside each other, each primed with the end of the one before, and
joined to one stream of deflate, as pigz does. So every reader of gzip takes it, and it is no larger than zlib's own.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

BLOCK_BYTES = 1 << 20
_WINDOW_BYTES = 1 << 15  # how far back deflate looks
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # RFC 1952: deflate, no name, no time, of no known system


class GzipBlocks:
    """Writes what it is given, compressed, to `below`; close() ends the stream and leaves `below` open."""

    def __init__(self, below: IO[bytes], level: int) -> None:
        self._below = below
        self._level = level
        # zlib lets go of Python's lock while it works, so threads will do
        workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(workers)
        self._most_pending = 2 * workers
        self._pending: deque[Future[bytes]] = deque()
        self._block = bytearray()
        self._end_of_last = b""
        self._checksum = 0
        self._written_bytes = 0
        below.write(_HEAD)

    def write(self, data: bytes) -> int:
        self._checksum = zlib.crc32(data, self._checksum)
        self._written_bytes += len(data)
        self._block += data
        while len(self._block) >= BLOCK_BYTES:
            self._compress(bytes(self._block[:BLOCK_BYTES]), zlib.Z_SYNC_FLUSH)
            del self._block[:BLOCK_BYTES]
        return len(data)

    def close(self) -> None:
        self._compress(bytes(self._block), zlib.Z_FINISH)
        while self._pending:
            self._below.write(self._pending.popleft().result())
        self._pool.shutdown()
        self._below.write(struct.pack("<II", self._checksum, self._written_bytes & 0xFFFFFFFF))

    def _compress(self, block: bytes, flush: int) -> None:
        self._pending.append(self._pool.submit(_deflated, block, self._end_of_last, self._level, flush))
        self._end_of_last = block[-_WINDOW_BYTES:]
        while len(self._pending) > self._most_pending:
            self._below.write(self._pending.popleft().result())


def _deflated(block: bytes, before: bytes, level: int, flush: int) -> bytes:
    packing = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_DEFAULT_STRATEGY, before)
    return packing.compress(block) + packing.flush(flush)
