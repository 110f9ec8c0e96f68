"""The first process of a container whose shell is attached to, under each shell that may run it: it ends by itself in every case."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from podshell.kube.attached_shells import attached_command

NONCE = "0123456789abcdef"
WAIT_SECONDS = 30


@pytest.fixture(params=["dash", "bash", "busybox"])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """An environment whose `sh` is that shell."""
    found = shutil.which(str(request.param))
    assert found is not None, f"{request.param} is not installed"
    (tmp_path / "sh").symlink_to(found)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def start(env: dict[str, str], *command: str, ttl_seconds: int = 60, patience_seconds: int = 60) -> subprocess.Popen[bytes]:
    words = attached_command(NONCE, command, ttl_seconds=ttl_seconds, tty=False, patience_seconds=patience_seconds)
    return subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def test_it_waits_for_its_start_line_and_then_has_the_input_the_output_and_the_code(env: dict[str, str]) -> None:
    with start(env, "sh", "-c", "cat; exit 7") as process:
        output, errors = process.communicate(b"0 0\nwhat was piped\n", WAIT_SECONDS)
    assert process.returncode == 7, errors
    marker, _, rest = output.partition(b"\x1epsh:" + NONCE.encode())[2].partition(b"\x1e")
    assert (marker[:1], rest) == (b":", b"what was piped\n")


def test_it_ends_when_nobody_attaches(env: dict[str, str]) -> None:
    with start(env, "sh", "-c", "echo begun", patience_seconds=1) as process:
        code = process.wait(WAIT_SECONDS)  # its input is open all the time
        assert process.stdout is not None
        assert (process.stdout.read(), code) == (b"", 129)


def test_it_ends_when_its_time_is_over(env: dict[str, str]) -> None:
    with start(env, "sh", "-c", "trap : HUP; while :; do sleep 0.1; done", ttl_seconds=1) as process:
        assert process.stdin is not None
        process.stdin.write(b"0 0\n")
        process.stdin.flush()
        assert process.wait(WAIT_SECONDS) == 137  # it minded no HUP


def test_it_ends_when_its_input_ends_before_anybody_came(env: dict[str, str]) -> None:
    with start(env, "sh", "-c", "echo begun") as process:
        output, _ = process.communicate(b"", WAIT_SECONDS)
    assert (process.returncode, output) == (75, b"")
