"""The image's gzip stream: one member that every reader takes, and the same bytes however many processors made it."""

from __future__ import annotations

import io
import os
import random
import subprocess
import zlib

import pytest

from gzip_blocks import BLOCK_BYTES, GzipBlocks

SIZES = (0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES + 12345)


def contents(size_bytes: int) -> bytes:
    """Bytes that compress as files do, and that repeat across the blocks' borders."""
    words = [random.Random(7).randbytes(40) for _ in range(50)]
    chosen = random.Random(8)
    return b"".join(chosen.choice(words) for _ in range(size_bytes // 40 + 1))[:size_bytes]


def packed(data: bytes, step_bytes: int = 1 << 16) -> bytes:
    below = io.BytesIO()
    stream = GzipBlocks(below, 6)
    for start in range(0, len(data), step_bytes):
        stream.write(data[start : start + step_bytes])
    stream.close()
    return below.getvalue()


@pytest.mark.parametrize("size_bytes", SIZES)
def test_the_stream_is_one_member_of_gzip(size_bytes: int) -> None:
    data = contents(size_bytes)
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)  # checks head, checksum and length, and stops behind the first member
    assert reader.decompress(packed(data)) == data
    assert (reader.eof, reader.unused_data) == (True, b"")


def test_the_gzip_program_takes_it() -> None:
    data = contents(SIZES[-1])
    assert subprocess.run(["gzip", "-dc"], input=packed(data), capture_output=True, check=True).stdout == data


def test_the_bytes_depend_on_neither_the_processors_nor_how_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    data = contents(SIZES[-1])
    made = set()
    for processors, step_bytes in ((1, 1 << 16), (2, 999), (7, 3 * BLOCK_BYTES)):
        monkeypatch.setattr(os, "cpu_count", lambda processors=processors: processors)
        made.add(packed(data, step_bytes))
    assert len(made) == 1


def test_it_is_about_as_small_as_without_blocks() -> None:
    data = contents(SIZES[-1])
    assert len(packed(data)) < 1.01 * len(zlib.compress(data, 6)) + 100
