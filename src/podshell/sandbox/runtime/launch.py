"""The asyncio side of the launcher process: requests go out, answers and ends of processes come back.

Owns the launcher's life.  One socket message each way; descriptors travel beside them.  When the launcher is lost every
waiting request fails, and the kernel has killed what it started.
"""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podshell.sandbox.runtime.specs import RuntimeFault

_MESSAGE_BYTES = 256 * 1024
_SOCKET_BUFFER_BYTES = 2 * 1024 * 1024  # one message holds arguments and environment of a command

Message = dict[str, Any]  # one JSON message of launcher.py


@dataclass
class Launched:
    """A running process: its pid on the machine, the exit code as Kubernetes counts, a container's own pty."""

    pid: int
    exited: asyncio.Future[int]
    pty: int | None = None


@dataclass
class _Request:
    answer: asyncio.Future[Launched]
    pty: list[int] = field(default_factory=list)


class LaunchRefused(RuntimeFault):
    """The launcher could not start the command; ``message`` is runc's text from "exec: ..." on."""


class LauncherClient:
    """Starts the launcher and asks it for processes."""

    def __init__(self, *, isolated: bool) -> None:
        self.isolated = isolated
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._requests: dict[int, _Request] = {}
        self._exits: dict[int, asyncio.Future[int]] = {}
        self._next_id = 1

    def start(self, *, remove_at_end: str | None = None) -> None:
        """Start the launcher process; it is ready at once, requests wait in its socket.

        It removes the folder ``remove_at_end`` when it ends, also after the sandbox was killed.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
        script = Path(__file__).with_name("launcher.py")
        folders = [remove_at_end] if remove_at_end is not None else []
        mode = "isolated" if self.isolated else "plain"
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(script), str(theirs.fileno()), mode, *folders],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        ours.setblocking(False)
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours, self._receive)

    async def stop(self) -> None:
        """End the launcher and, with it, everything that it started."""
        if self._process is None:
            return
        self._lose()
        process, self._process = self._process, None
        # It kills its children and ends as soon as its socket has ended.
        await asyncio.get_running_loop().run_in_executor(None, process.wait)

    async def launch(self, message: Message, descriptors: list[int]) -> Launched:
        """Start a process with these descriptors as its standard streams (one for a tty).

        The caller still owns the descriptors.  Raises: LaunchRefused.
        """
        if self._socket is None:
            raise LaunchRefused("the container runtime is down")
        loop = asyncio.get_running_loop()
        request_id = self._next_id
        self._next_id += 1
        request = self._requests[request_id] = _Request(loop.create_future())
        try:
            data = json.dumps({"id": request_id, **message}).encode()
            if len(data) > _MESSAGE_BYTES:
                raise LaunchRefused("unable to start container process: argument list too long")
            await self._send(data, descriptors)
            return await asyncio.shield(request.answer)
        except asyncio.CancelledError:
            request.answer.add_done_callback(self._kill_unwanted)
            raise
        finally:
            if request.answer.done() or not self._requests:
                self._requests.pop(request_id, None)

    def kill(self, pid: int, signal_number: int = signal.SIGKILL) -> None:
        """Signal a process started here; nothing happens when it is gone."""
        if self._socket is not None and pid in self._exits:
            data = json.dumps({"id": 0, "op": "kill", "pid": pid, "signal": int(signal_number)}).encode()
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self._socket.send(data)

    def _kill_unwanted(self, answer: asyncio.Future[Launched]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self.kill(answer.result().pid)

    async def _send(self, data: bytes, descriptors: list[int]) -> None:
        loop = asyncio.get_running_loop()
        while self._socket is not None:
            try:
                socket.send_fds(self._socket, [data], descriptors)
                return
            except BlockingIOError:
                room = asyncio.Event()
                sending = self._socket
                loop.add_writer(sending, room.set)
                try:
                    await room.wait()
                finally:
                    loop.remove_writer(sending)
            except ConnectionError as error:
                raise LaunchRefused("the container runtime is down") from error
        raise LaunchRefused("the container runtime is down")

    def _receive(self) -> None:
        assert self._socket is not None  # the reader is removed with the socket
        while self._socket is not None:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._socket, _MESSAGE_BYTES, 4, socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionError:
                data, descriptors = b"", []
            if not data:
                self._lose()
                return
            self._dispatch(json.loads(data), list(descriptors))

    def _dispatch(self, message: Message, descriptors: list[int]) -> None:
        if "exited" in message:
            future = self._exits.pop(message["exited"], None)
            if future is not None and not future.done():
                future.set_result(message["code"])
            return
        request = self._requests.get(message["id"])
        if request is None:
            return
        if "pty" in message:
            request.pty += descriptors
            return
        self._requests.pop(message["id"], None)
        if "error" in message:
            if not request.answer.done():
                request.answer.set_exception(LaunchRefused(message["error"]))
                request.answer.exception()  # a cancelled caller never looks
            return
        pid = message["pid"]
        exited = self._exits[pid] = asyncio.get_running_loop().create_future()
        if not request.answer.done():
            request.answer.set_result(Launched(pid, exited, request.pty[0] if request.pty else None))

    def _lose(self) -> None:
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        for exited in self._exits.values():
            if not exited.done():
                exited.set_result(137)
        self._exits.clear()
        for request in self._requests.values():
            if not request.answer.done():
                request.answer.set_exception(LaunchRefused("the container runtime is down"))
                request.answer.exception()
        self._requests.clear()
