"""Two real ends of a link against each other: random schedules, slow and stalled readers, cuts anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_pair import Log, Pair, messages, pattern

from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.frames import MAX_DATA_BYTES, FrameDecoder, FrameType
from podshell.wire.link import DataReceived, GapReceived, Side, StreamKind, StreamLost


def received(pair: Pair, stream: int, side: Side = Side.GATEWAY) -> bytes:
    return b"".join(bytes(e.data) for e in pair.events[side] if isinstance(e, DataReceived) and e.stream == stream)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1024, 100_000))
def test_every_log_arrives_whole_under_any_schedule_and_credit_is_kept(seed: int, count: int, window: int) -> None:
    pair = Pair(cap_bytes=64 * 1024, seed=seed)
    logs = {pair.attach(log := Log(pair.random.randrange(150_000)), window=window): log for _ in range(count)}
    taken = {stream: len(received(pair, stream)) for stream in logs}
    acked = dict.fromkeys(logs, 0)
    for _ in range(20_000):
        action = pair.random.randrange(4)
        side = pair.random.choice(list(Side))
        if action == 0:
            pair.pull(side, pair.random.randrange(1, 90_000))
            assert pair.agent.in_flight_bytes <= 64 * 1024
        elif action == 1:
            for event in pair.push(side, pair.random.randrange(1, 70_000)):
                if isinstance(event, DataReceived):
                    assert event.offset == taken[event.stream]
                    taken[event.stream] += len(event.data)
                    assert taken[event.stream] <= acked[event.stream] + window
        elif action == 2:
            stream = pair.random.choice(list(logs))
            acked[stream] = taken[stream]
            pair.gateway.send_window(stream, acked[stream], acked[stream] + window)
        if all(taken[stream] == log.head for stream, log in logs.items()):
            break
    assert taken == {stream: log.head for stream, log in logs.items()}
    assert all(received(pair, stream) == pattern(0, log.head) for stream, log in logs.items())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_input_goes_the_other_way_by_the_same_rules(seed: int) -> None:
    pair = Pair(cap_bytes=32 * 1024, seed=seed)
    stream = pair.attach(Log(0), input_taken=5, input_limit=5 + 4096)
    pair.settle()
    typed = Log(5 + pair.random.randrange(1, 40_000), end=True)
    pair.gateway.set_source(stream, typed, offset=5, limit=5 + 4096)
    position, ended = 5, False
    for _ in range(5000):
        pair.pull(Side.GATEWAY, pair.random.randrange(1, 9000))
        for event in pair.push(Side.AGENT, pair.random.randrange(1, 9000)):
            if isinstance(event, DataReceived):
                assert event.offset == position
                assert bytes(event.data) == pattern(position, len(event.data))
                position += len(event.data)
                ended = ended or event.end
        pair.agent.send_window(stream, position, position + 4096)
        pair.pull(Side.AGENT)
        pair.push(Side.GATEWAY)
        if ended:
            break
    assert (position, ended) == (typed.head, True)


def test_a_stalled_reader_holds_its_window_and_no_more() -> None:
    pair = Pair()
    stream = pair.attach(Log(10_000_000), window=100_000)
    pair.settle()
    assert len(received(pair, stream)) == 100_000
    pair.gateway.send_window(stream, 60_000, 160_000)
    pair.settle()
    assert len(received(pair, stream)) == 160_000


def test_twenty_stalled_streams_of_a_hundred_do_not_delay_the_others_by_a_frame() -> None:
    def frames_until_all_typed(stalled: int) -> int:
        pair = Pair(cap_bytes=1 << 30)
        flooding = pair.attach_all([Log(50_000_000) for _ in range(stalled)], window=64 * 1024)
        pair.settle()  # they have used up their credit
        typing = pair.attach_all([Log(100) for _ in range(80)], window=64 * 1024)
        counted: list[int] = []
        while True:
            frames = [frame.stream for frame in FrameDecoder().receive_data(pair.agent.data_to_send())]
            if not frames:
                break
            counted += frames
        assert counted == typing
        assert not set(flooding) & set(counted)
        return len(counted)

    assert frames_until_all_typed(20) == frames_until_all_typed(0)


def test_ready_streams_take_turns_frame_by_frame() -> None:
    pair = Pair(cap_bytes=1 << 30)
    streams = pair.attach_all([Log(10 * MAX_DATA_BYTES) for _ in range(3)], window=10 * MAX_DATA_BYTES)
    data = b"".join(iter(lambda: pair.agent.data_to_send(), b""))
    turns = [frame.stream for frame in FrameDecoder().receive_data(data) if frame.type == FrameType.DATA]
    assert turns == streams * 10


def test_a_keystroke_waits_for_one_frame_of_each_flooding_stream_at_most() -> None:
    pair = Pair(cap_bytes=1 << 30)
    quiet_log = Log(0)
    *floods, quiet = pair.attach_all([*(Log(50_000_000) for _ in range(5)), quiet_log], window=1024 * 1024)
    for _ in range(4):
        pair.agent.data_to_send()
    quiet_log.head = 1
    pair.agent.wake(quiet)
    data = b"".join(pair.agent.data_to_send() for _ in range(2))
    order = [frame.stream for frame in FrameDecoder().receive_data(data)]
    assert order.index(quiet) <= len(floods)


def test_control_overtakes_data() -> None:
    pair = Pair()
    pair.attach(Log(10_000_000))
    pair.agent.data_to_send(1)
    pair.agent.send(m.Draining(True))
    frames = list(FrameDecoder().receive_data(pair.agent.data_to_send()))
    assert [frame.type for frame in frames][:2] == [FrameType.DRAINING, FrameType.DATA]


def test_the_in_flight_cap_stops_all_data_until_the_peer_says_what_it_took() -> None:
    pair = Pair(cap_bytes=128 * 1024)
    for _ in range(4):
        pair.attach(Log(10_000_000), window=1024 * 1024)
    while pair.pull(Side.AGENT):
        pass
    assert pair.agent.in_flight_bytes == 128 * 1024
    pair.agent.send(m.Draining(True))
    assert pair.pull(Side.AGENT) > 0, "control goes on"
    pair.push(Side.GATEWAY)
    pair.pull(Side.GATEWAY)
    pair.push(Side.AGENT)
    assert pair.agent.in_flight_bytes < 128 * 1024


def test_bytes_of_a_stream_that_was_closed_meanwhile_are_not_lost_to_the_cap() -> None:
    pair = Pair(cap_bytes=128 * 1024)
    for _ in range(30):  # 30 * 64 KiB is many times the cap
        stream = pair.attach(Log(10_000_000), window=64 * 1024)
        pair.pull(Side.AGENT)
        pair.gateway.send(m.Detach(), stream)
        pair.settle()
    assert pair.agent.in_flight_bytes < 128 * 1024
    stream = pair.attach(Log(1000))
    pair.settle()
    assert len(received(pair, stream)) == 1000


def test_a_gap_is_told_and_costs_no_credit() -> None:
    pair = Pair()
    log = Log(5_000_000, tail=4_000_000)
    stream = pair.attach(log, window=100_000)
    pair.settle()
    assert [e for e in pair.events[Side.GATEWAY] if isinstance(e, GapReceived)] == [GapReceived(stream, 0, 4_000_000)]
    assert received(pair, stream) == pattern(4_000_000, 100_000)


def test_the_end_waits_for_the_last_output_when_finished() -> None:
    pair = Pair()
    stream = pair.attach(Log(300_000), window=100_000)
    pair.agent.finish(stream, m.End("exited", 0))
    pair.settle()
    assert m.End("exited", 0) not in messages(pair.events[Side.GATEWAY])
    for position in (100_000, 200_000, 300_000):
        pair.gateway.send_window(stream, position, position + 100_000)
        pair.settle()
    assert received(pair, stream) == pattern(0, 300_000)
    assert messages(pair.events[Side.GATEWAY])[-1] == m.End("exited", 0)
    assert not pair.gateway.has_stream(stream)
    assert not pair.agent.has_stream(stream)


def test_a_window_that_comes_before_the_input_has_a_source_counts() -> None:
    pair = Pair()
    stream = pair.attach(Log(0), input_taken=5000, input_limit=6000)
    pair.agent.send_window(stream, 5000, 9000)
    pair.settle()
    pair.gateway.set_source(stream, Log(9000), offset=5000, limit=6000)
    pair.settle()
    assert received(pair, stream, Side.AGENT) == pattern(5000, 4000)


def test_many_windows_that_wait_are_sent_as_one() -> None:
    pair = Pair()
    stream = pair.attach(Log(1000))
    pair.settle()
    for acked in range(1, 1001):
        pair.gateway.send_window(stream, acked, acked + 1000)
    assert pair.gateway.control_bytes_queued == 24
    assert len(list(FrameDecoder().receive_data(pair.gateway.data_to_send()))) == 1


def test_sync_ends_what_only_one_side_knows_and_nothing_else() -> None:
    pair = Pair()
    kept, lost = pair.attach(Log(0)), pair.attach(Log(0))
    call = pair.gateway.open_call(m.Call("inventory.pod"))
    pair.settle()
    pair.take_events()
    del pair.agent._streams[lost]  # what a bug or a lost frame would leave
    pair.agent.send_sync()
    pair.settle()
    assert StreamLost(lost, StreamKind.CONSUMER) in pair.events[Side.GATEWAY]
    assert pair.gateway.has_stream(kept)
    assert pair.gateway.has_stream(call)


def test_sync_resets_a_stream_that_the_receiver_does_not_know() -> None:
    pair = Pair()
    stream = pair.attach(Log(0))
    pair.settle()
    pair.take_events()
    del pair.agent._streams[stream]
    pair.gateway.send_sync()
    pair.settle()
    (reset,) = [x for x in messages(pair.events[Side.GATEWAY]) if isinstance(x, m.Reset)]
    assert reset.refusal.code is ErrorCode.LINK_LOST
    assert not pair.gateway.has_stream(stream)


def test_a_stream_that_is_still_on_its_way_survives_a_sync() -> None:
    pair = Pair()
    pair.agent.send_sync()
    pair.pull(Side.AGENT)
    call = pair.gateway.open_call(m.Call("inventory.pod"))
    pair.push(Side.GATEWAY)
    assert pair.gateway.has_stream(call)
    pair.settle()
    assert pair.agent.has_stream(call)


def test_a_call_is_answered_cancelled_and_refused_without_touching_others() -> None:
    pair = Pair()
    first, second, third = (pair.gateway.open_call(m.Call("a")) for _ in range(3))
    pair.settle()
    pair.agent.send(m.Reply(), first)
    pair.gateway.cancel_call(second)
    pair.agent.reset(third, Refusal(ErrorCode.INTERNAL, RefusedBy.AGENT, "broken"))
    pair.settle()
    assert not any(end.has_stream(s) for end in (pair.gateway, pair.agent) for s in (first, second, third))
    assert pair.gateway.has_stream(pair.gateway.open_call(m.Call("b")))


def test_after_goaway_a_new_stream_is_refused_and_old_ones_go_on() -> None:
    pair = Pair()
    log = Log(10)
    old = pair.attach(log)
    pair.agent.send(m.Goaway("restart", 1000))
    new = pair.gateway.open_call(m.Call("a"))
    pair.settle()
    assert pair.gateway.peer_going_away
    (reset,) = [x for x in messages(pair.events[Side.GATEWAY]) if isinstance(x, m.Reset)]
    assert reset.refusal.code is ErrorCode.GOING_AWAY
    assert not pair.gateway.has_stream(new)
    log.head = 20
    pair.agent.wake(old)
    pair.settle()
    assert len(received(pair, old)) == 20


@pytest.mark.parametrize("seed", range(5))
def test_streams_that_come_and_go_leave_no_memory_behind(seed: int) -> None:
    pair = Pair(seed=seed)
    for _ in range(300):
        stream = pair.attach(Log(pair.random.randrange(50_000)), window=20_000)
        pair.pull(Side.AGENT, pair.random.randrange(1, 50_000))
        pair.gateway.send(m.Detach(), stream)
    pair.settle()
    for end in pair.ends.values():
        assert not end._streams
        assert not end._windows
        assert not end._ready_set
        assert end.control_bytes_queued == 0
