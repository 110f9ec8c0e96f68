"""How much input is under way."""

from __future__ import annotations

import pytest

from podshell.kube.channels import STDIN_CHUNK_BYTES, Subprotocol
from podshell.kube.errors import StdinOverflow
from podshell.kube.stdin_window import BACKLOG_LIMIT_BYTES, StdinWindow

KIB = 1024


def send_all(window: StdinWindow) -> tuple[int, list[bytes]]:
    """Send what may go; return how many octets and which pings."""
    sent, pings = 0, []
    while (piece := window.pop()) is not None:
        assert len(piece) <= STDIN_CHUNK_BYTES
        sent += len(piece)
        barrier = window.count_sent(piece)
        if barrier is not None:
            pings.append(barrier)
    return sent, pings


def test_unread_stdin_stays_below_128_kib_on_v4() -> None:
    window = StdinWindow(Subprotocol.V4)
    window.push(bytes(1024 * KIB))
    sent, _ = send_all(window)
    # What a process that reads nothing leaves unread: the pipe, the runtime's copy buffer, and the window.
    assert 64 * KIB + 32 * KIB + sent <= 128 * KIB
    assert not window.writable


def test_a_pong_lets_waiting_input_go_on() -> None:
    window = StdinWindow(Subprotocol.V4)
    window.push(bytes(100 * KIB))
    total, pings = send_all(window)
    while pings:
        assert window.receive_pong(pings[-1])
        sent, pings = send_all(window)
        total += sent
    assert total == 100 * KIB


def test_all_input_arrives_in_order_in_pieces_of_any_size() -> None:
    window = StdinWindow(Subprotocol.V4)
    data = bytes(range(256)) * 500
    for start in range(0, len(data), 777):
        window.push(data[start : start + 777])
    got = bytearray()
    while True:
        piece = window.pop()
        if piece is None:
            break
        got += piece
        barrier = window.count_sent(piece)
        if barrier is not None:
            window.receive_pong(barrier)
    assert bytes(got) == data


def test_keystrokes_send_no_pings() -> None:
    window = StdinWindow(Subprotocol.V5)
    for _ in range(1000):
        window.push(b"x")
        assert send_all(window) == (1, [])


@pytest.mark.parametrize("payload", [b"", b"stdin", b"other ping!!!", b"stdin" + (10**6).to_bytes(8, "big")])
def test_pongs_of_others_and_of_the_future_mean_nothing(payload: bytes) -> None:
    window = StdinWindow(Subprotocol.V4)
    window.push(bytes(64 * KIB))
    send_all(window)
    assert not window.receive_pong(payload)
    assert not window.writable


def test_a_late_pong_of_an_older_ping_does_not_reopen_the_window_twice() -> None:
    window = StdinWindow(Subprotocol.V5)
    window.push(bytes(96 * KIB))
    _, pings = send_all(window)
    assert window.receive_pong(pings[-1])
    assert not window.receive_pong(pings[0])


def test_waiting_input_is_bounded() -> None:
    window = StdinWindow(Subprotocol.V5)
    window.push(bytes(BACKLOG_LIMIT_BYTES))
    with pytest.raises(StdinOverflow):
        window.push(b"x")


def test_a_retry_sends_what_was_sent_before_and_then_what_waits() -> None:
    window = StdinWindow(Subprotocol.V5)
    window.push(b"first ")
    send_all(window)
    window.push(b"second")
    again = window.restarted(Subprotocol.V4)
    pieces = []
    while (piece := again.pop()) is not None:
        pieces.append(bytes(piece))
        again.count_sent(piece)
    assert b"".join(pieces) == b"first second"


def test_much_input_or_an_answer_ends_the_chance_to_send_it_again() -> None:
    window = StdinWindow(Subprotocol.V5)
    assert window.replayable
    window.push(bytes(33 * KIB))
    send_all(window)
    assert not window.replayable
    answered = StdinWindow(Subprotocol.V5)
    answered.forget_sent()
    assert not answered.replayable
