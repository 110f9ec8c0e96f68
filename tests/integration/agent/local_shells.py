"""Stand-ins for a container's exec: the real wrapper and lifeline as local processes, each a session leader as under containerd."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from podshell.kube.lifeline import SILENCE_SECONDS, LifelineReport, ReportReader, leader_line, lifeline_command
from podshell.kube.marker import Leader, MarkerFilter, wrapper_command

SHELLS = ("dash", "bash", "ash")
PATIENCE_SECONDS = 30.0


def shell_path(name: str, folder: Path) -> str:
    """Return a path at which `name` is that shell; ash is busybox's."""
    target = shutil.which("busybox" if name == "ash" else name)
    assert target is not None, f"{name} is not installed"
    link = folder / name
    if not link.exists():
        link.symlink_to(target)
    return str(link)


def until(condition: Callable[[], bool], what: str) -> None:
    """Look at the state of processes, which tell nobody of their changes, until `condition` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not in {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Process:
    pid: int
    state: str
    sid: int
    name: str


def processes() -> list[Process]:
    """Read all of /proc from outside."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                text = Path(f"/proc/{entry}/stat").read_text("utf-8", "replace")
                name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
                found.append(Process(int(entry), rest[0], int(rest[3]), name))
    return found


def living(sid: int) -> list[Process]:
    return [p for p in processes() if p.sid == sid and p.state not in "ZX"]


def alive(pid: int) -> bool:
    return any(p.pid == pid and p.state not in "ZX" for p in processes())


@dataclass
class LocalShell:
    """A shell behind the wrapper on a pty."""

    process: subprocess.Popen[bytes]
    master: int
    leader: Leader
    output: bytearray = field(default_factory=bytearray)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def read_until(self, text: bytes) -> bytes:
        until(lambda: self._read() or text in self.output, f"{text!r} in {bytes(self.output)!r}")
        return bytes(self.output)

    def _read(self) -> bool:
        with contextlib.suppress(BlockingIOError, OSError):
            self.output += os.read(self.master, 65536)
        return False


@contextlib.contextmanager
def local_shell(
    nonce: str, command: list[str], *, shell: str = "sh", size: tuple[int, int] = (91, 33), env: dict[str, str] | None = None
) -> Iterator[LocalShell]:
    """Run the wrapper on a pty of its own; kill what is left at the end."""
    master, slave = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        wrapper_command(shell, nonce, command, size=size),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=take_terminal,
        env=env if env is not None else {"PATH": os.environ["PATH"], "PS1": "$ "},
    )
    os.close(slave)
    os.set_blocking(master, False)
    marker, seen = MarkerFilter(nonce), bytearray()

    def marked() -> bool:
        with contextlib.suppress(BlockingIOError):
            seen.extend(marker.receive(os.read(master, 65536)))
        return marker.done

    try:
        until(marked, "the marker")
        assert marker.leader is not None
        yield LocalShell(process, master, marker.leader, seen)
    finally:
        for left in [*living(process.pid), *carriers(nonce)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(left.pid, signal.SIGKILL)
        process.wait()
        os.close(master)


def carriers(nonce: str) -> list[Process]:
    """Processes whose environment holds the nonce."""
    found = []
    for process in processes():
        with contextlib.suppress(OSError):
            if nonce.encode() in Path(f"/proc/{process.pid}/environ").read_bytes():
                found.append(process)
    return found


@dataclass
class LocalLifeline:
    process: subprocess.Popen[bytes]
    reader: ReportReader

    def tell(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def guard(self, leader: Leader) -> None:
        self.tell(leader_line(leader))

    def drop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def report(self) -> LifelineReport:
        """Read up to the end of its output."""
        assert self.process.stdout is not None
        self.reader.receive(self.process.stdout.read())
        self.process.wait(PATIENCE_SECONDS)
        return self.reader.report


@contextlib.contextmanager
def local_lifeline(nonce: str, *, shell: str, silence_seconds: int = SILENCE_SECONDS) -> Iterator[LocalLifeline]:
    """Run the lifeline with pipes, and wait until it is ready. Its child looks every second instead of every 5 s."""
    command = lifeline_command(shell, nonce, patience_seconds=1, silence_seconds=silence_seconds)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    reader = ReportReader()
    try:
        assert process.stdout is not None
        reader.receive(process.stdout.readline())
        assert reader.report.ready
        yield LocalLifeline(process, reader)
    finally:
        with contextlib.suppress(BrokenPipeError):
            assert process.stdin is not None
            process.stdin.close()
        for left in living(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
