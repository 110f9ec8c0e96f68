"""The local terminal in raw mode, restored whatever happens short of SIGKILL: `restore` runs in `finally`, at exit, and before a stop."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import termios
import tty

# What a remote program may have left on: mouse, focus, paste and keypad modes, a hidden cursor, colours, a character set, a scrolling
# region, the alternate screen (tunnel.md 6 "Reset modes"). Each is without effect where it was not set: the cursor is saved before what
# would move it (DECSC, then DECSTBM and DECRC, or 1049, which restores it itself and has a cursor of its own for each screen).
RESET_SEQUENCE = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h\x1b[0m\x1b(B\x1b7\x1b[r\x1b8\x1b7\x1b[?1049l"
)


class RawMode:
    """Raw mode of one terminal. Enter and restore may be called in any order and number."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._saved: list[int | list[bytes | int]] | None = None

    @property
    def active(self) -> bool:
        return self._saved is not None

    def enter(self) -> None:
        """Switch to raw mode and remember what was before."""
        if self._saved is None:
            saved = termios.tcgetattr(self._fd)
            self._saved = saved
            atexit.register(self.restore)
        tty.setraw(self._fd, termios.TCSADRAIN)

    def restore(self) -> None:
        """Switch back. Typed bytes that nobody read stay for whoever reads next."""
        saved, self._saved = self._saved, None
        if saved is None:
            return
        atexit.unregister(self.restore)
        with contextlib.suppress(termios.error):  # the terminal is gone: nothing to restore
            termios.tcsetattr(self._fd, termios.TCSADRAIN, saved)

    def suspend(self) -> None:
        """Stop this process as Ctrl-Z outside raw mode would; returns when it goes on, in the mode it had."""
        was_raw = self.active
        self.restore()
        os.kill(os.getpid(), signal.SIGSTOP)
        if was_raw:
            self.enter()


def is_terminal(fd: int) -> bool:
    """Whether a descriptor is open and a terminal."""
    try:
        return os.isatty(fd)
    except OSError:
        return False


def terminal_size(*fds: int) -> tuple[int, int] | None:
    """Return columns and rows of the first of these descriptors that is a terminal with a size."""
    for fd in fds:
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(fd)
            if size.columns > 0 and size.lines > 0:
                return size.columns, size.lines
    return None
