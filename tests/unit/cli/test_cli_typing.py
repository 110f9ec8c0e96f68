"""What is typed: detach keys, offsets, credit, and sending again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshell.cli.detach_keys import BadKeys, DetachMatcher, parse_keys
from podshell.cli.typed_input import MESSAGE_BYTES, TypedInput
from podshell.wire.terminal import Input


@pytest.mark.parametrize(
    ("text", "keys"),
    [("ctrl-p,ctrl-q", b"\x10\x11"), ("ctrl-],q", b"\x1dq"), ("CTRL-A", b"\x01"), ("ctrl-@", b"\x00"), ("", b""), ("~,.", b"~.")],
)
def test_detach_keys_are_read_as_docker_writes_them(text: str, keys: bytes) -> None:
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-pp", "ctrl-1", "alt-x", "qq", "ctrl-p,", "ü", " ,ctrl-p,\n"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadKeys):
        parse_keys(text)


def test_detach_keys_are_found_over_several_reads() -> None:
    matcher = DetachMatcher(b"\x10\x11")
    assert matcher.receive(b"ls\x10") == (b"ls", False)
    assert matcher.receive(b"\x11more") == (b"", True)


def test_the_first_key_is_sent_when_another_follows() -> None:
    matcher = DetachMatcher(b"\x10\x11")
    assert matcher.receive(b"\x10") == (b"", False)
    assert matcher.receive(b"x") == (b"\x10x", False)
    assert matcher.receive(b"\x10\x10\x11") == (b"\x10", True)


@given(st.lists(st.sampled_from([b"a", b"b", b"aa", b"ab", b"ba"]), max_size=20), st.sampled_from([b"aab", b"abab", b"ab"]))
def test_matching_loses_no_byte_and_finds_the_first_occurrence(reads: list[bytes], keys: bytes) -> None:
    matcher, passed, found = DetachMatcher(keys), b"", False
    for read in reads:
        data, found = matcher.receive(read)
        passed += data
        if found:
            break
    everything = b"".join(reads)
    assert found == (keys in everything)
    if found:
        assert passed == everything[: everything.index(keys)]
    else:
        assert everything.startswith(passed)
        assert len(everything) - len(passed) < len(keys)


def drain(typed: TypedInput) -> list[Input]:
    messages = []
    while (message := typed.next_message()) is not None:
        messages.append(message)
    return messages


def test_typed_bytes_go_out_with_offsets_and_their_kind() -> None:
    typed = TypedInput()
    typed.attach(0, 100, keep=True)
    typed.put(b"ls\r", auto=False)
    typed.put(b"\x1b[0n", auto=True)
    assert drain(typed) == [Input(0, b"ls\r"), Input(3, b"\x1b[0n", auto=True)]
    assert drain(typed) == []


def test_nothing_is_sent_beyond_the_limit() -> None:
    typed = TypedInput()
    typed.attach(0, 5, keep=True)
    typed.put(b"0123456789", auto=False)
    assert drain(typed) == [Input(0, b"01234")]
    typed.acknowledge(5, 8)
    assert drain(typed) == [Input(5, b"567")]
    assert typed.waiting_bytes == 5


def test_a_long_paste_is_cut_into_messages() -> None:
    typed = TypedInput()
    typed.attach(0, 1 << 20, keep=True)
    paste = bytes(range(256)) * 300
    typed.put(paste, auto=False)
    messages = drain(typed)
    assert max(len(message.data) for message in messages) == MESSAGE_BYTES
    assert b"".join(message.data for message in messages) == paste


def test_after_a_reconnect_everything_that_was_not_taken_is_sent_again() -> None:
    typed = TypedInput()
    typed.attach(0, 100, keep=True)
    typed.put(b"abc", auto=False)
    typed.put(b"def", auto=False)
    drain(typed)
    typed.attach(2, 100, keep=True)
    assert drain(typed) == [Input(2, b"c"), Input(3, b"def")]


def test_input_for_a_shell_that_is_gone_is_dropped() -> None:
    typed = TypedInput()
    typed.attach(0, 100, keep=True)
    typed.put(b"rm -r old", auto=False)
    typed.attach(0, 100, keep=False)
    typed.put(b"ls", auto=False)
    assert drain(typed) == [Input(0, b"ls")]


def test_an_agent_that_forgot_the_viewer_gets_what_waits_under_new_numbers() -> None:
    typed = TypedInput()
    typed.attach(0, 100, keep=True)
    typed.put(b"abcdef", auto=False)
    drain(typed)
    typed.acknowledge(4, 100)
    typed.attach(0, 100, keep=True)
    assert drain(typed) == [Input(0, b"ef")]


def test_the_end_comes_after_the_last_byte_and_again_after_a_reconnect() -> None:
    typed = TypedInput()
    typed.attach(0, 3, keep=True)
    typed.put(b"abcd", auto=False)
    typed.end()
    typed.put(b"never", auto=False)
    assert drain(typed) == [Input(0, b"abc")], "the end waits for credit as the byte before it does"
    typed.acknowledge(3, 10)
    assert drain(typed) == [Input(3, b"d"), Input(4, b"", end=True)]
    typed.attach(4, 10, keep=True)
    assert drain(typed) == [Input(4, b"", end=True)]


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=9), st.integers(0, 40), st.just("cut")), max_size=60))
def test_whatever_happens_the_session_gets_every_byte_once(steps: list[bytes | int | str]) -> None:
    typed, taken, expected = TypedInput(), b"", b""
    typed.attach(0, 10, keep=True)
    for step in steps:
        if isinstance(step, bytes):
            typed.put(step, auto=False)
            expected += step
        elif isinstance(step, int):
            for message in drain(typed):
                if message.offset <= len(taken):
                    taken += message.data[len(taken) - message.offset :]
            typed.acknowledge(len(taken), len(taken) + step)
        else:
            drain(typed)  # lost on the way
            typed.attach(len(taken), len(taken) + 10, keep=True)
    while typed.waiting_bytes:
        typed.attach(len(taken), len(taken) + 10, keep=True)
        taken += b"".join(message.data for message in drain(typed))
        typed.acknowledge(len(taken), len(taken))
    assert taken == expected
