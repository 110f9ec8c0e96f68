"""The pure parts of held shells: dtach's last words, markers that say held or gone, commands."""

from __future__ import annotations

import pytest

from podshell.kube.holder import TRAILER, TrailerFilter, hold_command, resume_command
from podshell.kube.lifeline import lifeline_command
from podshell.kube.marker import Leader, MarkerFilter
from podshell.kube.waiter import waiter_command


@pytest.mark.parametrize("cut", range(len(TRAILER) + 1))
def test_the_trailer_is_taken_off_however_it_is_cut(cut: int) -> None:
    trailer = TrailerFilter()
    whole = b"last line\r\n" + TRAILER
    split = len(whole) - len(TRAILER) + cut
    passed = bytes(trailer.receive(whole[:split])) + bytes(trailer.receive(whole[split:])) + trailer.finish()
    assert passed == b"last line\r\n"


def test_the_trailer_in_the_middle_is_the_shells_own_and_passes() -> None:
    trailer = TrailerFilter()
    assert bytes(trailer.receive(b"a" + TRAILER + b"b")) + trailer.finish() == b"a" + TRAILER + b"b"
    assert bytes(trailer.receive(TRAILER)) + bytes(trailer.receive(TRAILER)) + trailer.finish() == TRAILER


@pytest.mark.parametrize("size", range(1, len(TRAILER)))
def test_what_only_begins_like_the_trailer_is_never_lost(size: int) -> None:
    trailer = TrailerFilter()
    assert bytes(trailer.receive(b"x" + TRAILER[:size])) == b"x"
    assert trailer.holds
    assert trailer.release() == TRAILER[:size]
    assert bytes(trailer.receive(b"x" + TRAILER[:size])) + trailer.finish() == b"x" + TRAILER[:size]


def test_output_without_an_escape_passes_uncopied() -> None:
    data = memoryview(b"plain text")
    assert TrailerFilter().receive(data) is data


def test_a_marker_says_whether_the_shell_is_held_or_gone() -> None:
    for suffix, held, gone in ((b"", False, False), (b":h", True, False), (b":g", False, True)):
        marker = MarkerFilter("ab")
        marker.receive(b"\x1epsh:ab:12:34" + suffix + b"\x1e")
        assert (marker.held, marker.gone, marker.done) == (held, gone, True)
        assert marker.leader == (None if gone else Leader(12, 34))


def test_no_text_of_a_user_is_inside_a_script() -> None:
    assert hold_command("sh", "ab", ["echo", "$(reboot)"], size=(80, 24))[-2:] == ["echo", "$(reboot)"]
    assert resume_command("sh", "ab", size=None)[4:7] == ["ab", "0", "0"]
    assert lifeline_command("sh", "ab")[4:] == ["ab"]
    assert lifeline_command("sh", "ab", "h", patience_seconds=7, folders=("/a", "/b"))[4:] == ["ab", "h", "7", "/a /b"]
    assert waiter_command(600)[3:6] == ["podshell-waiter", "600", "60"]


def test_request_lines_stay_under_what_proxies_take() -> None:
    """8 KiB of request line, percent-encoded (docs/adr/0002)."""
    from urllib.parse import quote

    for command in (hold_command("sh", "a" * 32, [], size=(80, 24)), lifeline_command("sh", "a" * 32, "h")):
        assert sum(len(quote(word)) + len("&command=") for word in command) < 7500
