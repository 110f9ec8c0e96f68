"""The wrapper that chooses a shell, under each shell that may run it, on a real pty."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
from local_shells import SHELLS, local_shell, shell_path


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return shell_path(str(request.param), tmp_path)


def _start_ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19])


def test_the_marker_names_the_process_that_becomes_the_shell(shell: str) -> None:
    with local_shell(secrets.token_hex(16), ["cat"], shell=shell) as target:
        assert target.leader.sid == target.process.pid == os.getsid(target.process.pid)
        assert target.leader.start_ticks == _start_ticks(target.process.pid)


def test_size_and_environment_are_set_before_the_command_runs(shell: str) -> None:
    nonce = secrets.token_hex(16)
    script = 'stty size; echo "$TERM $COLORTERM $LANG $PODSHELL_SESSION."; exit 7'
    with local_shell(nonce, ["sh", "-c", script], shell=shell, size=(91, 33)) as target:
        output = target.read_until(b".\r\n")
        assert b"33 91\r\n" in output
        assert f"xterm-256color truecolor C.UTF-8 {nonce}.\r\n".encode() in output
        assert b"\x1e" not in output
        assert target.process.wait() == 7


def test_a_language_that_is_set_stays(shell: str) -> None:
    env = {"PATH": os.environ["PATH"], "LC_ALL": "de_DE.UTF-8"}
    with local_shell(secrets.token_hex(16), ["sh", "-c", 'echo "[${LANG-none}]"'], shell=shell, env=env) as target:
        assert b"[none]" in target.read_until(b"]")


def test_arguments_of_a_command_pass_unchanged(shell: str) -> None:
    with local_shell(secrets.token_hex(16), ["printf", "<%s>", "a b", "", "*", "'\"$x"], shell=shell) as target:
        assert b"<a b><><*><'\"$x>" in target.read_until(b"x>")


def test_the_first_shell_of_the_list_that_is_there_runs(shell: str, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "zsh").write_text("#!/bin/sh\necho this is zsh\n")
    (folder / "zsh").chmod(0o755)
    with local_shell(secrets.token_hex(16), [], shell=shell, env={"PATH": str(folder)}) as target:
        assert b"this is zsh" in target.read_until(b"zsh")


def test_without_any_shell_in_the_path_the_wrappers_own_stays(shell: str, tmp_path: Path) -> None:
    with local_shell(secrets.token_hex(16), [], shell=shell, env={"PATH": str(tmp_path / "none"), "PS1": "$ "}) as target:
        target.type("echo $((40+2))\n")
        target.read_until(b"42")
