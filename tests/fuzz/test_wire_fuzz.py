"""Fuzz targets of the wire: whatever bytes come, nothing is raised but the peer's fault, and memory stays bounded.

Each target runs some thousands of inputs in CI; `python tests/fuzz/test_wire_fuzz.py SECONDS [SEED]` runs them as long as one likes.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

import pytest

from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.frames import HEADER, MAX_JOINED_BYTES, Flag, FrameDecoder, FrameType, LinkFault, encode_frame
from podshell.wire.link import Chunk, LinkConnection, MessageReceived, Side
from podshell.wire.link_events import HANDSHAKE_FRAMES, LINK_FRAMES, encode_message
from podshell.wire.replies import MAX_REPLY_BYTES, ReplySplitter, is_terminal_reply
from podshell.wire.streams import OFFSET, PAIR
from podshell.wire.terminal import Input as TerminalInput
from podshell.wire.terminal import TerminalFault, decode_client, decode_server, encode_client, encode_server

REFUSAL = Refusal(ErrorCode.INTERNAL, RefusedBy.AGENT, "x")
MESSAGES = [
    m.Ping(1), m.Pong(1), m.Goaway("x"), m.Sync([1, 2, 3], ["s"]), m.Draining(True), m.Fact(1, "s", "ended", 0, {"a": [], "b": 0.5}),
    m.FactAck(1), m.Call("inventory.pod", grant=b"g"), m.Reply(), m.Reply(refusal=REFUSAL), m.Attach("s", "v", b"g"), m.Resize(80, 24),
    m.Attached("s", "e", 1, "running", 0, 0, 0, 100), m.Visibility(True), m.Stay(), m.Notice("x"), m.End("exited", 0), m.Detach(),
    m.Reset(REFUSAL), m.Welcome(1, "r"), m.Reject(REFUSAL), m.Challenge(bytes(32), "r", 0),
    m.Hello(1, "c", "i", "e", bytes(32), bytes(64), 0, "1"),
]  # fmt: skip
TERMINAL = [encode_client(TerminalInput(5, b"x")), encode_server(m.End("exited", 0)), encode_server(m.Notice("x", {"a": 1}))]


class Zeros:
    def read(self, offset: int, max_bytes: int) -> Chunk:
        return Chunk(bytes(min(max_bytes, 100)))


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut out, repeat or insert bytes."""
    changed = bytearray(data)
    for _ in range(rng.randrange(4)):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0 if place < len(changed):
                changed[place] = rng.randrange(256)
            case 1:
                del changed[place : place + rng.randrange(1, 9)]
            case 2:
                changed[place:place] = rng.randbytes(rng.randrange(1, 9))
            case _:
                changed += changed[place : place + 20]
    return bytes(changed)


def some_frame(rng: random.Random) -> bytes:
    stream = rng.choice([0, 1, 2, 3, 4, 5, 2**32 - 1])
    flags = rng.choice([0, 0, 0, 1, 2, 4, 8, 255])
    match rng.randrange(5):
        case 0:
            return encode_frame(
                FrameType.DATA, stream, OFFSET.pack(rng.choice([0, 1, 100, 2**53, 2**64 - 1])) + bytes(rng.randrange(300)), flags
            )
        case 1:
            numbers = [rng.choice([0, 1, 50, 100, 2**53, 2**64 - 1]) for _ in range(2)]
            return encode_frame(rng.choice([FrameType.WINDOW, FrameType.GAP]), stream, PAIR.pack(*numbers), flags)
        case 2:
            return encode_frame(rng.randrange(256), stream, rng.randbytes(rng.randrange(40)), flags)
        case _:
            message = rng.choice(MESSAGES)
            frame_type = FrameType[{"FactAck": "FACT_ACK"}.get(type(message).__name__, type(message).__name__.upper())]
            return encode_frame(frame_type, rng.choice([0, stream]), mutate(encode_message(message), rng), flags)


def fuzz_frames(rng: random.Random) -> None:
    """FrameDecoder: random bytes and mutated frames, cut anywhere."""
    decoder = FrameDecoder()
    data = b"".join(mutate(some_frame(rng), rng) for _ in range(rng.randrange(1, 8)))
    try:
        while data:
            size = rng.randrange(1, len(data) + 1)
            for frame in decoder.receive_data(data[:size]):
                assert len(frame.body) <= MAX_JOINED_BYTES
            data = data[size:]
    except LinkFault:
        return
    assert len(decoder._buffer) < 65_543


