"""What the command line says beside the session, on standard error: one line each, also while the terminal is in raw mode."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from podshell.cli.plain_text import visible
from podshell.wire.messages import Facts

# What follows a restart of the cluster's agent, or a lost connection to its API server: only the shells of tools containers are held.
NEW_SHELL = "this is a new shell: what ran in the old one is gone"
SAME_SHELL = "this is the same shell, with all that runs in it"


class Remarks:
    """Writes "podshell: ..." lines. `raw`: whether the terminal is in raw mode, where a line end needs its own carriage return."""

    def __init__(self, fd: int, raw: Callable[[], bool]) -> None:
        self._fd = fd
        self._raw = raw

    def say(self, text: str) -> None:
        """Say one line, in which control characters of texts from elsewhere are seen."""
        line = f"podshell: {visible(text)}"
        framed = f"\r\n{line}\r\n" if self._raw() else f"{line}\n"
        with contextlib.suppress(OSError):  # nobody to tell
            os.write(self._fd, framed.encode("utf-8", "replace"))


def remark_of_notice(kind: str, data: Facts) -> str | None:
    """Return what to say about a notice (spec/terminal.md 5); None: nothing."""
    match kind:
        case "idle_warning":
            return f"this session closes in {data.get('seconds', 60)} s because nobody types; any key keeps it"
        case "restarting" if data.get("held"):
            return f"the connection to the shell was lost ({data.get('cause', 'no reason given')}); it goes on and is attached to again"
        case "restarting":
            return f"the shell was lost ({data.get('cause', 'no reason given')}); starting a new one"
        case "restarted":
            return NEW_SHELL
        case "resumed":
            return SAME_SHELL
        case "progress" if data.get("phase") != "connecting":  # that is over in a moment, and every session's
            return str(data.get("text")) or None
        case "target" | "mounts" | "unmanaged" | "unheld":
            return str(data.get("text", kind))
        case "recording" if data.get("on"):
            return "this session is recorded"
        case _:
            return None
