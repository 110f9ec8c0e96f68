"""Tickets, input queues, the bus and asciicast lines, without sockets."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshell.gateway.answers import Refused
from podshell.gateway.asciicast import CastWriter
from podshell.gateway.bus import HostileBus, LocalBus
from podshell.gateway.terminal_input import LIMIT_BYTES, InputQueue
from podshell.gateway.tickets import LIFETIME_MS, TicketBox
from podshell.wire.terminal import Input, TerminalFault


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def test_a_ticket_expires_after_thirty_seconds() -> None:
    clock = Clock()
    box = TicketBox(clock, per_user=10)
    early, late = box.issue("ada", "terminal", "s1"), box.issue("ada", "terminal", "s1")
    clock.ms += LIFETIME_MS - 1
    assert box.redeem(early.text, user="ada", purpose="terminal", session="s1") == early
    clock.ms += 1
    with pytest.raises(Refused, match="expired"):
        box.redeem(late.text, user="ada", purpose="terminal", session="s1")


def test_a_ticket_is_bound_to_its_user() -> None:
    box = TicketBox(Clock(), per_user=10)
    ticket = box.issue("ada", "terminal", "s1")
    with pytest.raises(Refused, match="another user"):
        box.redeem(ticket.text, user="eve", purpose="terminal", session="s1")
    with pytest.raises(Refused, match="used before"):
        box.redeem(ticket.text, user="ada", purpose="terminal", session="s1")


def test_unused_tickets_are_bounded_and_expired_ones_make_room() -> None:
    clock = Clock()
    box = TicketBox(clock, per_user=3)
    for _ in range(3):
        box.issue("ada", "terminal", "s1")
    with pytest.raises(Refused) as refusal:
        box.issue("ada", "terminal", "s1")
    assert refusal.value.refusal.code == "limit_reached"
    assert box.issue("grace", "terminal", "s2")
    clock.ms += LIFETIME_MS
    assert box.issue("ada", "terminal", "s1")


def read_all(queue: InputQueue, start: int, size: int) -> bytes:
    taken = b""
    while (chunk := queue.read(start + len(taken), size)) is not None:
        assert len(chunk.data) <= size
        taken += chunk.data
    return taken


@given(st.binary(min_size=1, max_size=400), st.lists(st.integers(0, 400), max_size=20), st.integers(1, 64))
def test_input_sent_again_after_a_reconnect_is_taken_once(typed: bytes, starts: list[int], size: int) -> None:
    queue = InputQueue(0, 10_000)
    known = 0
    for start in [*starts, 0]:
        start = min(start, known)
        queue.put(Input(start, typed[start : start + 150] if start else typed))
        known = max(known, min(len(typed), start + 150) if start else len(typed))
    assert read_all(queue, 0, size) == typed


def test_input_with_a_hole_or_over_the_limit_is_refused() -> None:
    queue = InputQueue(100, 200)
    with pytest.raises(TerminalFault, match="missing"):
        queue.put(Input(101, b"x"))
    with pytest.raises(TerminalFault, match="limit"):
        queue.put(Input(100, b"x" * 101))
    assert not queue.put(Input(50, b"x" * 50)), "all of it was taken before"
    assert queue.put(Input(100, b"x" * 100))
    assert queue.raise_limit(150, 300) == 300
    assert queue.raise_limit(150, 250) == 300, "a limit never shrinks"
    assert queue.raise_limit(200, 2**53) == 200 + LIMIT_BYTES, "an agent cannot make us keep more"


def test_what_a_terminal_made_itself_stays_marked() -> None:
    queue = InputQueue(0, 100)
    queue.put(Input(0, b"\x1b[0n", auto=True))
    queue.put(Input(4, b"ls"))
    first, second = queue.read(0, 100), queue.read(4, 100)
    assert first is not None
    assert second is not None
    assert (first.auto, second.auto) == (True, False)


def test_the_end_of_input_follows_the_last_byte_and_is_passed_on_after_every_attach() -> None:
    queue = InputQueue(0, 100)
    assert queue.put(Input(0, b"abc", end=True))
    chunks = [queue.read(offset, 2) for offset in (0, 2, 3, 3)]
    assert [chunk and (bytes(chunk.data), chunk.end) for chunk in chunks] == [(b"ab", False), (b"c", False), (b"", True), None]
    attached_again = InputQueue(3, 100)
    assert attached_again.put(Input(3, b"", end=True))
    chunk = attached_again.read(3, 10)
    assert chunk is not None
    assert (chunk.data, chunk.end) == (b"", True)
    with pytest.raises(TerminalFault, match="after the end"):
        attached_again.put(Input(3, b"x"))


def test_the_local_bus_delivers_once_in_order_until_the_end() -> None:
    bus, heard = LocalBus(), list[bytes]()
    end = bus.subscribe("a", heard.append)
    for number in range(3):
        bus.publish("a", b"%d" % number)
        bus.publish("b", b"other")
    end()
    end()
    bus.publish("a", b"late")
    assert heard == [b"0", b"1", b"2"]


def test_the_hostile_bus_drops_duplicates_and_reorders() -> None:
    bus, heard = HostileBus(seed=1, chance=0.2), list[int]()
    bus.subscribe("a", lambda payload: heard.append(int(payload)))
    for number in range(1000):
        bus.publish("a", b"%d" % number)
    assert len(set(heard)) < 1000, "some are dropped"
    assert len(heard) > len(set(heard)), "some come twice"
    assert heard != sorted(heard), "some come late"


def cast() -> CastWriter:
    return CastWriter(cols=80, rows=24, started_ms=10_000, title="ada: default/web-0")


def test_a_recordings_header_is_version_3() -> None:
    assert json.loads(cast().header()) == {"version": 3, "term": {"cols": 80, "rows": 24}, "timestamp": 10, "title": "ada: default/web-0"}


@given(st.text(max_size=60), st.lists(st.integers(0, 200), max_size=8))
def test_characters_cut_anywhere_are_recorded_whole(text: str, cuts: list[int]) -> None:
    data = text.encode()
    writer, lines = cast(), ""
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        lines += writer.output(data[start:end], 10_000)
    lines += writer.ended(0, 10_000)
    events = [json.loads(line) for line in lines.split("\n") if line]
    assert "".join(data for _, code, data in events if code == "o") == text
    assert events[-1] == [0, "x", "0"]


def test_times_are_intervals_and_never_negative() -> None:
    writer = cast()
    assert json.loads(writer.output(b"a", 10_250)) == [0.25, "o", "a"]
    assert json.loads(writer.output(b"b", 10_250)) == [0.0, "o", "b"]
    assert json.loads(writer.output(b"c", 9_000)) == [0.0, "o", "c"]
    assert json.loads(writer.resize(100, 30, 11_250)) == [1.0, "r", "100x30"]


def test_a_gap_is_a_comment_and_a_marker() -> None:
    writer = cast()
    writer.output(b"\xc3", 10_000)
    comment, marker = writer.gap(1, 1001, 10_500).splitlines()
    assert comment == "# 1000 bytes of output are missing (bytes 1 to 1001)"
    assert json.loads(marker) == [0.5, "m", "1000 bytes of output are missing"]
    assert json.loads(writer.output(b"a", 10_500))[2] == "a", "half a character before the gap does not leak behind it"


def test_a_broken_last_character_is_shown_and_a_session_without_status_has_no_exit_event() -> None:
    writer = cast()
    assert writer.output(b"\xe2\x82", 10_000) == ""
    assert json.loads(writer.ended(None, 10_000)) == [0.0, "o", "\ufffd"]
