"""Waiter, lifeline and holder on real processes, under each shell that a tools image may have; what lives is read from /proc."""

from __future__ import annotations

import contextlib
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
from local_shells import alive, carriers, living, until

from podshell.kube.holder import TRAILER, hold_command, resume_command
from podshell.kube.lifeline import lifeline_command
from podshell.kube.marker import MarkerFilter
from podshell.kube.waiter import NO_FOLDER_CODE, waiter_command

PATIENCE = 2

needs_dtach = pytest.mark.skipif(shutil.which("dtach") is None, reason="dtach is not installed (make test installs it as root)")


@contextlib.contextmanager
def waiter(shell: str, folder: str, *, ttl: int = 600, patience: int = PATIENCE, grace: int = 60) -> Iterator[subprocess.Popen[bytes]]:
    command = waiter_command(ttl, patience, ("/nonexistent", folder), grace_seconds=grace)
    process = subprocess.Popen([shell, *command[1:]], stderr=subprocess.PIPE, start_new_session=True)
    until(lambda: process.poll() is not None or (Path(folder) / ".podshell-w").exists(), "the waiter")
    try:
        yield process
    finally:
        for left in living(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left.pid, signal.SIGKILL)
        process.wait()


class Lifeline:
    def __init__(self, shell: str, folder: str, nonce: str, mode: str = "h", *, first_lines: tuple[bytes, ...] = (b"r\n",)) -> None:
        command = lifeline_command(shell, nonce, mode, patience_seconds=PATIENCE, folders=(folder,))  # type: ignore[arg-type]  # a mode
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        assert self.first_line in first_lines

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()

    def drop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Attached:
    """An exec on a pty of its own, as a runtime gives it."""

    def __init__(self, command: list[str]) -> None:
        pid, self.master = pty.fork()
        if pid == 0:
            os.execvpe(command[0], command, {"PATH": os.environ["PATH"], "PS1": "$ ", "HOME": "/"})
        self.pid = pid
        self.output = bytearray()
        self.marker = MarkerFilter(command[4])
        os.set_blocking(self.master, False)
        until(lambda: self._read() or self.marker.done, "the marker")

    def _read(self) -> bool:
        with contextlib.suppress(BlockingIOError, OSError):
            data = os.read(self.master, 65536)
            self.output += data if self.marker.done else self.marker.receive(data)
        return False

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def read_until(self, text: bytes) -> None:
        until(lambda: self._read() or text in self.output, f"{text!r} in {bytes(self.output)!r}")

    def wait(self) -> int:
        """Read to the end; returns the exit code."""
        while True:
            self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._read()
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)


@pytest.fixture
def nonce() -> Iterator[str]:
    value = secrets.token_hex(16)
    yield value
    for process in carriers(value):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def test_a_waiter_that_nobody_joins_ends(shell: str, folder: str) -> None:
    with waiter(shell, folder) as process:
        assert process.wait(PATIENCE + 10) == 0


def test_a_waiter_lives_as_long_as_a_lifeline_and_not_much_longer(shell: str, folder: str, nonce: str) -> None:
    with waiter(shell, folder) as process:
        lifeline = Lifeline(shell, folder, nonce, "w")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2.5 * PATIENCE)
        lifeline.kill()
        assert process.wait(PATIENCE + 10) == 0


def test_whoever_joins_a_waiter_that_is_about_to_end_is_refused_or_keeps_it(shell: str, tmp_path: Path, nonce: str) -> None:
    """Six of them, met around the moment at which their patience is over: nobody is told that they are ready and loses it then."""
    with contextlib.ExitStack() as stack:
        waiters = []
        for number in range(6):
            (folder := tmp_path / str(number)).mkdir()
            waiters.append((stack.enter_context(waiter(shell, str(folder), patience=1)), str(folder), time.monotonic()))
        met = []
        for number, (process, folder, started) in enumerate(waiters):
            time.sleep(max(0.0, started + 0.9 + 0.04 * number - time.monotonic()))  # the moment is what this is about
            if process.poll() is None:
                met.append((process, Lifeline(shell, folder, nonce, "w", first_lines=(b"r\n", b"c\n"))))
        time.sleep(1.5)  # longer than the patience of those that were not kept
        for process, lifeline in met:
            assert lifeline.first_line == b"c\n" or process.poll() is None
            lifeline.kill()


def test_a_waiter_that_is_about_to_end_takes_nobody(shell: str, folder: str, nonce: str) -> None:
    (Path(folder) / ".podshell-w").touch()  # as it leaves its mark before its last look
    lifeline = Lifeline(shell, folder, nonce, "w", first_lines=(b"c\n",))
    assert lifeline.process.wait(10) == 3


def test_a_waiter_ends_when_its_time_is_up_whoever_is_there(shell: str, folder: str, nonce: str) -> None:
    with waiter(shell, folder, ttl=2, patience=4) as process:
        lifeline = Lifeline(shell, folder, nonce, "w")
        assert process.wait(15) == 0
        lifeline.kill()


def test_a_waiter_that_is_stopped_is_killed_when_its_time_is_up(shell: str, folder: str) -> None:
    """Beside a target's processes anybody there can stop it; its end is the container's (runc kills what is left in that)."""
    with waiter(shell, folder, ttl=1, patience=60, grace=1) as process:
        process.send_signal(signal.SIGSTOP)
        assert process.wait(15) == -signal.SIGKILL
        until(lambda: living(process.pid) == [], "the end of what it had started")