def fuzz_link(rng: random.Random) -> None:
    """LinkConnection, either side, before and after its handshake, with streams of both kinds open."""
    side = rng.choice(list(Side))
    link = LinkConnection(side, now=0.0, in_flight_cap_bytes=4096)
    try:
        if rng.random() < 0.9:
            establish(link)
        for _ in range(rng.randrange(1, 40)):
            data = some_frame(rng)
            if not is_plausible(link, data) and rng.random() < 0.98:
                continue  # else most links would end with their first frame
            for event in link.receive_data(mutate(data, rng) if rng.random() < 0.02 else data, now=0.0):
                if side is Side.AGENT and isinstance(event, MessageReceived) and isinstance(event.message, m.Attach):
                    link.accept_consumer(event.stream, m.Attached("s", "e", 1, "running", 0, 0, 0, 100), Zeros(), window_bytes=1000)
            link.data_to_send(rng.randrange(1, 10_000))
            assert link.in_flight_bytes <= 4096
        link.tick(rng.choice([1.0, 11.0, 31.0]))
    except LinkFault:
        return


def is_plausible(link: LinkConnection, frame: bytes) -> bool:
    """Whether the link would at least look at the body."""
    frame_type, flags, stream, _ = HEADER.unpack_from(frame)
    return (
        frame_type in FrameType.__members__.values()
        and frame_type not in HANDSHAKE_FRAMES | link._ours_only
        and (frame_type in LINK_FRAMES) == (stream == 0)
        and not flags & Flag.MORE
    )


def establish(link: LinkConnection) -> None:
    if link.side is Side.GATEWAY:
        link.send(m.Welcome(1, "r"))
        link.open_call(m.Call("x"))
        stream = link.open_consumer(m.Attach("s", "v", b""))
        link.set_source(stream, Zeros(), offset=0, limit=100)
    else:
        link.receive_data(encode_frame(FrameType.WELCOME, 0, encode_message(m.Welcome(1, "r"))), now=0.0)
        link.open_call(m.Call("x"))


def fuzz_terminal(rng: random.Random) -> None:
    """Both decoders of the terminal protocol."""
    data = rng.randbytes(rng.randrange(40)) if rng.random() < 0.3 else mutate(rng.choice(TERMINAL), rng)
    for decode in (decode_client, decode_server):
        try:
            decode(data)
        except TerminalFault:
            continue


def fuzz_replies(rng: random.Random) -> None:
    """The splitter loses no byte and keeps little back."""
    alphabet = [
        b"\x1b",
        b"[",
        b"]",
        b"P",
        b"?",
        b"1",
        b";",
        b"2",
        b"R",
        b"c",
        b"M",
        b"\\",
        b"\x07",
        b"_G",
        b"a",
        b"I",
        b"$y",
        b"+r",
        b"\xff",
    ]
    data = b"".join(rng.choice(alphabet) for _ in range(rng.randrange(60)))
    is_terminal_reply(data)
    splitter, pieces, left = ReplySplitter(), [], data
    while left:
        size = rng.randrange(1, len(left) + 1)
        pieces += splitter.receive(left[:size])
        left = left[size:]
        assert len(splitter._kept) <= MAX_REPLY_BYTES
    assert b"".join(piece for piece, _ in pieces + splitter.flush()) == data


TARGETS: list[tuple[Callable[[random.Random], None], int]] = [
    (fuzz_frames, 4000),
    (fuzz_link, 6000),
    (fuzz_terminal, 20_000),
    (fuzz_replies, 8000),
]


@pytest.mark.parametrize(("target", "inputs"), TARGETS, ids=lambda value: getattr(value, "__name__", ""))
def test_nothing_is_raised_but_the_peers_fault(target: Callable[[random.Random], None], inputs: int) -> None:
    for seed in range(inputs):
        try:
            target(random.Random(seed))
        except Exception as error:
            raise AssertionError(f"{target.__name__} with seed {seed}: {error!r}") from error


if __name__ == "__main__":
    until = time.monotonic() + float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**62)
    while time.monotonic() < until:
        for fuzz, _ in TARGETS:
            try:
                fuzz(random.Random(seed))
            except Exception as error:
                raise SystemExit(f"{fuzz.__name__} with seed {seed}: {error!r}") from error
        seed += 1
