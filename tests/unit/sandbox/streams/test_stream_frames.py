from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshell.sandbox.streams.frames import (
    FRAME_LIMIT_BYTES,
    Frame,
    FrameParser,
    Opcode,
    OversizedFrame,
    UnmaskedFrame,
    encode_close,
    encode_frame,
)


def client_frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack("!H", size)
    return bytes([(0x80 if final else 0) | opcode]) + length + mask + masked


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 8, 9, 10]), st.binary(max_size=300)), max_size=5),
    st.lists(st.integers(min_value=1, max_value=40), min_size=1),
)
def test_any_split_of_the_bytes_gives_the_same_frames(frames: list[tuple[int, bytes]], sizes: list[int]) -> None:
    data = b"".join(client_frame(opcode, payload) for opcode, payload in frames)
    parser, seen, position, turn = FrameParser(), [], 0, 0
    while position < len(data):
        step = sizes[turn % len(sizes)]
        parser.feed(data[position : position + step])
        position, turn = position + step, turn + 1
        while (frame := parser.next_frame()) is not None:
            seen.append(frame)
    assert seen == [Frame(opcode, payload) for opcode, payload in frames]


def test_fragments_are_messages_of_their_own() -> None:
    parser = FrameParser()
    parser.feed(client_frame(2, b"\0abc", final=False) + client_frame(0, b"def"))
    assert [parser.next_frame(), parser.next_frame()] == [Frame(2, b"\0abc"), Frame(0, b"def")]


def test_a_frame_without_mask_is_refused() -> None:
    parser = FrameParser()
    parser.feed(b"\x82\x02\0x")
    with pytest.raises(UnmaskedFrame):
        parser.next_frame()


def test_a_frame_above_32_mib_is_refused_before_its_payload_comes() -> None:
    parser = FrameParser()
    parser.feed(b"\x82\xff" + struct.pack("!Q", FRAME_LIMIT_BYTES + 1))
    with pytest.raises(OversizedFrame):
        parser.next_frame()


def test_the_server_does_not_mask() -> None:
    assert encode_frame(Opcode.BINARY, b"\1x") == b"\x82\x02\1x"
    assert encode_frame(Opcode.BINARY, bytes(200))[:4] == b"\x82\x7e\x00\xc8"
    assert encode_frame(Opcode.BINARY, bytes(70000))[:10] == b"\x82\x7f" + struct.pack("!Q", 70000)
    assert encode_close(1000) == b"\x88\x02\x03\xe8"
