"""What is measured: the same terminal straight at the API server, through Podshell, by kubectl, and by terminado.

Each kind has `type(bytes)` and a queue of output; echo and bulk drive them alike.
"""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
import sys
import tty
from abc import ABC, abstractmethod
from pathlib import Path

from tests.terminal_client import TerminalClient

from podshell.kube.exec import ExecEnd, ExecStream, ExecTarget, open_exec
from podshell.kube.rest import Client

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or "kubectl"


class Terminal(ABC):
    """One open shell. Output that came is counted, and kept only as far as `expect` needs it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.received = 0
        self._tail = bytearray()
        self._arrived = asyncio.Event()

    @abstractmethod
    async def send(self, data: bytes) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    def take(self, data: bytes | memoryview) -> None:
        self.received += len(data)
        self._tail += data
        if len(self._tail) > 1 << 16:
            del self._tail[: -(1 << 12)]
        self._arrived.set()

    async def expect(self, text: bytes, seconds: float = 60) -> None:
        """Wait until `text` has come; what came before it is forgotten."""
        async with asyncio.timeout(seconds):
            while (found := self._tail.find(text)) < 0:
                self._arrived.clear()
                await self._arrived.wait()
        del self._tail[: found + len(text)]

    async def echo_seconds(self) -> float:
        """Type one byte and wait for it to come back (the far side runs a raw `cat`)."""
        loop = asyncio.get_running_loop()
        self._tail.clear()
        before = self.received
        begin = loop.time()
        await self.send(b"x")
        while self.received == before:
            self._arrived.clear()
            await self._arrived.wait()
        return loop.time() - begin


class Direct(Terminal):
    """The same exec client that the agent uses, straight at the API server."""

    def __init__(self, stream_name: str = "direct") -> None:
        super().__init__(stream_name)
        self.stream: ExecStream

    def up(self) -> None: ...

    def output(self, channel: int, data: bytes | memoryview) -> None:
        self.take(data)

    def ended(self, end: ExecEnd) -> None: ...

    @classmethod
    async def open(cls, client: Client, target: ExecTarget, command: list[str]) -> Direct:
        self = cls()
        self.stream = await open_exec(client, target, command, tty=True, size=(80, 24), receiver=self)
        return self

    async def send(self, data: bytes) -> None:
        self.stream.send_stdin(data)

    async def close(self) -> None:
        self.stream.abort()


class Through(Terminal):
    """Podshell: gateway, link, agent."""

    def __init__(self, client: TerminalClient) -> None:
        super().__init__("podshell")
        self.client = client
        client.on_output = self.take

    async def send(self, data: bytes) -> None:
        await self.client.type(data)

    async def close(self) -> None:
        await self.client.close_session()
        await self.client.wait_end()
        await self.client.__aexit__()


class Pty(Terminal):
    """A program on a local pty, such as `kubectl exec -it`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._master = -1
        self._process: asyncio.subprocess.Process

    @classmethod
    async def open(cls, name: str, command: list[str]) -> Pty:
        self = cls(name)
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self._process = await asyncio.create_subprocess_exec(*command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    def _read(self) -> None:
        try:
            self.take(os.read(self._master, 65536))
        except BlockingIOError:
            return
        except OSError:
            asyncio.get_running_loop().remove_reader(self._master)

    async def send(self, data: bytes) -> None:
        os.write(self._master, data)

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        os.close(self._master)
