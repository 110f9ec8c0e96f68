"""What is measured: the same terminal straight at the API server, through Podshell, by kubectl, and by terminado.

Each kind has `type(bytes)` and a queue of output; echo and bulk drive them alike.
"""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
import sys
import time
import tty
from abc import ABC, abstractmethod
from pathlib import Path

from tests.terminal_client import Api

from bench.viewer import Viewer
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

    async def expect_between(self, begin: bytes, end: bytes, seconds: float) -> bytes:
        """Wait until `begin`, something and `end` have come; returns the something."""
        async with asyncio.timeout(seconds):
            while True:
                _, found, rest = bytes(self._tail).rpartition(begin)
                if found and (stop := rest.find(end)) >= 0:
                    return rest[:stop]
                self._arrived.clear()
                await self._arrived.wait()

    async def echo_seconds(self) -> float:
        """Type one byte and wait for it to come back (the far side runs a raw `cat`)."""
        self._tail.clear()
        before = self.received
        begin = time.perf_counter()  # uvloop's own clock counts milliseconds
        await self.send(b"x")
        while self.received == before:
            self._arrived.clear()
            await self._arrived.wait()
        return time.perf_counter() - begin


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

    def __init__(self) -> None:
        super().__init__("podshell")
        self.viewer: Viewer
        self._session = ""
        self._api: Api

    @classmethod
    async def open(
        cls,
        api: Api,
        cluster: str,
        target: ExecTarget,
        command: list[str],
        *,
        window: int = 256 * 1024,
        visible: bool = True,
        acknowledge: bool = True,
    ) -> Through:
        self = cls()
        where = {"cluster": cluster, "namespace": target.namespace, "pod": target.pod, "container": target.container}
        self._api = api
        self._session, ticket = await api.open_session(**where, command=command, tty=True, cols=80, rows=24)
        self.viewer = await Viewer.open(api, self._session, ticket, self.take, window=window, visible=visible, acknowledge=acknowledge)
        return self

    async def head_now(self) -> int:
        """How many bytes the session has put out, as a second viewer is told when it attaches."""
        ticket = await self._api.ticket(self._session)
        look = await Viewer.open(self._api, self._session, ticket, lambda _data: None, window=16 * 1024, visible=False, acknowledge=False)
        look.drop()
        return look.attached.result().head

    async def send(self, data: bytes) -> None:
        self.viewer.type(data)

    async def close(self) -> None:
        self.viewer.acknowledge = True  # the end comes behind the last byte
        self.viewer.acknowledge_now()
        await self.viewer.close_session()


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
