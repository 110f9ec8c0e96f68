"""What a peer may not do, what it costs, and that bytes may be cut anywhere."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_pair import CHALLENGE, HELLO, Log, Pair, messages, pattern

from podshell.wire import messages as m
from podshell.wire.frames import MAX_DATA_BYTES, MAX_JOINED_BYTES, Flag, FrameDecoder, FrameType, LinkFault, LocalLinkError, encode_frame
from podshell.wire.link import CONTROL_QUEUE_BYTES, Chunk, DataReceived, LinkConnection, LinkEvent, MessageReceived, Side, WindowReceived
from podshell.wire.link_events import encode_message
from podshell.wire.streams import OFFSET, PAIR

WELCOME = encode_frame(FrameType.WELCOME, 0, encode_message(m.Welcome(1, "replica")))


def established_agent() -> LinkConnection:
    agent = LinkConnection(Side.AGENT, now=0.0)
    agent.receive_data(WELCOME, now=0.0)
    return agent


def conversation() -> bytes:
    """What an agent may get: a call, an attach, input, windows, a long body, an unknown optional frame, a detach."""
    long_call = m.Call("inventory.pod", msgspec.Raw(msgspec.msgpack.encode("x" * 200_000)))
    return b"".join(
        [
            WELCOME,
            encode_frame(FrameType.CALL, 1, encode_message(long_call)),
            encode_frame(FrameType.ATTACH, 3, encode_message(m.Attach("s", "v", b"g"))),
            encode_frame(0x7F, 9, b"later versions", Flag.OPTIONAL),
            encode_frame(FrameType.DATA, 3, OFFSET.pack(0)),
            encode_frame(FrameType.WINDOW, 3, PAIR.pack(0, 100)),
            encode_frame(FrameType.RESIZE, 3, encode_message(m.Resize(80, 24))),
            encode_frame(FrameType.PING, 0, encode_message(m.Ping(7))),
            encode_frame(FrameType.DATA, 77, OFFSET.pack(0) + b"for a stream that is gone"),
            encode_frame(FrameType.DETACH, 3, encode_message(m.Detach())),
            encode_frame(FrameType.CANCEL, 1),
            encode_frame(0x7E, 0, b"a breach"),
            encode_frame(FrameType.CALL, 5, encode_message(m.Call("never seen"))),
        ]
    )


def outcome(pieces: list[bytes]) -> tuple[list[object], str, bytes]:
    agent = LinkConnection(Side.AGENT, now=0.0)
    events: list[LinkEvent] = []
    fault = ""
    try:
        for piece in pieces:
            events += agent.receive_data(piece, now=0.0)
        agent.tick(0.0)
    except LinkFault as error:
        fault = str(error)
    seen = [(type(e).__name__, *(bytes(x) if isinstance(x, memoryview) else x for x in msgspec.structs.astuple(e))) for e in events]
    return seen, fault, agent.data_to_send()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 2**20), max_size=30))
def test_any_split_of_the_bytes_gives_the_same_events_and_the_same_fault(places: list[int]) -> None:
    data = conversation()
    expected = outcome([data])
    assert expected[1] == "unknown frame type 0x7e"
    assert len(expected[0]) == 7
    assert outcome(cut(data, places)) == expected


def test_bytes_that_come_one_by_one_give_the_same_events() -> None:
    data = conversation()
    assert outcome([data[i : i + 1] for i in range(len(data))]) == outcome([data])


def test_received_bytes_are_copies_so_that_the_socket_may_reuse_its_buffer() -> None:
    pair = Pair()
    stream = pair.attach(Log(10))
    pair.pull(Side.AGENT)
    buffer = bytearray(pair.pipes[Side.GATEWAY])
    events = pair.gateway.receive_data(memoryview(buffer), now=0.0)
    buffer[:] = bytes(len(buffer))
    (data,) = [e for e in events if isinstance(e, DataReceived)]
    assert (data.stream, bytes(data.data)) == (stream, pattern(0, 10))


# The handshake.


@pytest.mark.parametrize(
    "frame",
    [
        encode_frame(FrameType.CALL, 1, encode_message(m.Call("inventory.pod"))),
        encode_frame(FrameType.ATTACH, 1, encode_message(m.Attach("s", "v", b""))),
        encode_frame(FrameType.SYNC, 0, encode_message(m.Sync([]))),
        encode_frame(FrameType.DATA, 1, OFFSET.pack(0)),
        encode_frame(FrameType.GOAWAY, 0, encode_message(m.Goaway("x"))),
    ],
)
def test_nothing_but_the_handshake_is_taken_before_welcome(frame: bytes) -> None:
    with pytest.raises(LinkFault, match="before WELCOME"):
        LinkConnection(Side.AGENT, now=0.0).receive_data(frame, now=0.0)


def test_an_agent_cannot_call_before_its_hello_was_accepted() -> None:
    gateway = LinkConnection(Side.GATEWAY, now=0.0)
    hello = encode_frame(FrameType.HELLO, 0, encode_message(HELLO))
    assert messages(gateway.receive_data(hello, now=0.0)) == [HELLO]
    with pytest.raises(LinkFault, match="CALL before WELCOME"):
        gateway.receive_data(encode_frame(FrameType.CALL, 2, encode_message(m.Call("x"))), now=0.0)


def test_a_hello_comes_once() -> None:
    gateway = LinkConnection(Side.GATEWAY, now=0.0)
    hello = encode_frame(FrameType.HELLO, 0, encode_message(HELLO))
    gateway.receive_data(hello, now=0.0)
    with pytest.raises(LinkFault, match="twice"):
        gateway.receive_data(hello, now=0.0)


def test_a_link_that_is_up_takes_no_second_welcome_but_a_reject() -> None:
    agent = established_agent()
    with pytest.raises(LinkFault, match="after WELCOME"):
        established_agent().receive_data(WELCOME, now=0.0)
    reject = Pair().gateway
    reject.send(m.Goaway("x"))
    assert agent.receive_data(reject.data_to_send(), now=0.0)


# Breaches that end the link.


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (encode_frame(0x7F, 0), "unknown frame type"),
        (encode_frame(FrameType.HELLO, 0, encode_message(HELLO)), "not for the gateway to send"),
        (encode_frame(FrameType.NOTICE, 1, encode_message(m.Notice("x"))), "not for the gateway to send"),
        (encode_frame(FrameType.PING, 1, encode_message(m.Ping(1))), "on stream 1"),
        (encode_frame(FrameType.CALL, 0, encode_message(m.Call("x"))), "on stream 0"),
        (encode_frame(FrameType.DATA, 0, OFFSET.pack(0)), "on stream 0"),
        (encode_frame(FrameType.PING, 0, b"\xff"), "does not parse"),
        (encode_frame(FrameType.GOAWAY, 0, encode_message(m.Goaway("x" * 5000))), "does not parse"),
        (encode_frame(FrameType.SYNC, 0, msgspec.msgpack.encode({"streams": [-1]})), "does not parse"),
        (encode_frame(FrameType.SYNC, 0, msgspec.msgpack.encode({"streams": [2**40]})), "does not parse"),
        (encode_frame(FrameType.LINK_WINDOW, 0, OFFSET.pack(1)), "never sent"),
        (encode_frame(FrameType.LINK_WINDOW, 0, b""), "0 bytes"),
    ],
)
def test_a_breach_of_the_link_is_a_fault_for_ever(frame: bytes, text: str) -> None:
    agent = established_agent()
    with pytest.raises(LinkFault, match=text):
        agent.receive_data(frame, now=0.0)
    with pytest.raises(LinkFault, match=text):
        agent.receive_data(b"", now=0.0)


def test_a_body_in_pieces_has_a_limit() -> None:
    decoder = FrameDecoder()
    piece = encode_frame(FrameType.EVENT, 1, bytes(65_535), Flag.MORE)
    fits = MAX_JOINED_BYTES // len(piece[8:])
    assert list(decoder.receive_data(piece * fits)) == []
    with pytest.raises(LinkFault, match="over the limit"):
        list(decoder.receive_data(piece))


def test_a_peer_that_does_not_read_is_a_fault_before_memory_runs_out() -> None:
    agent = established_agent()
    fact = m.Fact(1, "s", "opened", 0, {"text": "x" * 4000})
    while agent.control_bytes_queued < CONTROL_QUEUE_BYTES - 12_100:
        agent.send(fact)
    agent.send(fact)
    agent.send(fact)
    with pytest.raises(LinkFault, match="does not read"):
        agent.send(fact)


# Breaches that end a stream only.


@pytest.mark.parametrize(
    "frame",
    [
        encode_frame(FrameType.DATA, 1, b"short"),
        encode_frame(FrameType.DATA, 1, OFFSET.pack(0) + bytes(MAX_DATA_BYTES + 1)),
        encode_frame(FrameType.DATA, 1, OFFSET.pack(6) + b"x"),  # a hole
        encode_frame(FrameType.DATA, 1, OFFSET.pack(0) + bytes(6)),  # one byte over the credit
        encode_frame(FrameType.WINDOW, 1, PAIR.pack(1, 1)),  # never sent
        encode_frame(FrameType.WINDOW, 1, PAIR.pack(0, 2**63)),
        encode_frame(FrameType.WINDOW, 1, b"x"),
        encode_frame(FrameType.RESIZE, 1, encode_message(m.Resize(0, 24))),
        encode_frame(FrameType.RESIZE, 1, b"\xc1"),
        encode_frame(FrameType.RESIZE, 1, b"\x81\xa1\xff\x01"),
        encode_frame(FrameType.ATTACH, 1, encode_message(m.Attach("s", "v", b""))),
        encode_frame(FrameType.CANCEL, 1),
    ],
)
def test_a_breach_on_a_stream_resets_that_stream_and_no_other(frame: bytes) -> None:
    pair = Pair()
    stream = pair.attach(Log(0), input_limit=5)
    other = pair.attach(Log(0))
    pair.settle()
    assert stream == 1
    pair.pipes[Side.AGENT] += frame
    (event,) = pair.push(Side.AGENT)
    assert isinstance(event, MessageReceived)
    assert isinstance(event.message, m.Reset)
    pair.settle()
    assert not pair.agent.has_stream(stream)
    assert not pair.gateway.has_stream(stream)
    assert pair.agent.has_stream(other)
    assert pair.gateway.has_stream(other)


def test_a_reply_to_a_call_that_is_not_ours_resets_it() -> None:
    pair = Pair()
    call = pair.agent.open_call(m.Call("x"))
    pair.settle()
    pair.pipes[Side.GATEWAY] += encode_frame(FrameType.CANCEL, call)
    assert isinstance(messages(pair.push(Side.GATEWAY)), list)
    pair.pipes[Side.AGENT] += encode_frame(FrameType.CANCEL, call)
    (event,) = pair.push(Side.AGENT)
    assert isinstance(event, MessageReceived)
    assert isinstance(event.message, m.Reset)


@pytest.mark.parametrize("stream", [2, 1])
def test_a_stream_number_of_the_other_side_or_used_before_is_refused(stream: int) -> None:
    agent = established_agent()
    call = encode_message(m.Call("x"))
    agent.receive_data(encode_frame(FrameType.CALL, 1, call), now=0.0)
    agent.receive_data(encode_frame(FrameType.CANCEL, 1), now=0.0)
    assert agent.receive_data(encode_frame(FrameType.CALL, stream, call), now=0.0) == []
    (frame,) = FrameDecoder().receive_data(agent.data_to_send())
    assert (frame.type, frame.stream) == (FrameType.RESET, stream)


# Repetitions.


def attached_agent(taken: int = 10, limit: int = 1000) -> tuple[LinkConnection, int]:
    pair = Pair()
    stream = pair.attach(Log(0), input_taken=taken, input_limit=limit)
    pair.settle()
    return pair.agent, stream


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=30))
def test_repetitions_are_trimmed_whatever_overlaps(ranges: list[tuple[int, int]]) -> None:
    agent, stream = attached_agent()
    position = 10
    for back, size in ranges:
        offset = max(0, position - back)
        frame = encode_frame(FrameType.DATA, stream, OFFSET.pack(offset) + pattern(offset, size))
        for event in agent.receive_data(frame, now=0.0):
            assert isinstance(event, DataReceived)
            assert event.offset == position
            assert bytes(event.data) == pattern(position, len(event.data))
            position += len(event.data)
    assert agent.has_stream(stream)


def test_end_of_input_comes_once_and_nothing_comes_after_it() -> None:
    agent, stream = attached_agent()
    last = encode_frame(FrameType.DATA, stream, OFFSET.pack(10) + b"bye", Flag.END)
    (event,) = agent.receive_data(last, now=0.0)
    assert isinstance(event, DataReceived)
    assert (bytes(event.data), event.end) == (b"bye", True)
    assert agent.receive_data(last, now=0.0) == []
    (event,) = agent.receive_data(encode_frame(FrameType.DATA, stream, OFFSET.pack(13) + b"x"), now=0.0)
    assert isinstance(event, MessageReceived), "the stream is reset"


def test_end_of_input_may_come_without_a_byte() -> None:
    agent, stream = attached_agent()
    (event,) = agent.receive_data(encode_frame(FrameType.DATA, stream, OFFSET.pack(10), Flag.END), now=0.0)
    assert isinstance(event, DataReceived)
    assert (event.offset, bytes(event.data), event.end) == (10, b"", True)


def test_a_window_that_says_nothing_new_is_no_event() -> None:
    pair = Pair()
    stream = pair.attach(Log(100))
    pair.settle()
    pair.gateway.send_window(stream, 50, 1_000_000)
    pair.settle()
    pair.gateway.send_window(stream, 40, 0)
    pair.settle()
    assert [e for e in pair.events[Side.AGENT] if isinstance(e, WindowReceived)] == [WindowReceived(stream, 50, 1_000_000)]


# Time.


def test_silence_of_three_ping_intervals_is_a_fault() -> None:
    agent = established_agent()
    agent.tick(29.0)
    with pytest.raises(LinkFault, match="nothing was received"):
        agent.tick(31.0)


def test_a_late_event_loop_is_not_blamed_on_the_peer() -> None:
    agent = established_agent()
    agent.forgive_silence(100.0)
    agent.tick(101.0)


def test_pings_and_syncs_are_sent_when_due() -> None:
    agent = established_agent()
    agent.set_live_sessions(lambda: ["s1"])
    sent: list[int] = []
    for second in range(1, 31):
        agent.forgive_silence(float(second))
        agent.tick(float(second))
        sent += [frame.type for frame in FrameDecoder().receive_data(agent.data_to_send())]
    assert sent == [FrameType.PING] * 3 + [FrameType.SYNC]


def test_a_ping_is_answered_at_once() -> None:
    agent = established_agent()
    assert agent.receive_data(encode_frame(FrameType.PING, 0, encode_message(m.Ping(5, 6))), now=0.0) == []
    (frame,) = FrameDecoder().receive_data(agent.data_to_send())
    assert frame.type == FrameType.PONG
    assert msgspec.msgpack.decode(frame.body, type=m.Pong) == m.Pong(5, 6)


# Our own mistakes.


def test_our_own_mistakes_are_no_faults_of_the_peer() -> None:
    agent = established_agent()
    with pytest.raises(LocalLinkError):
        agent.send(CHALLENGE)
    with pytest.raises(LocalLinkError):
        agent.send(m.Reply())
    with pytest.raises(LocalLinkError):
        agent.open_consumer(m.Attach("s", "v", b""))
    with pytest.raises(LocalLinkError):
        encode_frame(FrameType.PING, 2**32)
    with pytest.raises(LocalLinkError):
        encode_frame(FrameType.EVENT, 1, bytes(MAX_JOINED_BYTES + 1))


def test_a_source_that_gives_more_than_asked_is_caught_before_the_peer_sees_it() -> None:
    class Greedy(Log):
        def read(self, offset: int, max_bytes: int) -> Chunk:
            return Chunk(bytes(max_bytes + 1))

    pair = Pair()
    pair.attach(Greedy(10))
    with pytest.raises(LocalLinkError, match="were asked for"):
        pair.agent.data_to_send()
