"""The lifeline's script on real processes, under each of the three shells that it may meet; what lives is read from /proc by the test."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from pathlib import Path

import pytest
from local_shells import SHELLS, alive, carriers, living, local_lifeline, local_shell, shell_path, until

from podshell.kube.lifeline import BEAT_LINE
from podshell.kube.marker import Leader

_STUBBORN = "trap '' HUP INT TERM QUIT; echo stub''born; while :; do sleep 1; done"


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return shell_path(str(request.param), tmp_path)


@pytest.fixture
def nonce() -> str:
    return secrets.token_hex(16)


def test_end_kills_the_shell_background_jobs_and_what_ignores_hup_and_int(shell: str, nonce: str) -> None:
    with local_shell(nonce, [], shell=shell) as target, local_lifeline(nonce, shell=shell) as lifeline:
        target.type(f'sleep 1001 & sh -c "{_STUBBORN}"\n')
        target.read_until(b"stubborn")
        lifeline.guard(target.leader)
        assert len(living(target.leader.sid)) >= 3
        lifeline.tell(b"end\n")
        report = lifeline.report()
        assert living(target.leader.sid) == []
        assert report.done
        assert len(report.killed) >= 3
        assert report.unkilled == []
        assert report.left == []


def test_a_raw_mode_program_is_killed_when_the_lifelines_input_ends(shell: str, nonce: str) -> None:
    program = (
        "import signal,sys,tty\nfor s in (1,2,3,15): signal.signal(s, signal.SIG_IGN)\n"
        "tty.setraw(0)\nsys.stdout.write('raw' + 'mode')\nsys.stdout.flush()\nwhile True: sys.stdin.read(1)"
    )
    with local_shell(nonce, [sys.executable, "-c", program], shell=shell) as target, local_lifeline(nonce, shell=shell) as lifeline:
        target.read_until(b"rawmode")
        lifeline.guard(target.leader)
        lifeline.drop()
        assert lifeline.report().done
        assert living(target.leader.sid) == []


def test_a_daemon_that_left_by_setsid_lives_and_is_named(shell: str, nonce: str) -> None:
    with local_shell(nonce, ["sh"], shell=shell) as target, local_lifeline(nonce, shell=shell) as lifeline:
        target.type("setsid sleep 1002 & echo gone''away\n")
        target.read_until(b"goneaway")
        until(lambda: any(p.name == "sleep" and p.sid != target.leader.sid for p in carriers(nonce)), "the daemon")
        daemon = next(p for p in carriers(nonce) if p.name == "sleep")
        lifeline.guard(target.leader)
        lifeline.tell(b"end\n")
        report = lifeline.report()
        assert report.left == [f"sleep (pid {daemon.pid})"]
        assert alive(daemon.pid)
        assert living(target.leader.sid) == []


def test_without_a_word_about_the_leader_it_is_found_by_the_nonce(shell: str, nonce: str) -> None:
    with local_shell(nonce, ["sh"], shell=shell) as target, local_lifeline(nonce, shell=shell) as lifeline:
        lifeline.drop()
        assert lifeline.report().killed == [f"sh (pid {target.leader.sid})"]
        assert living(target.leader.sid) == []


def test_a_leader_with_another_start_time_is_not_touched(shell: str, nonce: str) -> None:
    other = secrets.token_hex(16)
    with local_shell(other, ["sleep", "1003"], shell=shell) as stranger, local_lifeline(nonce, shell=shell) as lifeline:
        lifeline.guard(Leader(stranger.leader.sid, stranger.leader.start_ticks - 1))
        lifeline.tell(b"end\n")
        report = lifeline.report()
        assert report.killed == []
        assert report.unkilled == [f"sleep (pid {stranger.leader.sid}, not proven to belong to the session)"]
        assert alive(stranger.leader.sid)


def test_a_session_that_is_over_at_once_is_reported_at_once(shell: str, nonce: str) -> None:
    """Its watch, and the one before that, have just begun to sleep: a signal that either does not hear would cost 5 s."""
    for _ in range(8):
        with local_lifeline(nonce, shell=shell) as lifeline:
            begin = time.monotonic()
            lifeline.tell(b"p\ns 999999 5\nend\n")
            assert lifeline.report().done
            assert time.monotonic() - begin < 4


def test_jobs_are_killed_when_their_shell_has_ended_before(shell: str, nonce: str) -> None:
    with local_shell(nonce, ["sh"], shell=shell) as target, local_lifeline(nonce, shell=shell) as lifeline:
        lifeline.guard(target.leader)
        target.type("(trap '' HUP; sleep 1004) & echo star''ted; exit\n")
        target.read_until(b"started")
        target.process.wait()
        until(lambda: bool(living(target.leader.sid)), "the job")
        lifeline.tell(b"end\n")
        assert lifeline.report().done
        assert living(target.leader.sid) == []


def test_when_the_lifeline_itself_is_killed_its_child_does_the_work(shell: str, nonce: str) -> None:
    """As a lost connection does on v4 (transcripts/orphans/nontty-sh-background.v4)."""
    with local_shell(nonce, [], shell=shell) as target, local_lifeline(nonce, shell=shell) as lifeline:
        target.type("sleep 1005 & echo star''ted\n")
        target.read_until(b"started")
        lifeline.guard(target.leader)
        sid = lifeline.process.pid
        until(lambda: sum(p.name != "sleep" for p in living(sid)) == 2, "the child")
        os.kill(sid, signal.SIGKILL)
        until(lambda: living(target.leader.sid) == [], "the end of the session")
        until(lambda: living(sid) == [], "the end of the child")


def test_a_process_whose_name_holds_newlines_and_brackets_is_killed(shell: str, nonce: str) -> None:
    program = "import ctypes,time\nctypes.CDLL(None).prctl(15, b'a) Z 1\\n1 (b', 0, 0, 0)\nprint('na'+'med', flush=True)\ntime.sleep(1000)"
    with local_shell(nonce, [sys.executable, "-c", program], shell=shell) as target, local_lifeline(nonce, shell=shell) as lifeline:
        target.read_until(b"named")
        lifeline.guard(target.leader)
        lifeline.tell(b"end\n")
        assert len(lifeline.report().killed) == 1
        assert living(target.leader.sid) == []


def test_nothing_of_the_lifeline_itself_stays(shell: str, nonce: str) -> None:
    with local_shell(nonce, ["sh"], shell=shell) as target, local_lifeline(nonce, shell=shell) as lifeline:
        lifeline.guard(target.leader)
        lifeline.tell(b"end\n")
        lifeline.report()
        until(lambda: living(lifeline.process.pid) == [], "the end of the lifeline")


def test_a_client_that_is_not_heard_any_more_is_lost(shell: str, nonce: str) -> None:
    """As when its network vanishes: nothing ends its input."""
    with local_shell(nonce, ["sh"], shell=shell) as target, local_lifeline(nonce, shell=shell, silence_seconds=2) as lifeline:
        lifeline.tell(BEAT_LINE)
        lifeline.guard(target.leader)
        report = lifeline.report()
        assert report.unheard
        assert report.killed == [f"sh (pid {target.leader.sid})"]
        assert report.done
        assert living(target.leader.sid) == []
        assert living(lifeline.process.pid) == []


def test_who_is_heard_is_not_lost_and_who_never_was_neither(shell: str, nonce: str) -> None:
    with (
        local_shell(nonce, ["sh"], shell=shell) as target,
        local_lifeline(nonce, shell=shell, silence_seconds=2) as lifeline,
        local_lifeline(nonce, shell=shell, silence_seconds=2) as quiet,
    ):
        lifeline.guard(target.leader)
        quiet.guard(target.leader)
        end = time.monotonic() + 3.5  # what is shown is that nothing comes
        while time.monotonic() < end:
            lifeline.tell(BEAT_LINE)
            time.sleep(0.25)
        assert alive(target.leader.sid)
        assert lifeline.process.poll() is None
        assert quiet.process.poll() is None
        lifeline.tell(b"end\n")
        report = lifeline.report()
        assert report.done
        assert not report.unheard


def test_when_the_lifeline_itself_is_stopped_its_child_does_the_work(shell: str, nonce: str) -> None:
    with local_shell(nonce, ["sh"], shell=shell) as target, local_lifeline(nonce, shell=shell, silence_seconds=2) as lifeline:
        lifeline.tell(BEAT_LINE)
        lifeline.guard(target.leader)
        until(lambda: sum(p.name != "sleep" for p in living(lifeline.process.pid)) == 2, "the child")
        os.kill(lifeline.process.pid, signal.SIGSTOP)
        until(lambda: living(target.leader.sid) == [], "the end of the session")
        until(lambda: living(lifeline.process.pid) == [], "the end of the child")
