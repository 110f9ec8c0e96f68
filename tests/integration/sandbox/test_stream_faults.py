"""Faults on request, the pace of a slow client, and the log endpoint: things that no transcript holds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from transcript_lab import ADMIN_TOKEN, Lab

from podshell.sandbox import statuses
from podshell.sandbox.runtime import Runtime, can_isolate
from podshell.sandbox.streams import StreamFault, Target

pytestmark = pytest.mark.skipif(not can_isolate(), reason="needs namespaces")
TWO = "/api/v1/namespaces/lab/pods/two"
EXEC = f"{TWO}/exec?container=main&stdin=true&stdout=true&stderr=true"


class Caller:
    """A client of the lab's API server."""

    def __init__(self, lab: Lab, session: aiohttp.ClientSession) -> None:
        self.lab = lab
        self._session = session
        self._tls = ssl.create_default_context(cadata=lab.server.ca_pem)
        self._headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}

    async def open(self, *command: str, protocol: str = "v5.channel.k8s.io") -> aiohttp.ClientWebSocketResponse:
        url = self.lab.server.url + EXEC + "".join(f"&command={word}" for word in command)
        return await self._session.ws_connect(url, ssl=self._tls, headers=self._headers, protocols=[protocol], autoclose=False)

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(self.lab.server.url + path, ssl=self._tls, headers=self._headers) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    runtime = Runtime(tmp_path)
    await runtime.start()
    lab = Lab(runtime)
    await lab.start(("lab", "two"), "main")
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        yield Caller(lab, session)
    await lab.stop()
    await runtime.stop()


async def read_all(stream: aiohttp.ClientWebSocketResponse) -> tuple[dict[int, bytes], int | None]:
    """Read to the end: bytes of each channel, and the code of the server's close frame, None when TCP just ended."""
    channels: dict[int, bytes] = {}
    while True:
        message = await stream.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            return channels, message.data if message.type is aiohttp.WSMsgType.CLOSE else None
        channels[message.data[0]] = channels.get(message.data[0], b"") + message.data[1:]


async def test_a_stream_is_dropped_at_the_byte_asked_for(caller: Caller) -> None:
    caller.lab.streams.faults.add(StreamFault(Target("lab", "two"), drop_at_byte=1000, streams=1))
    channels, code = await read_all(await caller.open("head", "-c", "5000", "/dev/zero"))
    assert len(channels[1]) == 1000
    assert 3 not in channels
    assert code is None
    channels, code = await read_all(await caller.open("head", "-c", "5000", "/dev/zero"))
    assert (len(channels[1]), code) == (5000, 1000)


async def test_a_stream_can_end_by_reset(caller: Caller) -> None:
    caller.lab.streams.faults.add(StreamFault(drop_at_byte=1, reset=True))
    channels, code = await read_all(await caller.open("echo", "hello"))
    assert channels.get(1, b"") in (b"", b"h")
    assert code is None


async def test_an_upgrade_is_refused_with_the_status_asked_for(caller: Caller) -> None:
    caller.lab.streams.faults.add(StreamFault(Target(container="main"), refuse=statuses.bad_request("not today")))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await caller.open("true")
    assert refused.value.status == 400


async def test_frozen_reads_take_no_input_and_answer_no_ping(caller: Caller) -> None:
    caller.lab.streams.faults.add(StreamFault(freeze_reads=True))
    stream = await caller.open("cat")
    assert (await stream.receive()).data == b"\1"
    await stream.send_bytes(b"\0hello\n")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await stream.receive()
    await stream.close()


async def test_open_streams_can_be_cut(caller: Caller) -> None:
    streams = [await caller.open("cat") for _ in range(2)]
    for stream in streams:
        await stream.receive()
    assert caller.lab.streams.faults.cut(Target(pod="two")) == 2
    assert [(await read_all(stream))[1] for stream in streams] == [None, None]


def command_line(pid: int) -> bytes:
    """The words of a process, each with a NUL behind it; of one that has ended meanwhile, none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def test_a_rotation_of_the_server_cuts_streams_and_v5_shells_stay(caller: Caller) -> None:
    container = caller.lab.containers["lab", "two", "main"]
    stream = await caller.open("sh", "-c", "echo%20up;exec%20sleep%201000")
    while (await stream.receive()).data != b"\1up\n":
        pass
    # by its pid: it may not have become `sleep` yet
    [shell] = [pid for pid in container.processes() if b"sleep\x001000\x00" in (line := command_line(pid)) or b"exec sleep 1000" in line]
    await caller.lab.server.rotate()
    assert (await read_all(stream))[1] is None
    assert shell in container.processes()


async def test_a_client_that_does_not_read_stops_the_process(caller: Caller) -> None:
    container = caller.lab.containers["lab", "two", "main"]
    stream = await caller.open("dd", "if=/dev/zero", "bs=64k", "count=4096")  # 256 MiB
    while (await stream.receive()).data == b"\1":  # up, but the process may not run yet
        pass
    writer = next(pid for pid in container.processes() if b"dd\0" in command_line(pid))
    previous, written = -1, 0
    while written != previous:  # sockets and the client's own queue fill, then nothing moves
        previous = written
        await asyncio.sleep(0.5)
        written = int(Path(f"/proc/{writer}/io").read_text().split("wchar: ")[1].split()[0])
    assert 0 < written < 64 * 1024 * 1024
    await stream.close()


async def test_the_log_is_told_whole_in_part_and_with_errors(caller: Caller) -> None:
    container = caller.lab.containers["lab", "two", "main"]
    container.log.append("stdout", b"one\ntwo\nthree\n")
    log = f"{TWO}/log?container=main"
    assert await caller.get(log) == (200, "one\ntwo\nthree\n")
    assert await caller.get(f"{log}&tailLines=2") == (200, "two\nthree\n")
    assert await caller.get(f"{log}&limitBytes=5") == (200, "one\nt")
    assert (await caller.get(f"{log}&timestamps=true"))[1].splitlines()[0].endswith("Z one")
    assert (await caller.get(f"{log}&sinceSeconds=100"))[1] == "one\ntwo\nthree\n"
    status, text = await caller.get(f"{log}&previous=true")
    assert status == 400
    assert 'previous terminated container \\"main\\" in pod \\"two\\" not found' in text
    assert (await caller.get(f"{TWO}/log"))[0] == 400


async def test_a_followed_log_ends_with_the_container(caller: Caller) -> None:
    container = caller.lab.containers["lab", "two", "main"]
    container.log.append("stdout", b"old\n")
    following = asyncio.create_task(caller.get(f"{TWO}/log?container=main&follow=true&tailLines=0"))
    for _ in range(20):  # some of these come after the request did
        container.log.append("stdout", b"new\n")
        await asyncio.sleep(0.05)
    await container.stop(0)
    status, text = await following
    assert status == 200
    assert set(text.split()) == {"new"}
