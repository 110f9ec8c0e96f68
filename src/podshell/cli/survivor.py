"""A process that outlives this program and removes its node pod when it was killed: kill -9 of a command leaves no finished pod either.

It is forked before there are threads and connections, holds one end of a pipe, and reads which pods may exist. The end of the pipe is
the end of this program: what is still noted then is removed. It is no guarantee (both may be killed, the machine may lose its power): what
it cannot do, the pod's own waiter does 60 s later (docs/adr/0007).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podshell.kube.rest import Client

# How long an orderly end waits for it to be gone; it has nothing to do then.
_REAP_SECONDS = 1.0
_NOTE, _FORGET = "+", "-"


class Survivor:
    """Our end of the pipe. Cannot be made: then `note` and `forget` do nothing."""

    def __init__(self, pid: int, pipe: int) -> None:
        self._pid = pid
        self._pipe = pipe
        self._noted: set[tuple[str, str]] = set()

    @classmethod
    def fork(cls, open_client: Callable[[], Client], session: str) -> Survivor:
        """Start it. Call this while there is one thread and no event loop.

        Args:
            open_client: makes a client in the other process.
            session: the id in the label of what may be removed; nothing else is.
        """
        reading, writing = os.pipe()
        try:
            pid = os.fork()
        except OSError:  # no more processes allowed
            os.close(reading)
            os.close(writing)
            return cls(0, -1)
        if pid == 0:
            _live_on(reading, open_client, session)
        os.close(reading)
        return cls(pid, writing)

    def note(self, namespace: str, name: str) -> None:
        """From now on a pod of this name may exist."""
        self._noted.add((namespace, name))
        self._tell(_NOTE, namespace, name)

    def forget(self, namespace: str, name: str) -> None:
        """It is removed, or is to stay."""
        self._noted.discard((namespace, name))
        self._tell(_FORGET, namespace, name)

    def _tell(self, what: str, namespace: str, name: str) -> None:
        with contextlib.suppress(OSError):  # it was killed
            os.write(self._pipe, f"{what}{namespace}/{name}\n".encode())

    def close(self) -> None:
        """The end of this program. What is noted is removed from now on, without us."""
        pipe, self._pipe = self._pipe, -1
        with contextlib.suppress(OSError):
            os.close(pipe)
        deadline = time.monotonic() + (0 if self._noted else _REAP_SECONDS)
        with contextlib.suppress(ChildProcessError):
            while self._pid and os.waitpid(self._pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
                time.sleep(0.001)


def _live_on(reading: int, open_client: Callable[[], Client], session: str) -> None:
    """Never returns, nor lets an exception out: what stands above us on the stack is the program's."""
    code = 1
    try:
        os.setsid()  # what ends a terminal's processes, Ctrl-C or its closing, is not for us
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)  # they are for the program, whose end we hear of
        _keep_only(reading)
        if noted := read_noted(reading):
            from podshell.cli.last_removal import remove_noted

            remove_noted(open_client, session, noted)
        code = 0
    finally:
        os._exit(code)


def _keep_only(descriptor: int) -> None:
    """Let go of everything else that is open: whoever reads our output waits for all who could write it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    for other in map(int, os.listdir("/dev/fd")):
        if other > 2 and other != descriptor:
            with contextlib.suppress(OSError):
                os.close(other)


def read_noted(pipe: int) -> list[tuple[str, str]]:
    """Read until the other end is closed; returns what is noted and not forgotten, as namespace and name, oldest first."""
    said = bytearray()
    while piece := os.read(pipe, 65536):
        said += piece
    noted: dict[tuple[str, str], None] = {}
    for line in said.decode().splitlines():
        namespace, _, name = line[1:].partition("/")
        if line.startswith(_NOTE):
            noted[namespace, name] = None
        else:
            noted.pop((namespace, name), None)
    return list(noted)
