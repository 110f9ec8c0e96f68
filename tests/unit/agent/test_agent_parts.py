"""The small parts of the agent: log, marker, lifeline report, inputs, facts, pins."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podshell.agent.facts import FactLedger
from podshell.agent.identity import GrantPins, StateUnusable, load_identity
from podshell.agent.inputs import InputStreams
from podshell.agent.links import link_url
from podshell.agent.output_log import BLOCK_BYTES, OutputBudget, OutputLog
from podshell.kube.lifeline import SCRIPT, ReportReader
from podshell.kube.marker import MARKER_LIMIT_BYTES, Leader, MarkerFilter, wrapper_command
from podshell.wire.messages import Fact

NONCE = "0123456789abcdef"


def read_all(log: OutputLog, offset: int) -> bytes:
    found = bytearray()
    while view := log.read(offset + len(found), 10_000):
        found += view
    return bytes(found)


class TestOutputLog:
    @settings(deadline=None)  # a loaded machine is no fault
    @given(st.lists(st.binary(max_size=3 * BLOCK_BYTES), max_size=12))
    def test_what_is_kept_is_the_newest_and_unchanged(self, pieces: list[bytes]) -> None:
        log = OutputLog(2 * BLOCK_BYTES, OutputBudget(1 << 30))
        for piece in pieces:
            log.append(piece)
        everything = b"".join(pieces)
        assert log.head == len(everything)
        assert log.held_bytes <= 3 * BLOCK_BYTES
        assert log.held_bytes >= min(len(everything), 2 * BLOCK_BYTES)
        assert read_all(log, log.tail) == everything[log.tail :]

    def test_protected_bytes_stay_over_the_limit(self) -> None:
        log = OutputLog(BLOCK_BYTES, OutputBudget(1 << 30))
        log.keep_from = 10
        log.append(bytes(10 * BLOCK_BYTES))
        assert log.tail == 0
        log.keep_from = None
        log.append(b"x")
        assert log.held_bytes <= 2 * BLOCK_BYTES

    def test_the_largest_log_pays_when_the_budget_is_used_up(self) -> None:
        budget = OutputBudget(20 * BLOCK_BYTES)
        big, small = OutputLog(100 * BLOCK_BYTES, budget), OutputLog(100 * BLOCK_BYTES, budget)
        big.append(bytes(18 * BLOCK_BYTES))
        small.append(bytes(6 * BLOCK_BYTES))
        assert (small.tail, budget.used_bytes) == (0, 20 * BLOCK_BYTES)
        assert big.tail == 4 * BLOCK_BYTES
        small.close()
        assert budget.used_bytes == big.held_bytes

    def test_a_safe_start_is_the_beginning_or_behind_a_line(self) -> None:
        log = OutputLog(BLOCK_BYTES, OutputBudget(1 << 30))
        log.append(b"\x1b[31mhello\n")
        assert log.safe_start() == 0
        log.append(b"a" * (4 * BLOCK_BYTES) + b"\nnext")
        assert read_all(log, log.safe_start()) == b"next"

    def test_without_lines_a_safe_start_is_not_inside_a_character(self) -> None:
        log = OutputLog(BLOCK_BYTES, OutputBudget(1 << 30))
        log.append("€".encode() * (2 * BLOCK_BYTES))
        start = log.safe_start()
        assert start > log.tail > 0
        assert log.read(start, 3).tobytes().decode() == "€"

    def test_reading_outside_is_an_error(self) -> None:
        log = OutputLog(BLOCK_BYTES, OutputBudget(1 << 30))
        with pytest.raises(ValueError, match="outside"):
            log.read(1, 10)


class TestMarker:
    MARK = b"\x1epsh:" + NONCE.encode() + b":41:777\x1e"

    @settings(deadline=None)  # a loaded machine is no fault
    @given(st.lists(st.integers(min_value=0, max_value=60), max_size=5))
    def test_it_is_found_however_the_bytes_are_cut(self, cuts: list[int]) -> None:
        stream = b"motd\r\n" + self.MARK + b"$ \x1e"
        places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
        marker = MarkerFilter(NONCE)
        passed = b"".join(bytes(marker.receive(stream[a:b])) for a, b in itertools.pairwise(places))
        assert passed == b"motd\r\n$ \x1e"
        assert marker.leader == Leader(41, 777)

    def test_only_the_first_one_with_our_nonce_counts(self) -> None:
        marker = MarkerFilter(NONCE)
        forged = b"\x1epsh:ffffffffffffffff:1:1\x1e"
        assert bytes(marker.receive(forged + self.MARK + self.MARK)) == forged + self.MARK
        assert marker.leader == Leader(41, 777)

    def test_after_8_kib_everything_passes(self) -> None:
        marker = MarkerFilter(NONCE)
        flood = b"x" * (MARKER_LIMIT_BYTES + 1)
        assert bytes(marker.receive(flood)) == flood
        assert bytes(marker.receive(self.MARK)) == self.MARK
        assert marker.leader is None

    def test_the_command_carries_no_text_of_the_user_inside_the_script(self) -> None:
        command = wrapper_command("sh", NONCE, ["echo", "$(reboot)"], size=(80, 24))
        assert command[3:] == ["sh", NONCE, "80", "24", "", "echo", "$(reboot)"]


class TestLifelineReport:
    @settings(deadline=None)  # a loaded machine is no fault
    @given(st.integers(min_value=1, max_value=9))
    def test_it_is_read_however_the_bytes_are_cut(self, step: int) -> None:
        text = b"r\nk 41 sh\nk 42 my prog\nu 43 stuck\nl 44 dae)mon\nd\n"
        reader = ReportReader()
        for start in range(0, len(text), step):
            reader.receive(text[start : start + step])
        report = reader.report
        assert (report.ready, report.done, report.killed) == (True, True, ["sh (pid 41)", "my prog (pid 42)"])
        assert (report.unkilled, report.left) == (["stuck (pid 43)"], ["dae)mon (pid 44)"])

    def test_what_is_no_line_of_it_is_ignored_and_names_are_made_safe(self) -> None:
        reader = ReportReader()
        reader.receive(b"sh: warning\nk x y\nk 1\x1b\n" + b"z" * 5000 + b"\nk 7 \x1b]0;evil\x07\nd extra\n")
        assert reader.report.killed == ["?]0;evil? (pid 7)"]
        assert not reader.report.done

    def test_a_flood_of_names_is_bounded(self) -> None:
        reader = ReportReader()
        reader.receive(b"k 5 sleep\n" * 1000)
        assert len(reader.report.killed) == 64

    def test_the_script_goes_without_its_comments_and_fits_into_a_request_line(self) -> None:
        assert "\n#" not in SCRIPT
        assert len(SCRIPT) < 3000


class TestInputs:
    @settings(deadline=None)  # a loaded machine is no fault
    @given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=30))
    def test_every_byte_is_taken_once_whatever_is_repeated(self, sends: list[tuple[int, int]]) -> None:
        typed = bytes(range(64))
        inputs = InputStreams()
        taken = bytearray()
        for offset, size in [*sends, (0, 64)]:
            inputs.receive("v", offset, typed[offset : offset + size])
            while (piece := inputs.next_piece()) is not None:
                taken += piece[1]
        assert bytes(taken) == typed

    def test_only_the_newest_viewers_are_remembered(self) -> None:
        inputs = InputStreams()
        inputs.receive("old", 0, b"abc")
        for number in range(40):
            inputs.stream(f"v{number}")
        assert inputs.stream("old").received == 0


class _Channel:
    def __init__(self) -> None:
        self.seqs: list[int] = []

    def send_fact(self, fact: Fact) -> None:
        self.seqs.append(fact.seq)


class TestFacts:
    def test_they_are_told_to_one_link_until_acknowledged_and_again_to_the_next(self) -> None:
        ledger, first, second = FactLedger(), _Channel(), _Channel()
        ledger.tell("s", "opened", 0, {})
        ledger.add_channel(first)
        ledger.add_channel(second)
        ledger.tell("s", "ended", 0, {})
        assert (first.seqs, second.seqs) == ([1, 2], [])
        ledger.take_ack(1)
        ledger.remove_channel(first)
        assert second.seqs == [2]
        ledger.take_ack(2)
        assert ledger.waiting == 0


class TestIdentity:
    def test_the_key_is_made_once_for_our_eyes_only_and_each_start_is_a_new_epoch(self, tmp_path: Path) -> None:
        first, second = load_identity(tmp_path / "state", "east"), load_identity(tmp_path / "state", "east")
        assert stat.S_IMODE((tmp_path / "state" / "agent.key").stat().st_mode) == 0o600
        assert (first.instance, first.public_key) == (second.instance, second.public_key)
        assert first.epoch != second.epoch

    def test_a_key_that_others_may_read_is_not_used(self, tmp_path: Path) -> None:
        load_identity(tmp_path, "east")
        os.chmod(tmp_path / "agent.key", 0o644)
        with pytest.raises(StateUnusable, match="chmod 600"):
            load_identity(tmp_path, "east")

    def test_grant_keys_are_pinned_and_only_a_known_one_brings_another(self, tmp_path: Path) -> None:
        old, new, foreign = (bytes([n]) * 32 for n in (1, 2, 3))
        assert GrantPins(tmp_path).accept([old])
        assert GrantPins(tmp_path).accept([old, new])
        assert not GrantPins(tmp_path).accept([foreign])
        assert not GrantPins(tmp_path).accept([])
        assert GrantPins(tmp_path).keys == (old, new)
        assert GrantPins(tmp_path).accept([new])


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://gate.example", "wss://gate.example/link"),
        ("http://127.0.0.1:8642/", "ws://127.0.0.1:8642/link"),
        ("wss://gate.example/podshell/link", "wss://gate.example/podshell/link"),
    ],
)
def test_link_addresses(url: str, wanted: str) -> None:
    assert link_url(url) == wanted


@pytest.mark.parametrize("url", ["gate.example", "ftp://x", "https://"])
def test_what_is_no_address_is_said_so(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a gateway"):
        link_url(url)
