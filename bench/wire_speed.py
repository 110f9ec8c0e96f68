"""How many frames a second one side of a link sends and takes, without sockets: `python bench/wire_speed.py [--json]`.

Two LinkConnections in one process, one handing its bytes to the other, as 64 B (keystrokes, echoes) and 32 KiB (bulk) payloads; then
the terminal messages. Best of five, CPU time; numbers are for the machine named in the output.

On 2 x86_64 cores with Python 3.11.7, 64 B frames a second: send 1,010,000, receive 850,000 (before the hot path was made tight:
545,000 and 214,000); 32 KiB frames: send 68,000, receive 211,000 (before: 60,000 and 114,000); whole calls: 101,000 (before: 68,000).
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable

from podshell.wire import messages as m
from podshell.wire.link import Chunk, DataReceived, LinkConnection, MessageReceived, Side
from podshell.wire.terminal import Input, Output, decode_client, decode_server, encode_client, encode_output

ROUNDS = 5


class Endless:
    """A source of pieces of one size, without an end."""

    def __init__(self, size: int) -> None:
        self._piece = memoryview(bytes(size))

    def read(self, offset: int, max_bytes: int) -> Chunk:
        return Chunk(self._piece[:max_bytes])


def connect() -> tuple[LinkConnection, LinkConnection]:
    """A gateway and an agent after their handshake."""
    gateway, agent = (LinkConnection(side, now=0.0, in_flight_cap_bytes=1 << 40) for side in (Side.GATEWAY, Side.AGENT))
    gateway.send(m.Welcome(1, "replica"))
    agent.receive_data(gateway.data_to_send(), now=0.0)
    return gateway, agent


def attach(gateway: LinkConnection, agent: LinkConnection, size: int) -> int:
    stream = gateway.open_consumer(m.Attach("s", "v", b"", window=1024 * 1024))
    agent.receive_data(gateway.data_to_send(), now=0.0)
    agent.accept_consumer(stream, m.Attached("s", "e", 1, "running", 0, 0, 0, 65_536), Endless(size), window_bytes=1 << 40)
    # only the handshake, so that data_to_send is measured alone
    gateway.receive_data(agent.data_to_send(1), now=0.0)
    gateway.send_window(stream, 0, 1 << 40)
    return stream


def measure(run: Callable[[], int]) -> float:
    """Units a second of CPU time, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        begin = time.process_time()
        units = run()
        best = max(best, units / (time.process_time() - begin))
    return best


def link_frames(size: int, total: int, read_bytes: int = 128 * 1024) -> dict[str, float]:
    """Frames a second that `data_to_send` makes and `receive_data` takes."""
    gateway, agent = connect()
    attach(gateway, agent, size)
    batches: list[bytes] = []

    def send() -> int:
        batches.clear()
        sent = 0
        while sent < total:
            data = agent.data_to_send(read_bytes)
            batches.append(data)
            sent += len(data) // (size + 16)
        return sent

    def receive() -> int:
        # each round takes new bytes: repetitions would be trimmed
        return sum(isinstance(event, DataReceived) for data in batches for event in gateway.receive_data(data, now=0.0))

    send_rate = receive_rate = 0.0
    for _ in range(ROUNDS):
        begin = time.process_time()
        sent = send()
        middle = time.process_time()
        assert receive() == sent
        send_rate = max(send_rate, sent / (middle - begin))
        receive_rate = max(receive_rate, sent / (time.process_time() - middle))
    return {"send": send_rate, "receive": receive_rate}


def calls(total: int) -> float:
    """Whole calls a second: CALL there, REPLY back."""
    gateway, agent = connect()

    def run() -> int:
        for _ in range(total):
            gateway.open_call(m.Call("inventory.pod"))
            for event in agent.receive_data(gateway.data_to_send(), now=0.0):
                assert isinstance(event, MessageReceived)
                agent.send(m.Reply(), event.stream)
            gateway.receive_data(agent.data_to_send(), now=0.0)
        return total

    return measure(run)


def terminal(total: int) -> dict[str, float]:
    """Messages a second of the terminal protocol."""
    output, typed = encode_output(1 << 40, bytes(64)), encode_client(Input(1 << 40, b"x"))

    def repeat(call: Callable[[], object]) -> float:
        def run() -> int:
            for _ in range(total):
                call()
            return total

        return measure(run)

    data = bytes(64)
    assert isinstance(decode_server(output), Output)
    return {
        "encode_output": repeat(lambda: encode_output(1 << 40, data)),
        "decode_output": repeat(lambda: decode_server(output)),
        "encode_input": repeat(lambda: encode_client(Input(1 << 40, b"x"))),
        "decode_input": repeat(lambda: decode_client(typed)),
    }


def run() -> dict[str, object]:
    small, large = link_frames(64, 100_000), link_frames(32 * 1024, 8_000)
    return {
        "machine": f"{platform.processor() or platform.machine()}, Python {platform.python_version()}",
        "link_64_byte_frames_per_second": small,
        "link_32_kib_frames_per_second": large,
        "link_32_kib_mib_per_second": {name: rate / 32 for name, rate in large.items()},
        "link_calls_per_second": calls(5_000),
        "terminal_messages_per_second": terminal(100_000),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print raw JSON")
    result = run()
    if parser.parse_args().json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        if isinstance(value, dict):
            print(f"{name}: " + ", ".join(f"{key} {rate:,.0f}" for key, rate in value.items()))
        else:
            print(f"{name}: {value:,.0f}" if isinstance(value, float) else f"{name}: {value}")


if __name__ == "__main__":
    main()
