from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshell.sandbox.streams.resizes import Frozen, SizeDecoder

TTY = {"tty": True, "translated": True}


@given(st.lists(st.integers(min_value=1, max_value=12), min_size=1))
def test_sizes_are_found_wherever_the_messages_are_cut(cuts: list[int]) -> None:
    data = b'{"Width":120,"Height":40}\n{"width":90,"height":20}{"Width":0,"Height":0} {"Height":1,"Width":2}'
    decoder, sizes, position, turn = SizeDecoder(**TTY), [], 0, 0
    while position < len(data):
        step = cuts[turn % len(cuts)]
        sizes += decoder.receive(data[position : position + step])
        position, turn = position + step, turn + 1
    assert sizes == [(120, 40), (90, 20), (2, 1)]


@pytest.mark.parametrize("invalid", [b"not json\n", b'{"Width":-1,"Height":20}', b'{"Width":70000,"Height":20}', b'{"Width":"80"}'])
@pytest.mark.parametrize("translated", [True, False])
def test_what_is_no_size_lets_the_next_message_freeze(invalid: bytes, translated: bool) -> None:
    decoder = SizeDecoder(tty=True, translated=translated)
    assert decoder.receive(invalid) == []
    with pytest.raises(Frozen):
        decoder.receive(b'{"Width":80,"Height":25}')


def test_without_a_tty_the_second_message_freezes_v5_only() -> None:
    size = b'{"Width":80,"Height":25}'
    assert [SizeDecoder(tty=False, translated=False).receive(size) for _ in range(3)] == [[], [], []]
    decoder = SizeDecoder(tty=False, translated=True)
    assert decoder.receive(size) == []
    assert decoder.receive(b"") == []
    with pytest.raises(Frozen):
        decoder.receive(size)


def test_an_object_that_never_ends_is_no_size() -> None:
    decoder = SizeDecoder(**TTY)
    decoder.receive(b'{"x":"' + b"y" * 5000)
    with pytest.raises(Frozen):
        decoder.receive(b'"}')
