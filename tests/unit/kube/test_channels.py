"""The channel subprotocols, against what a real cluster sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import load, names

from podshell.kube.channels import (
    HEADROOM_BYTES,
    OFFER_V5_AND_V4,
    STDIN_CHUNK_BYTES,
    ChannelCodec,
    ExitCode,
    Failure,
    Output,
    Subprotocol,
    Up,
)

UPGRADED = [name for name in names("exec", ".v5", ".v4", ".v5v4") if load(name).upgraded]

# Who ended how, read off the transcripts by hand (transcripts/README.md lists them).
EXIT_CODES = {
    "exec/exit0.v4": 0,
    "exec/exit0.v5": 0,
    "exec/out-err-exit7.v4": 7,
    "exec/out-err-exit7.v5": 7,
    "exec/tty-session.v4": 3,
    "exec/tty-session.v5": 3,
    "exec/killed-by-signal.v5": 137,
    "exec/killed-by-term.v5": 143,
    "exec/killed-tty-hup.v5": 129,
    "exec/close-stdout.v5": 2,
    "exec/close-stdin-tty-output.v5": 4,
    "exec/close-stdin-nontty-sort.v5": 0,
}


def codec(subprotocol: Subprotocol = Subprotocol.V5, *, tty: bool = False) -> ChannelCodec:
    return ChannelCodec(subprotocol, tty=tty)


def replay(name: str) -> list[object]:
    recording = load(name)
    subprotocol = Subprotocol.V4 if name.endswith(".v4") else Subprotocol.V5
    reader = codec(subprotocol, tty=recording.tty)
    return [event for message in recording.from_server for event in reader.receive(message)]


@pytest.mark.parametrize("name", EXIT_CODES)
def test_reads_the_exit_code_of_a_recorded_exec(name: str) -> None:
    assert replay(name)[-1] == ExitCode(EXIT_CODES[name])


@pytest.mark.parametrize("name", names("exec", "missing-shell.v4", "missing-shell.v5", "directory.v5", "not-executable.v4"))
def test_a_start_failure_on_channel_3_is_a_failure_with_the_servers_text(name: str) -> None:
    failure = replay(name)[-1]
    assert isinstance(failure, Failure)
    assert failure.reason == "InternalError"
    assert failure.status_code == 500
    assert "unable to start container process" in failure.message


@pytest.mark.parametrize("name", UPGRADED)
def test_every_recorded_exec_begins_with_up_and_tells_at_most_one_end(name: str) -> None:
    events = replay(name)
    assert events.count(Up()) == (1 if events else 0)
    if events:
        assert events[0] == Up()
    ends = [event for event in events if isinstance(event, ExitCode | Failure)]
    assert len(ends) <= 1
    assert all(event is ends[0] for event in events[-1:] if ends)


def test_output_of_both_channels_comes_in_order() -> None:
    out = [event for event in replay("exec/out-err-exit7.v5") if isinstance(event, Output)]
    assert [(event.channel, bytes(event.data)) for event in out] == [(1, b"out\n"), (2, b"err\n")]


def test_offers_v5_and_v4_in_one_header_line() -> None:
    assert OFFER_V5_AND_V4 == "v5.channel.k8s.io, v4.channel.k8s.io"


def test_an_empty_first_message_means_up() -> None:
    assert codec().receive(b"\x01") == (Up(),)


def test_output_in_the_first_message_means_up_before_output() -> None:
    assert codec().receive(b"\x01x") == (Up(), Output(1, b"x"))


@pytest.mark.parametrize("message", [b"", b"\x00", b"\x01", b"\x02", b"\x03", b"\x04", b"\x05data", b"\x09data", b"\xff\x00"])
def test_empty_messages_and_unknown_channels_mean_nothing(message: bytes) -> None:
    reader = codec()
    reader.receive(b"\x01")
    assert reader.receive(message) == ()


def status(causes: list[dict[str, str]], reason: str = "NonZeroExitCode") -> bytes:
    tree = {"metadata": {}, "status": "Failure", "message": "text", "reason": reason, "details": {"causes": causes}}
    return b"\x03" + json.dumps(tree).encode()


def end_of(*messages: bytes) -> object:
    reader = codec()
    reader.receive(b"\x01")
    events = [event for message in messages for event in reader.receive(message)]
    return events[-1] if events else reader.receive_end()


def test_the_exit_code_is_looked_up_by_reason_not_by_position() -> None:
    assert end_of(status([{"message": "x"}, {"reason": "ExitCode", "message": "7"}])) == ExitCode(7)


@pytest.mark.parametrize("message", ["256", "-1", "seven", "", "７"])
def test_a_nonsense_exit_code_is_a_failure_never_a_success(message: str) -> None:
    assert isinstance(end_of(status([{"reason": "ExitCode", "message": message}])), Failure)


def test_an_internal_error_without_causes_is_a_failure() -> None:
    assert end_of(b'\x03{"status":"Failure","reason":"InternalError","message":"m","code":500}') == Failure("m", "InternalError", 500)


def test_a_status_cut_in_two_messages_is_one_status() -> None:
    whole = status([{"reason": "ExitCode", "message": "9"}])
    assert end_of(whole[:30], b"\x03" + whole[30:]) == ExitCode(9)


def test_plain_text_on_channel_3_is_a_failure_when_the_stream_ends() -> None:
    assert end_of(b"\x03command terminated, odd server") == Failure("command terminated, odd server", "", 0)


def test_a_second_status_is_ignored() -> None:
    assert end_of(b'\x03{"status":"Success"}', status([{"reason": "ExitCode", "message": "9"}])) == ExitCode(0)


def test_an_endless_status_is_a_failure_and_not_kept() -> None:
    assert isinstance(end_of(*[b"\x03" + b"x" * 30000] * 4), Failure)


def test_stdin_goes_on_channel_0_behind_room_for_the_header() -> None:
    message = codec().encode_stdin(b"ls\n")
    assert message[HEADROOM_BYTES:] == b"\x00ls\n"


def test_stdin_is_never_longer_than_32_kib() -> None:
    assert len(codec().encode_stdin(bytes(STDIN_CHUNK_BYTES))) == HEADROOM_BYTES + 1 + 32768
    with pytest.raises(ValueError, match="at most"):
        codec().encode_stdin(bytes(STDIN_CHUNK_BYTES + 1))


def test_a_resize_has_capital_keys_and_a_newline() -> None:
    assert codec(tty=True).encode_resize(120, 40) == b'\x04{"Width":120,"Height":40}\n'


@pytest.mark.parametrize("size", [(0, 0), (0, 24), (80, 0), (-1, 20), (70000, 20), (80, 65536)])
def test_a_size_that_would_freeze_the_session_is_never_encoded(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no terminal size"):
        codec(tty=True).encode_resize(*size)


@pytest.mark.parametrize("subprotocol", list(Subprotocol))
def test_never_encodes_a_resize_without_a_tty(subprotocol: Subprotocol) -> None:
    with pytest.raises(ValueError, match="only a tty"):
        codec(subprotocol).encode_resize(80, 24)


def test_half_close_is_two_octets_on_v5_without_a_tty() -> None:
    writer = codec()
    assert writer.encode_close_stdin() == b"\xff\x00"
    with pytest.raises(ValueError, match="stdin is closed"):
        writer.encode_stdin(b"x")


@pytest.mark.parametrize(("subprotocol", "tty"), [(Subprotocol.V5, True), (Subprotocol.V4, True), (Subprotocol.V4, False)])
def test_never_half_closes_a_tty_or_on_v4(subprotocol: Subprotocol, tty: bool) -> None:
    with pytest.raises(ValueError, match="only v5 without a tty"):
        codec(subprotocol, tty=tty).encode_close_stdin()


@given(st.lists(st.binary(max_size=80)))
def test_no_message_of_a_server_raises(messages: list[bytes]) -> None:
    reader = codec()
    for message in messages:
        reader.receive(message)
    reader.receive_end()
