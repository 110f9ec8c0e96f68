"""Held shells: the exec's command that starts or finds one under dtach, and the last words of dtach that no shell has said.

Pure but for loading the script. `holder.sh` says how it works, docs/adr/0007 why. A held shell outlives its exec stream and its agent.
"""

from __future__ import annotations

from collections.abc import Sequence

from podshell.kube.marker import WRAPPER
from podshell.kube.scripts import load_script
from podshell.kube.waiter import FOLDERS

SCRIPT = load_script("holder.sh")
# What dtach writes before it attaches (dtach 0.9, attach.c: "Clear the screen").
CLEARING = b"\x1b[H\x1b[J"
# What dtach writes behind a shell's last byte: end of screen, its words, the cursor. Seen from Debian's 0.9 on a pty.
TRAILER = b"\x1b[999H\r\n[EOF - dtach terminating]\r\n\x1b[?25h"
# How long a beginning of the trailer may wait for its rest; an escape at the end of a read is almost always a program's own.
HELD_BACK_SECONDS = 0.05


def hold_command(
    shell: str, nonce: str, command: Sequence[str], *, size: tuple[int, int] | None, folders: tuple[str, ...] = FOLDERS
) -> list[str]:
    """Build the exec's command for a shell of a tools container: held when the image can, else plain. `size`: columns, rows of a tty."""
    return _command(shell, nonce, size, folders, WRAPPER, command)


def resume_command(shell: str, nonce: str, *, size: tuple[int, int] | None, folders: tuple[str, ...] = FOLDERS) -> list[str]:
    """Build the exec's command that goes on with a held shell; the marker says when there is none any more."""
    return _command(shell, nonce, size, folders, "", ())


def _command(
    shell: str, nonce: str, size: tuple[int, int] | None, folders: tuple[str, ...], wrapper: str, command: Sequence[str]
) -> list[str]:
    cols, rows = size or (0, 0)
    return [shell, "-c", SCRIPT, shell, nonce, str(cols), str(rows), " ".join(folders), wrapper, *command]


class TrailerFilter:
    """Takes dtach's trailer off the very end of a stream; every other byte passes, in order."""

    def __init__(self) -> None:
        self._held = b""

    @property
    def holds(self) -> bool:
        """Whether something waits that may become the trailer."""
        return bool(self._held)

    def receive(self, data: bytes | memoryview) -> bytes | memoryview:
        """Return what may pass on now."""
        if not self._held and b"\x1b" not in bytes(data[-len(TRAILER) :]):
            return data
        seen = self._held + bytes(data)
        keep = next((size for size in range(min(len(TRAILER), len(seen)), 0, -1) if seen.endswith(TRAILER[:size])), 0)
        self._held = seen[len(seen) - keep :]
        return seen[: len(seen) - keep]

    def release(self) -> bytes:
        """Return what waits, unless it is the whole trailer: nothing came for a while."""
        if self._held == TRAILER:
            return b""
        held, self._held = self._held, b""
        return held

    def finish(self) -> bytes:
        """Return what is left at the end of the stream: the trailer is not part of it."""
        held, self._held = self._held, b""
        return b"" if held == TRAILER else held
