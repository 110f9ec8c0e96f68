"""Starts `podshell` processes in a moment: a parent that has imported everything forks one for each.

Each child is a process of its own that runs the real command line and can be killed for good; only its imports are done already, so that
a test can afford to kill and restart it many times. Run as a script this file is the parent: it reads one JSON object a line (`argv`,
`log`) and answers with a pid. Children die with it.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


class WarmParent:
    """The parent process. Use `with`."""

    def __enter__(self) -> WarmParent:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def start(self, argv: list[str], log: Path) -> Part:
        """Start `podshell ARGV...`; what it prints is appended to `log`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"argv": argv, "log": str(log)}).encode() + b"\n")
        self._process.stdin.flush()
        return Part(argv[0], int(self._process.stdout.readline()), log)


class Part:
    """A started process."""

    def __init__(self, name: str, pid: int, log: Path) -> None:
        self.name = name
        self.pid = pid
        self.log = log
        self._descriptor = os.pidfd_open(pid)
        self.ended = False

    async def kill(self) -> None:
        """kill -9; returns when it is gone."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end; returns when it has.

        Raises:
            AssertionError: it took more than 10 s, and was killed.
        """
        try:
            async with asyncio.timeout(10):
                await self._end(signal.SIGTERM)
        except TimeoutError:
            await self._end(signal.SIGKILL)
            raise AssertionError(f"{self.name} did not end within 10 s of SIGTERM; its log:\n{self.read_log()}") from None

    def read_log(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def ask_stacks(self) -> None:
        """Have it write to its log where each of its tasks waits."""
        if not self.ended:
            signal.pidfd_send_signal(self._descriptor, signal.SIGUSR1)

    def check(self) -> None:
        """Fail when it has ended by itself."""
        assert self.ended or os.path.exists(f"/proc/{self.pid}"), f"{self.name} has ended by itself; its log:\n{self.read_log()}"

    async def _end(self, number: signal.Signals) -> None:
        if self.ended:
            return
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._descriptor, gone.set)
        try:
            signal.pidfd_send_signal(self._descriptor, number)
            await gone.wait()
        except ProcessLookupError:
            pass
        finally:
            loop.remove_reader(self._descriptor)
        self.ended = True
        os.close(self._descriptor)


def _import_everything() -> None:
    import aiosqlite  # noqa: F401  # the gateway would import it at its start
    import uvicorn.protocols.http.h11_impl  # noqa: F401  # the same
    import uvloop  # noqa: F401  # the same

    import podshell.gateway.app
    import podshell.launch.main
    import podshell.launch.parts  # noqa: F401  # all that the commands need


def _print_stacks(*_: object) -> None:
    """Say in the log where everything waits; for a process that hangs in a test."""
    for task in asyncio.all_tasks():
        task.print_stack(limit=4)


def _run_child(argv: list[str], log: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGUSR1, _print_stacks)
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, source in enumerate((nothing, output, output)):
        os.dup2(source, number)
    sys.argv = ["podshell", *argv]
    from podshell.launch.main import main

    main()


def _serve() -> None:
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; tests see the end by a pidfd
    while line := sys.stdin.readline():
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _run_child(wanted["argv"], wanted["log"])
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            finally:
                os._exit(code)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
