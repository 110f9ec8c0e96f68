"""Starts our command-line programs in a moment: a process that has imported all that they need forks one for each.

What a test gets is a process of its own with the real program's arguments, environment, files, terminal, signals and exit code; only its
imports are done already. How long those take is measured elsewhere (tests/integration/launch/test_help.py). Run as a script this file is
the parent; its standard input is the socket.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import fcntl
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_MESSAGE_BYTES = 1 << 20
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
_NAMES = ("podshell", "kubectl-shell", "kubectl-podshell")


class WarmProcess:
    """A started program, as `asyncio.subprocess.Process` has it; what is no pipe of ours is None."""

    def __init__(self, pid: int, status: asyncio.StreamReader, opened: list[asyncio.BaseTransport]) -> None:
        self.pid = pid
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self.returncode: int | None = None
        self._opened = opened
        self._ending = asyncio.ensure_future(self._await_end(status))

    async def wait(self) -> int:
        """Wait for its end; negative: the signal that ended it."""
        return await asyncio.shield(self._ending)

    async def communicate(self, data: bytes = b"") -> tuple[bytes, bytes]:
        """Write `data` and the end of it, read all that it prints, and wait for its end."""
        output, errors, _ = await asyncio.gather(_read_all(self.stdout), _read_all(self.stderr), self._write(data))
        await self.wait()
        return output, errors

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def _write(self, data: bytes) -> None:
        if self.stdin is None:
            return
        try:
            self.stdin.write(data)
            await self.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # it does not read to the end
        self.stdin.close()

    async def _await_end(self, status: asyncio.StreamReader) -> int:
        self.returncode = int(await status.readline())
        for transport in self._opened[:1]:
            transport.close()
        return self.returncode


async def _read_all(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.read() if stream is not None else b""


async def start_program(
    program: str | Path,
    words: Sequence[str],
    env: Mapping[str, str],
    *,
    files: tuple[int | None, int | None, int | None] = (None, None, None),
    terminal: bool = False,
) -> WarmProcess | asyncio.subprocess.Process:
    """Start `podshell`, `kubectl-shell` or `kubectl-podshell`; another program, or with another Python path, as everybody does.

    Args:
        files: its standard input, output and error; None: a pipe to the test. They stay the caller's.
        terminal: its standard input becomes the controlling terminal of a new session.
    """
    if Path(program).name not in _NAMES or env.get("PYTHONPATH") != os.environ.get("PYTHONPATH"):
        ours = [file if file is not None else subprocess.PIPE for file in files]
        return await asyncio.create_subprocess_exec(
            str(program),
            *words,
            env=dict(env),
            stdin=ours[0],
            stdout=ours[1],
            stderr=ours[2],
            start_new_session=terminal,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if terminal else None,
        )
    status, its_status = os.pipe()
    pipes = [os.pipe() if file is None else None for file in files]
    its_ends = [
        file if file is not None else pipe[0 if number == 0 else 1]
        for number, (file, pipe) in enumerate(zip(files, pipes, strict=True))
        if file is not None or pipe is not None
    ]
    wanted = {"argv": [str(program), *words], "env": dict(env), "cwd": os.getcwd(), "terminal": terminal}
    socket.send_fds(_parent(), [json.dumps(wanted).encode()], [*its_ends, its_status])
    for descriptor in (its_status, *(end for end, file in zip(its_ends, files, strict=True) if file is None)):
        os.close(descriptor)
    opened: list[asyncio.BaseTransport] = []
    said = await _reader(status, opened)
    process = WarmProcess(int(await said.readline()), said, opened)
    stdin, stdout, stderr = pipes
    if stdin is not None:
        process.stdin = await _writer(stdin[1])
    process.stdout = await _reader(stdout[0], opened) if stdout is not None else None
    process.stderr = await _reader(stderr[0], opened) if stderr is not None else None
    return process


async def _reader(descriptor: int, opened: list[asyncio.BaseTransport]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    make = functools.partial(asyncio.StreamReaderProtocol, reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(make, os.fdopen(descriptor, "rb", 0))
    opened.append(transport)
    return reader


async def _writer(descriptor: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(descriptor, "wb", 0))
    return asyncio.StreamWriter(transport, protocol, None, loop)


@functools.cache
def _parent() -> socket.socket:
    """Start the parent of this process's programs; it ends with this process."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen([sys.executable, __file__], stdin=its, start_new_session=True)
    its.close()

    def end() -> None:
        ours.close()
        process.wait(10)

    atexit.register(end)
    return ours


# -- the parent ---------------------------------------------------------------------------------------------------------


def _programs() -> dict[str, Callable[[], object]]:
    import podshell.cli
    import podshell.cli.plugin
    import podshell.launch.main

    for module in pkgutil.iter_modules(podshell.cli.__path__, "podshell.cli."):
        importlib.import_module(module.name)
    shell = podshell.cli.plugin.main
    return dict(zip(_NAMES, (podshell.launch.main.main, shell, shell), strict=True))


def _serve(requests: socket.socket) -> tuple[Callable[[], object], int] | None:
    """Fork a process for each request; returns in each of them what it is to run, and None here at the end."""
    programs = _programs()
    gc.freeze()  # what is shared stays shared
    statuses: dict[int, tuple[int, int]] = {}  # by pidfd: the pid, and where its end is told
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != requests.fileno():
                poll.unregister(ready)
                pid, status = statuses.pop(ready)
                os.write(status, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                os.close(status)
                os.close(ready)
                continue
            message, files, _, _ = socket.recv_fds(requests, _MESSAGE_BYTES, 4)
            if not message:
                return None
            wanted = json.loads(message)
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # they are for the program, once it is one
            pid = os.fork()
            if pid == 0:
                requests.close()
                for one, (_, status) in statuses.items():
                    os.close(one)
                    os.close(status)
                _become(wanted, files)
                return programs[Path(wanted["argv"][0]).name]
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            for file in files[:3]:
                os.close(file)
            os.write(files[3], b"%d\n" % pid)
            descriptor = os.pidfd_open(pid)
            statuses[descriptor] = (pid, files[3])
            poll.register(descriptor, select.POLLIN)


def _become(wanted: dict[str, Any], files: Sequence[int]) -> None:
    """Be what exec would have made of this process."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    if wanted["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    sys.argv = wanted["argv"]
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False), encoding="utf-8")
    sys.stdout = sys.__stdout__ = _printing(1)
    sys.stderr = sys.__stderr__ = _printing(2)


def _printing(number: int) -> io.TextIOWrapper:
    lines = number == 2 or os.isatty(number)
    errors = "backslashreplace" if number == 2 else "strict"
    return io.TextIOWrapper(os.fdopen(number, "wb", closefd=False), encoding="utf-8", errors=errors, line_buffering=lines)


if __name__ == "__main__":
    found = _serve(socket.socket(fileno=os.dup(0)))
    if found is not None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        sys.exit(found())
