"""What a session leaves as zombies to a first process that waits for nobody: they count against the container's pids limit."""

from __future__ import annotations

import contextlib
import enum
import os
import pty
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "agent"))
from local_shells import until
from unreaped import Unreaped, unreaped_container

from podshell.kube.holder import hold_command
from podshell.kube.lifeline import BEAT_LINE, END_LINE, leader_line, lifeline_command
from podshell.kube.marker import MarkerFilter, wrapper_command
from podshell.kube.waiter import waiter_command

PATIENCE, SILENCE = 1, 2


class Last(enum.Enum):
    """What a lifeline hears last."""

    END = enum.auto()
    INPUT_ENDS = enum.auto()
    NOTHING_MORE = enum.auto()

    def say(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        if self is Last.END:
            process.stdin.write(END_LINE)
        if self is not Last.NOTHING_MORE:
            process.stdin.close()


@pytest.fixture
def container() -> Iterator[Unreaped]:
    with unreaped_container() as running:
        yield running


@contextlib.contextmanager
def terminal(container: Unreaped, command: list[str], nonce: str) -> Iterator[MarkerFilter]:
    """Run a shell's exec with a terminal; it is read and not typed at. Yields when the shell has said who it is."""
    pid, master = pty.fork()
    if pid == 0:
        words = container.exec_command(command, tty=True)
        os.execvpe(words[0], words, {"PATH": os.environ["PATH"], "PS1": "$ ", "HOME": "/"})
    marker = MarkerFilter(nonce)
    os.set_blocking(master, False)

    def told() -> bool:
        with contextlib.suppress(BlockingIOError, OSError):
            marker.receive(os.read(master, 65536))
        return marker.done

    try:
        until(told, "the marker")
        yield marker
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


@contextlib.contextmanager
def lifeline(container: Unreaped, shell: str, nonce: str, mode: str = "", folder: str = "") -> Iterator[subprocess.Popen[bytes]]:
    command = lifeline_command(
        shell,
        nonce,
        mode,  # type: ignore[arg-type]  # a mode
        patience_seconds=PATIENCE,
        folders=(folder,),
        silence_seconds=SILENCE,
    )
    process = subprocess.Popen(
        container.exec_command(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"r\n"
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()


def tell(process: subprocess.Popen[bytes], *lines: bytes) -> None:
    assert process.stdin is not None
    for line in lines:
        process.stdin.write(line)
        time.sleep(0.02)  # as they come in life: one after the other


@pytest.mark.parametrize("last", Last)
def test_an_exec_session_leaves_nothing_to_wait_for(container: Unreaped, shell: str, last: Last) -> None:
    nonce = secrets.token_hex(16)
    exec_command = wrapper_command(shell, nonce, [shell], size=(80, 24))
    with terminal(container, exec_command, nonce) as marker, lifeline(container, shell, nonce) as process:
        assert marker.leader is not None
        tell(process, BEAT_LINE, leader_line(marker.leader), BEAT_LINE, BEAT_LINE)
        time.sleep(1.2)  # its child has slept once, at least
        last.say(process)
        container.until_alone()
    assert container.zombies() == []


def test_a_lifeline_that_is_killed_leaves_its_child_alone(container: Unreaped, shell: str) -> None:
    """As v4 does it to every session whose connection is lost (transcripts/orphans): somebody must be left to do the work."""
    nonce = secrets.token_hex(16)
    exec_command = wrapper_command(shell, nonce, [shell], size=(80, 24))
    with terminal(container, exec_command, nonce) as marker, lifeline(container, shell, nonce) as process:
        assert marker.leader is not None
        tell(process, BEAT_LINE, leader_line(marker.leader), BEAT_LINE)
        (inside,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(inside), signal.SIGKILL)
        container.until_alone()
    assert len(container.zombies()) == 1


@pytest.mark.skipif(shutil.which("dtach") is None, reason="dtach is not installed (make test installs it as root)")
@pytest.mark.parametrize("last", [Last.END, Last.NOTHING_MORE])
def test_a_held_session_leaves_dtach_and_its_child_alone(container: Unreaped, shell: str, folder: str, last: Last) -> None:
    """Its master belongs to nobody, and waits for no child (docs/adr/0007). Here as in a debug container with a target."""
    nonce = secrets.token_hex(16)
    command = waiter_command(600, 2, (folder,))
    waiter = subprocess.Popen(container.exec_command([shell, *command[1:]]))
    until((Path(folder) / ".podshell-w").exists, "the waiter")
    exec_command = hold_command(shell, nonce, [shell], size=(80, 24), folders=(folder,))
    with terminal(container, exec_command, nonce) as marker, lifeline(container, shell, nonce, "h", folder) as process:
        assert marker.leader is not None
        assert marker.held
        tell(process, BEAT_LINE, leader_line(marker.leader), BEAT_LINE)
        last.say(process)
        container.until_alone()
    assert waiter.wait(10) == 0
    assert sorted(container.zombies()) == sorted([Path(shell).name, "dtach"])
