"""Plays the client's side of a transcript against the sandbox and says where the server's side differs.

A client frame is sent once everything that came before it in the transcript has come here too; long waits are
shortened, but never below the life of a command.  Compared are status line, subprotocol and refusal body; each channel's
bytes in one piece (frames may be cut differently); Status, pongs, close codes and who ended TCP; for orphans also which
processes stay, as /proc tells from outside.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import ssl
import struct
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcript_lab import Lab
from transcript_masks import mask

from podshell.sandbox.runtime import Runtime

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
_PATIENCE_SECONDS = 20.0  # for what the transcript says will come, on a busy machine
_LONGEST_WAIT_SECONDS = 0.12  # recorded pauses are for settling only
_OPCODES = {"continuation": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}
_NAMES = {number: name for name, number in _OPCODES.items()}


@dataclass
class Heard:
    """What the server said on one connection."""

    status: str = ""
    subprotocol: str | None = None
    body: bytes = b""
    channels: dict[int, bytearray] = field(default_factory=dict)
    pongs: list[bytes] = field(default_factory=list)
    closes: list[int] = field(default_factory=list)
    order: list[int | str] = field(default_factory=list)
    ended: bool = False
    base64: bool = False

    def take(self, opcode: str, payload: bytes) -> None:
        if opcode == "pong":
            self.pongs.append(payload)
        elif opcode == "close":
            self.closes.append(struct.unpack("!H", payload[:2])[0])
            self.order.append("close")
        elif payload:
            channel = payload[0] - 0x30 if opcode == "text" else payload[0]
            data = base64.b64decode(payload[1:]) if opcode == "text" else payload[1:]
            self.channels.setdefault(channel, bytearray()).extend(data)
            self.order.append(channel)


class Client:
    """One recorded client."""

    def __init__(self, recorded: dict[str, Any], lab: Lab, token: str) -> None:
        self.recorded = recorded
        self.frames: list[dict[str, Any]] = recorded.get("frames", [])
        self.heard = Heard()
        self.changed = asyncio.Event()
        self._lab = lab
        self._token = token
        self._last_sent: dict[str, Any] = {}
        self._sent_at = self._answered_at = 0.0  # the first frame, and what a process first said after it

    @property
    def waited_longer(self) -> bool:
        """Whether the first output after the first frame took more time here than in the recording."""
        sent = next((index for index, frame in enumerate(self.frames) if frame["dir"] == ">" and "op" in frame), len(self.frames))
        said = (frame["t"] for frame in self.frames[sent + 1 :] if frame.get("ch") in (1, 2) and frame["dir"] == "<" and frame["len"] > 1)
        recorded = next(said, None)
        return recorded is not None and (self._answered_at - self._sent_at) * 1000 > recorded - self.frames[sent]["t"]

    async def connect(self) -> None:
        port = urllib.parse.urlsplit(self._lab.server.url).port
        context = ssl.create_default_context(cadata=self._lab.server.ca_pem)
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=2**20)
        lines = [self.recorded["request"][0], f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {self._token}"]
        lines += [line for line in self.recorded["request"][1:] if not line.startswith(("Host:", "Authorization:"))]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.heard.status = head[0]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        self.heard.subprotocol = headers.get("sec-websocket-protocol")
        if " 101 " not in head[0]:
            length = headers.get("content-length")
            self.heard.body = await (self._reader.readexactly(int(length)) if length else self._reader.read())
            self._writer.transport.abort()
            return
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                first, second = await self._reader.readexactly(2)
                length = second & 0x7F
                if length > 125:
                    length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
                payload = await self._reader.readexactly(length)
                self.heard.take(_NAMES[first & 0x0F], payload)
                if self._sent_at and not self._answered_at and length > 1 and payload[0] in (1, 2):
                    self._answered_at = asyncio.get_running_loop().time()
                self.changed.set()
        self.heard.ended = True
        self.changed.set()

    async def send(self, frame: dict[str, Any]) -> None:
        payload = base64.b64decode(frame["b64"])
        if frame.get("truncated_to"):
            payload = payload.ljust(frame["len"], b"0")
        length = len(payload)
        size = bytes([length]) if length < 126 else b"\x7f" + struct.pack("!Q", length)
        bit = 0 if "MASK bit not set" in frame.get("note", "") else 0x80
        head = bytes([(0x80 if frame["fin"] else 0) | _OPCODES[frame["op"]], size[0] | bit]) + size[1:]
        # A mask of zeroes leaves the payload as it is.
        self._last_sent = frame
        self._sent_at = self._sent_at or asyncio.get_running_loop().time()
        with contextlib.suppress(ConnectionError):
            self._writer.write(head + (bytes(4) if bit else b"") + payload)
            if length < 2**20:
                await self._writer.drain()

    async def repeat_last(self, times: int) -> None:
        for _ in range(times):
            await self.send(self._last_sent)

    def drop(self) -> None:
        """End TCP without a close frame; TLS's own farewell is no frame."""
        if not self._writer.is_closing():
            self._writer.transport.close()

    async def finish(self) -> None:
        if hasattr(self, "_task"):
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._writer.transport.abort()


