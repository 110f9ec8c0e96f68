"""`podshell up` as a process of its own, with an empty HOME and a desktop whose browser only writes down what it was given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

COMMAND = [sys.executable, "-m", "podshell.launch.main"]
SECONDS = 60
_BROWSER = """#!/bin/sh
cp -p "$1" "$HOME/opened.html"
printf '%s\\n' "$#" "$@" > "$HOME/opened.part"
mv "$HOME/opened.part" "$HOME/opened.args"
"""


class UpProcess:
    """A running `podshell up`; `lines` are what it printed up to the words `until`, by default when it is ready."""

    def __init__(self, folder: Path, *arguments: str, until: str = "press Enter", **environment: str) -> None:
        self.home, self.temporary = folder / "home", folder / "tmp"
        programs = folder / "programs"
        for path in (self.home, self.temporary, programs):
            path.mkdir(parents=True, exist_ok=True)
        opener = programs / "xdg-open"
        opener.write_text(_BROWSER)
        opener.chmod(0o755)
        self.process = subprocess.Popen(
            [*COMMAND, "up", "--port", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            umask=0o022,
            env=clean_environment(self.home) | {"TMPDIR": str(self.temporary), "PATH": f"{programs}:{os.environ['PATH']}"} | environment,
        )
        self.lines = self._read_until(until)

    def __enter__(self) -> UpProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "podshell"

    @property
    def url(self) -> str:
        return self.word_after("console  ")

    @property
    def link(self) -> str:
        return self.word_after("sign in  ")

    @property
    def secret(self) -> str:
        return self.link.partition("#signin=")[2]

    def word_after(self, start: str) -> str:
        return next(line.removeprefix(start) for line in self.lines if line.startswith(start))

    def sign_in(self) -> httpx.Response:
        return httpx.post(f"{self.url}/api/signin", json={"secret": self.secret}, headers={"Origin": self.url}, timeout=SECONDS)

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def press_ctrl_c(self) -> float:
        """Send what a terminal sends; returns how many seconds the process then took to end."""
        started = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(SECONDS)
        return time.monotonic() - started

    def _read_until(self, words: str) -> list[str]:
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if words in line:
                return lines
        self.process.wait(SECONDS)
        assert self.process.stderr is not None
        raise AssertionError(f"podshell up ended with {self.process.returncode}: {lines} {self.process.stderr.read()}")


def clean_environment(home: Path) -> dict[str, str]:
    """Return this process's environment without anything that configures Podshell or kubectl."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PODSHELL_", "XDG_", "KUBE"))}
    return kept | {"HOME": str(home), "DISPLAY": ":none"}


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait for processes to end and return those that have not."""
    _, alive = psutil.wait_procs(processes, timeout=SECONDS)
    return [one for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