def test_nothing_of_a_waiter_stays(shell: str, folder: str) -> None:
    for ended_by in (signal.SIGTERM, 0):
        with waiter(shell, folder, patience=1) as process:
            until(lambda process=process: len(living(process.pid)) >= 4, "its timer, and both their sleeps")  # type: ignore[misc]  # mypy: lambda with a default
            if ended_by:
                process.send_signal(ended_by)
            assert process.wait(15) == 0
            assert living(process.pid) == []


def test_a_waiter_without_a_folder_says_so(shell: str, tmp_path: Path) -> None:
    command = waiter_command(600, PATIENCE, (str(tmp_path / "missing"),))
    done = subprocess.run([shell, *command[1:]], capture_output=True, timeout=20)
    assert done.returncode == NO_FOLDER_CODE
    assert b"none of" in done.stderr


def test_a_waiter_heeds_the_signal_that_stops_a_container(shell: str, folder: str) -> None:
    with waiter(shell, folder, patience=60) as process:
        process.terminate()
        assert process.wait(6) == 0


@needs_dtach
def test_a_held_shell_keeps_its_state_and_tells_its_exit_code(shell: str, folder: str, nonce: str) -> None:
    with waiter(shell, folder, patience=60):
        first = Attached(hold_command(shell, nonce, [shell], size=(91, 33), folders=(folder,)))
        assert first.marker.held
        first.type("X=kept; stty size\n")
        first.read_until(b"33 91")
        second = Attached(resume_command(shell, nonce, size=(80, 24), folders=(folder,)))
        assert second.marker.leader == first.marker.leader
        assert first.wait() != 0  # the client that had lost its stream is gone
        second.type("echo $X-$X; stty size; exit 7\n")
        second.read_until(b"kept-kept")
        assert second.wait() == 7
        assert b"24 80" in second.output
        assert bytes(second.output).endswith(TRAILER)
        third = Attached(resume_command(shell, nonce, size=(80, 24), folders=(folder,)))
        assert third.wait() == 7  # also for who comes when it has ended


@needs_dtach
def test_a_held_shell_that_exits_with_jobs_ends_with_its_code_and_takes_them_with_it(shell: str, folder: str, nonce: str) -> None:
    """dtach itself would wait until the last of them has closed the terminal."""
    with waiter(shell, folder, patience=60):
        attached = Attached(hold_command(shell, nonce, [shell], size=(80, 24), folders=(folder,)))
        leader = attached.marker.leader
        assert leader is not None
        attached.type("sleep 1731 &\n(trap '' HUP; exec sleep 1732) &\necho star''ted; exit 7\n")
        assert attached.wait() == 7
        assert b"started" in attached.output
        assert living(leader.sid) == []


@needs_dtach
def test_output_without_a_newline_is_not_lost_at_the_end(shell: str, folder: str, nonce: str) -> None:
    with waiter(shell, folder, patience=60):
        attached = Attached(hold_command(shell, nonce, ["sh", "-c", "printf 'no newline'; exit 3"], size=(80, 24), folders=(folder,)))
        assert attached.wait() == 3
        assert bytes(attached.output).removesuffix(TRAILER).endswith(b"no newline")


@needs_dtach
def test_a_held_shell_waits_for_the_next_lifeline_and_then_ends(shell: str, folder: str, nonce: str) -> None:
    with waiter(shell, folder, patience=60):
        attached = Attached(hold_command(shell, nonce, [shell], size=(80, 24), folders=(folder,)))
        leader = attached.marker.leader
        assert leader is not None
        first = Lifeline(shell, folder, nonce)
        first.tell(f"s {leader.sid} {leader.start_ticks}\n")
        first.drop()
        second = Lifeline(shell, folder, nonce)
        second.tell(f"s {leader.sid} {leader.start_ticks}\n")
        assert first.process.wait(PATIENCE + 10) == 0
        assert alive(leader.sid)
        second.drop()
        until(lambda: living(leader.sid) == [], "the end of the shell that nobody came for")
        second.process.wait(10)


@needs_dtach
def test_end_ends_a_held_shell_at_once(shell: str, folder: str, nonce: str) -> None:
    with waiter(shell, folder, patience=60):
        attached = Attached(hold_command(shell, nonce, [shell], size=(80, 24), folders=(folder,)))
        leader = attached.marker.leader
        assert leader is not None
        lifeline = Lifeline(shell, folder, nonce)
        lifeline.tell(f"s {leader.sid} {leader.start_ticks}\nend\n")
        assert lifeline.process.wait(10) == 0
        assert living(leader.sid) == []


def test_without_a_waiter_or_a_holder_the_shell_is_a_plain_one(shell: str, tmp_path: Path, nonce: str) -> None:
    attached = Attached(hold_command(shell, nonce, ["sh", "-c", "exit 5"], size=(80, 24), folders=(str(tmp_path),)))
    assert not attached.marker.held
    assert attached.wait() == 5
    gone = Attached(resume_command(shell, nonce, size=(80, 24), folders=(str(tmp_path),)))
    assert gone.marker.gone
    assert gone.wait() == 0