def expect(frames: list[dict[str, Any]]) -> Heard:
    """Read the server's side of the first frames of a transcript."""
    heard = Heard()
    for frame in frames:
        if frame["dir"] == "<" and "op" in frame:
            heard.take(frame["op"], base64.b64decode(frame["b64"]))
        elif frame["dir"] == "<" and frame.get("event", "").startswith("tls close_notify"):
            heard.ended = True
    return heard


class Replay:
    """One transcript."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.recorded: dict[str, Any] = json.loads((TRANSCRIPTS / f"{name}.json").read_text())
        self.clients: list[dict[str, Any]] = self.recorded.get("clients", [self.recorded])
        self.path, query = self.clients[0]["request"][0].split()[1].split("?")
        self.query = urllib.parse.parse_qs(query, keep_blank_values=True)
        parts = self.path.split("/")
        self.pod, self.container = (parts[4], parts[6]), self.query.get("container", [""])[0]
        command = " ".join(self.query.get("command", []))
        frames = [frame for client in self.clients for frame in client.get("frames", []) if frame["dir"] != ">"]
        self.lossy = any("truncated_to" in frame or "left out" in frame.get("event", "") for frame in frames)
        self.rhythm = self.container == "plain"
        self.numbered = "i=$((i+1))" in command and "while :" in command
        sleeps = [float(number) for number in re.findall(r"sleep (\d+)", command) if float(number) < 60]
        self.life_seconds = max(sleeps, default=0.0)
        self.problems: list[str] = []
        # our client once spoke when the server had said more than in the recording, or a process was slow to begin
        self.late = False

    async def run(self, runtime: Runtime) -> list[str]:
        """Replay and return what differs."""
        lab = Lab(runtime)
        clients: list[Client] = []
        try:
            async with asyncio.timeout(100):
                await lab.start(self.pod, self.container)
                await self._prepare(lab)
                token = lab.token_for(self.recorded["what"])
                clients = [Client(recorded, lab, token) for recorded in self.clients]
                for client in clients:
                    await client.connect()
                await self._play(lab, clients)
                await self._compare_processes(lab)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, LookupError) as error:
            self.problems.append(f"the replay failed: {error!r}")
        finally:
            for client in clients:
                await client.finish()
            await lab.stop()
        for client in clients:
            self._compare(client)
            self.late |= client.waited_longer
        return self.problems

    async def _prepare(self, lab: Lab) -> None:
        if "/tty-again" in self.name:  # attached before, see attach/tty-first
            process = lab.containers[*self.pod, "tty"].process
            process.resize(100, 30)
            assert process.stdin is not None
            process.stdin.write(b"X=kept\n")
            await asyncio.sleep(0.3)

    async def _play(self, lab: Lab, clients: list[Client]) -> None:
        offset = self.recorded.get("b_starts_ms_after_a", 0)
        script = [
            (frame["t"] + offset * number, number, index)
            for number, client in enumerate(clients)
            for index, frame in enumerate(client.frames)
            if frame["dir"] in ">-"
        ]
        before = 0.0
        for when, number, index in sorted(script):
            for other in clients:
                await self._catch_up(other, self._until(other, when, number, index, clients))
            await asyncio.sleep(min((when - before) / 1000, _LONGEST_WAIT_SECONDS))
            before = when
            await self._act(lab, clients[number], clients[number].frames[index])
        await self._second_exec(lab, clients[0])
        for client in clients:
            await self._catch_up(client, len(client.frames), final=True)

    def _until(self, other: Client, when: float, number: int, index: int, clients: list[Client]) -> int:
        if other is clients[number]:
            return index
        offset = self.recorded.get("b_starts_ms_after_a", 0) * clients.index(other)
        return sum(1 for frame in other.frames if frame["t"] + offset < when)

    async def _catch_up(self, client: Client, count: int, *, final: bool = False) -> None:
        """Wait until the server has said what the transcript has before this point."""
        expected = expect(client.frames[:count])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not self._reached(client.heard, expected, final=final) and not client.heard.ended:
                    client.changed.clear()
                    await client.changed.wait()

    def _reached(self, heard: Heard, expected: Heard, *, final: bool) -> bool:
        if final and expected.ended and not heard.ended:
            return False
        if self.lossy or self.rhythm or self.numbered:
            spoken = all(heard.channels.get(channel) for channel, data in expected.channels.items() if data)
            return spoken and len(heard.closes) >= len(expected.closes)
        return (
            all(
                len(mask(bytes(heard.channels.get(channel, b"")))) >= len(mask(bytes(data)))
                for channel, data in expected.channels.items()
                if channel != 3
            )
            and (3 not in expected.channels or 3 in heard.channels)
            and len(heard.pongs) >= len(expected.pongs)
            and len(heard.closes) >= len(expected.closes)
        )

    @staticmethod
    def _has_heard_more(heard: Heard, expected: Heard) -> bool:
        def size(side: Heard, channel: int) -> int:
            return len(mask(bytes(side.channels.get(channel, b""))))

        return any(size(heard, channel) > size(expected, channel) for channel in heard.channels)

    async def _act(self, lab: Lab, client: Client, frame: dict[str, Any]) -> None:
        event = frame.get("event", "")
        if "op" in frame:
            self.late |= self._has_heard_more(client.heard, expect(client.frames[: client.frames.index(frame)]))
            await client.send(frame)
        elif "left out" in event:
            await client.repeat_last(int(re.findall(r"\d+", event)[0]) if client._last_sent else 0)
        elif "nothing more" in event:
            recorded = float(re.findall(r"for (\d+) s", event)[0])
            life = self.life_seconds + 1.5 if recorded > self.life_seconds > 0 else 0.0
            await asyncio.sleep(min(recorded, max(life, 0.6)))
        elif "closes the TCP connection" in event:
            if "steps" in self.recorded:
                await self._compare_step(lab, "while the client is connected")
            client.drop()

    async def _second_exec(self, lab: Lab, client: Client) -> None:
        """Some clients only wait while a second exec does something to their process."""
        container = lab.containers.get((*self.pod, self.container))
        if container is None or self.name not in ("exec/killed-tty-hup.v5", "orphans/kill-by-session-id.v5"):
            return
        await self._catch_up(client, next(i for i, frame in enumerate(client.frames) if frame.get("ch") == 3))
        output = bytes(client.heard.channels.get(1, b""))
        if self.name == "exec/killed-tty-hup.v5":
            pid = re.findall(rb"pid=(\d+)", output)[-1].decode()
            await (await lab.runtime.exec(container, ["kill", "-HUP", pid], tty=False, stdin=False)).done
        elif self.name == "orphans/kill-by-session-id.v5":
            await self._compare_step(lab, "before")
            sid = re.findall(rb"sid=(\d+)", output)[0].decode()
            command = ["sh", "-c", self.recorded["second_exec_script"], "kgw", sid]
            await (await lab.runtime.exec(container, command, tty=False, stdin=False)).done

    async def _compare_processes(self, lab: Lab) -> None:
        if "steps" in self.recorded:
            await self._compare_step(lab, self.recorded["steps"][-1]["at"])
        container = lab.containers.get((*self.pod, self.container))
        if container is None:
            return
        tmp = Path(f"/proc/{container.pid}/root/tmp")
        if "file_written_by_traps" in self.recorded and (tmp / "sig").exists():
            self.problems.append("a trap ran")
        if "eof_seen_by_process_after_ms" in self.recorded:
            wanted = self.recorded["eof_seen_by_process_after_ms"] is not None
            deadline = asyncio.get_running_loop().time() + (5 if wanted else 0.7)
            while not (seen := (tmp / "eof").exists()) and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.02)
            if seen != wanted:
                self.problems.append(f"end of input seen: {seen}, recorded: {wanted}")

    async def _compare_step(self, lab: Lab, at: str) -> None:
        """Compare the container's processes with those of a step; children that come and go are left out."""
        step = next(step for step in self.recorded["steps"] if step["at"] == at)
        container = lab.containers[*self.pod, self.container]
        wanted = sorted(recorded_processes(step["ps"]))
        last = at == self.recorded["steps"][-1]["at"]
        stable = 0
        deadline = asyncio.get_running_loop().time() + 10
        while asyncio.get_running_loop().time() < deadline:
            found = sorted(seen_processes(container.processes()))
            stable = stable + 1 if found == wanted else 0
            if stable > (8 if last else 0):  # what is left stays for some time, not only at this moment
                return
            await asyncio.sleep(0.05)
        self.problems.append(f"processes {at}: {found}, recorded: {wanted}")

    def _compare(self, client: Client) -> None:
        recorded, heard = client.recorded, client.heard
        expected = expect(client.frames)
        self._same("status line", heard.status, recorded["response"][0])
        if " 101 " not in recorded["response"][0]:
            self._same("body", heard.body.decode(), recorded.get("body") or "")
            return
        header = next((h for h in recorded["response"] if h.lower().startswith("sec-websocket-protocol")), ":")
        self._same("subprotocol", (heard.subprotocol or "").strip(), header.partition(":")[2].strip())
        for channel in sorted({*heard.channels, *expected.channels}):
            ours, theirs = (bytes(side.channels.get(channel, b"")) for side in (heard, expected))
            if channel == 3:
                self._same("Status", mask(ours), mask(theirs))
            elif self.lossy:
                self._same_size(channel, len(ours), client.frames)
            else:
                options = {"rhythm": self.rhythm, "numbered": self.numbered}
                self._same(f"channel {channel}", mask(ours, **options), mask(theirs, **options))
        self._same("pongs", heard.pongs, expected.pongs)
        self._same("close codes", heard.closes, expected.closes)
        if expected.order and expected.order[-1] == "close":
            last: list[int | str] = [3, "close"] if 3 in expected.channels else ["close"]
            self._same("what comes last", heard.order[-len(last) :], last)

    def _same_size(self, channel: int, size: int, frames: list[dict[str, Any]]) -> None:
        if any("left out" in frame.get("event", "") for frame in frames):
            return
        recorded = sum(frame["len"] - 1 for frame in frames if frame["dir"] == "<" and frame.get("ch") == channel)
        self._same(f"size of channel {channel}", size, recorded)

    def _same(self, what: str, ours: object, theirs: object) -> None:
        if ours != theirs:
            self.problems.append(f"{what}: {str(ours)[:500]!s}\n   recorded: {str(theirs)[:500]!s}")


def recorded_processes(lines: list[str]) -> list[tuple[str, bool, bool]]:
    found = []
    for line in lines:
        match = re.fullmatch(r"pid=(\d+) state=\S+ ppid=\d+ pgid=(\d+) sid=(\d+) tty=(\d+) cmd=(.*?) ?", line)
        assert match is not None
        if match[5] != "sleep .2":
            found.append((match[5], match[4] != "0", match[1] == match[2] == match[3]))
    return found


def seen_processes(pids: list[int]) -> list[tuple[str, bool, bool]]:
    """Describe processes by the machine's /proc: command, whether on a tty, whether leader of group and session."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z" and command != "sleep .2":
                found.append((command, fields[4] != "0", os.getpgid(pid) == os.getsid(pid) == pid))
    return found
