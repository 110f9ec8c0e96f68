import hashlib
import json

import msgspec
import pytest
import wire_vectors as v

from podshell.wire import messages as m
from podshell.wire import terminal as t
from podshell.wire.frames import Frame, FrameDecoder, LinkFault, encode_frame
from podshell.wire.link_events import FRAME_TYPES, decode_message
from podshell.wire.replies import ReplySplitter, is_terminal_reply, split_replies


@pytest.mark.parametrize("name", v.ALL)
def test_the_vectors_in_spec_are_what_the_code_makes(name: str) -> None:
    assert (v.FOLDER / f"{name}.json").read_text() == v.text(name)


def load(name: str) -> dict[str, list[dict[str, str]]]:
    return json.loads((v.FOLDER / f"{name}.json").read_text())


@pytest.mark.parametrize("row", load("frames")["frames"], ids=lambda row: row["name"])
def test_frames_decode_to_what_was_encoded(row: dict[str, str]) -> None:
    (frame,) = FrameDecoder().receive_data(bytes.fromhex(row["bytes"]))
    assert (frame.type, frame.flags, frame.stream, frame.body.hex()) == (row["type"], row["flags"], row["stream"], row["body"])


@pytest.mark.parametrize("row", load("frames")["large"], ids=lambda row: row["name"])
def test_long_bodies_travel_in_pieces(row: dict[str, int]) -> None:
    body = b"e" * row["count_of_e"]
    encoded = encode_frame(row["type"], row["stream"], body)
    assert hashlib.sha256(encoded).hexdigest() == row["sha256"]
    (frame,) = FrameDecoder().receive_data(encoded)
    assert frame.body == body


@pytest.mark.parametrize("row", load("frames")["faults"], ids=lambda row: row["name"])
def test_broken_frames_are_faults(row: dict[str, str]) -> None:
    with pytest.raises(LinkFault):
        list(FrameDecoder().receive_data(bytes.fromhex(row["bytes"])))


@pytest.mark.parametrize(("name", "stream", "message"), v.link_messages(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_link_message_comes_back_whole(name: str, stream: int, message: msgspec.Struct) -> None:
    row = next(row for row in load("link")["messages"] if row["name"] == name)
    (frame,) = FrameDecoder().receive_data(bytes.fromhex(row["bytes"]))
    frame_type = FRAME_TYPES[type(message)]
    assert frame.stream == stream
    assert decode_message(frame_type, frame.body) == message


def test_every_frame_type_with_a_message_has_a_vector() -> None:
    assert {type(message) for _, _, message in v.link_messages()} == set(FRAME_TYPES)


def test_a_header_is_type_flags_stream_length_in_network_order() -> None:
    (frame,) = FrameDecoder().receive_data(bytes.fromhex("2204000001020009" + "0000000000000005" + "61"))
    assert frame == Frame(0x22, 4, 0x102, bytes.fromhex("000000000000000561"))


@pytest.mark.parametrize(("name", "message", "_"), v.CLIENT, ids=lambda value: value if isinstance(value, str) else "")
def test_client_messages_come_back_whole(name: str, message: t.ClientMessage, _: object) -> None:
    assert t.decode_client(t.encode_client(message)) == message


@pytest.mark.parametrize("message", v.SERVER, ids=lambda message: type(message).__name__)
def test_server_messages_come_back_whole(message: t.ServerMessage) -> None:
    assert t.decode_server(t.encode_server(message)) == message


@pytest.mark.parametrize("data", v.NOT_FOR_A_CLIENT)
def test_a_gateway_refuses_what_no_terminal_sends(data: str) -> None:
    with pytest.raises(t.TerminalFault):
        t.decode_client(bytes.fromhex(data))


@pytest.mark.parametrize("data", v.NOT_FROM_A_GATEWAY)
def test_a_terminal_refuses_what_no_gateway_sends(data: str) -> None:
    with pytest.raises(t.TerminalFault):
        t.decode_server(bytes.fromhex(data))


@pytest.mark.parametrize("data", load("terminal")["unknown"])
def test_a_terminal_ignores_types_it_does_not_know(data: str) -> None:
    assert t.decode_server(bytes.fromhex(data)) is None


def test_the_most_that_an_end_may_carry_can_be_read() -> None:
    end = m.End("exited", 0, "m" * 9000, left=[f"{i} ({'p' * 5000})" for i in range(500)])
    decoded = t.decode_server(t.encode_server(end))
    assert isinstance(decoded, m.End)
    assert len(decoded.message) == 4096
    assert decoded.left[-1] == "and 437 more"


@pytest.mark.parametrize(("name", "data"), v.REPLIES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_reply_is_told_from_keys(name: str, data: bytes) -> None:
    assert is_terminal_reply(data)
    assert is_terminal_reply(data.decode("latin-1"))


@pytest.mark.parametrize(("name", "data"), v.KEYS, ids=lambda value: value if isinstance(value, str) else "")
def test_keys_are_never_taken_for_a_reply(name: str, data: bytes) -> None:
    assert not is_terminal_reply(data)
    assert not is_terminal_reply(data.decode("utf-8", "replace"))


@pytest.mark.parametrize(("name", "reads", "pieces"), v.SPLITS, ids=lambda value: value if isinstance(value, str) else "")
def test_replies_are_cut_out_of_mixed_reads(name: str, reads: list[bytes], pieces: list[tuple[bytes, bool]]) -> None:
    splitter = ReplySplitter()
    assert [piece for read in reads for piece in splitter.receive(read)] + splitter.flush() == pieces


@pytest.mark.parametrize(("name", "data"), v.REPLIES + v.KEYS, ids=lambda value: value if isinstance(value, str) else "")
def test_splitting_loses_no_byte(name: str, data: bytes) -> None:
    assert b"".join(piece for piece, _ in split_replies(data)) == data
