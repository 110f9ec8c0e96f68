"""The waiter in a root folder of its own, with namespaces as a container has them: what an image must have for it, and what it need not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from podshell.kube.waiter import NO_FOLDER_CODE, waiter_command


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An image with sh and sleep and nothing else; it has no folder for temporary files.

    Not busybox: Debian's runs its applets whether or not they have a name in PATH.
    """
    programs = {name: shutil.which(program) for name, program in (("sh", "dash"), ("sleep", "sleep"))}
    if os.geteuid() != 0 or shutil.which("unshare") is None or None in programs.values():
        pytest.skip("a root folder of its own needs root, unshare and dash")
    folder = tmp_path / "root"
    for name in ("bin", "proc", "dev"):
        (folder / name).mkdir(parents=True)
    for name, program in programs.items():
        assert program is not None
        shutil.copy(program, folder / "bin" / name)
        for library in re.findall(r"/\S+", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout):
            (folder / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, folder / library[1:])
    return folder


def run(root: Path, *, read_only: bool, user: int = 0) -> subprocess.CompletedProcess[bytes]:
    """Run a waiter for 2 seconds of patience as the first process of such a container, with a /dev as runtimes make it."""
    steps = [
        f"mount --bind {root} {root}",
        f"mount -t tmpfs -o mode=755 dev {root}/dev",
        f"mknod -m 666 {root}/dev/null c 1 3",
        *([f"mount -o remount,ro,bind {root}"] if read_only else []),
        f"mount -t proc proc {root}/proc",
        f'exec chroot --userspec {user}:{user} {root} "$0" "$@"',
    ]
    command = ["unshare", "--mount", "--pid", "--fork", "sh", "-ec", "\n".join(steps), *waiter_command(600, 2)]
    return subprocess.run(command, capture_output=True, timeout=30, env={"PATH": os.environ["PATH"] + ":/bin"})


def test_sh_and_sleep_are_enough(root: Path) -> None:
    (root / "run").mkdir()
    done = run(root, read_only=False)
    assert done.returncode == 0, done.stderr
    assert (root / "run" / ".podshell-w").stat().st_mode & 0o777 == 0o600


def test_a_read_only_root_is_enough_for_root(root: Path) -> None:
    done = run(root, read_only=True)
    assert done.returncode == 0, done.stderr


def test_another_user_of_a_read_only_root_is_told_that_no_folder_can_be_written(root: Path) -> None:
    done = run(root, read_only=True, user=65532)
    assert done.returncode == NO_FOLDER_CODE
    assert b"can be written to in this image" in done.stderr
