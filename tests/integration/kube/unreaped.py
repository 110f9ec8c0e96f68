"""A container whose first process waits for nobody: orphans that end there stay as zombies, and can be counted."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from local_shells import until

# As runc's exec: a process of the container's namespaces, leader of its own session, whose parent is outside.
_EXEC = ("setsid",)
_EXEC_TTY = ("setsid", "--ctty")


@dataclass(frozen=True)
class Unreaped:
    """The container. `first`: its first process as this machine counts."""

    first: int

    def exec_command(self, command: list[str], *, tty: bool = False) -> list[str]:
        """Return what runs `command` in it."""
        return ["nsenter", "--target", str(self.first), "--pid", "--mount", "--", *(_EXEC_TTY if tty else _EXEC), *command]

    def zombies(self) -> list[str]:
        """The names of what its first process should have waited for, and of nobody else."""
        return [name for name, state, parent in self._inside() if state == "Z" and parent == self.first]

    def until_alone(self) -> None:
        """Wait until nothing lives in it beside its first process."""
        until(lambda: all(state in "ZX" for _, state, _ in self._inside()), "the end of all but the first process")

    def _inside(self) -> list[tuple[str, str, int]]:
        """Name, state and parent of all but its first process."""
        inside = os.readlink(f"/proc/{self.first}/ns/pid")
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != self.first:
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{entry}/ns/pid") == inside:
                        text = Path(f"/proc/{entry}/stat").read_text("utf-8", "replace")
                        state, parent = text.rpartition(") ")[2].split()[:2]
                        found.append((text[text.index("(") + 1 : text.rindex(")")], state, int(parent)))
        return found


@contextlib.contextmanager
def unreaped_container() -> Iterator[Unreaped]:
    """Make one: pid and mount namespaces of its own, and `sleep` as the first process. It takes all that is in it with it."""
    if os.geteuid() != 0 or any(shutil.which(program) is None for program in ("unshare", "nsenter", "setsid")):
        pytest.skip("namespaces of its own need root, unshare, nsenter and setsid")
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sleep", "600"]
    outer = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
    try:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")

        def sleeps() -> bool:
            pids = children.read_text().split()
            return bool(pids) and Path(f"/proc/{pids[0]}/comm").read_text() == "sleep\n"

        until(sleeps, "the container's first process")
        yield Unreaped(int(children.read_text().split()[0]))
    finally:
        outer.kill()
        outer.wait()
