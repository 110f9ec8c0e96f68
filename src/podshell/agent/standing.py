"""How a session stands for its viewers: what was told to those who were there, and must be told to whoever comes later."""

from __future__ import annotations

from podshell.agent.idle_watch import IdleWatch
from podshell.agent.targets import Leaving
from podshell.wire.messages import Notice

_UNMANAGED = Notice(
    "unmanaged", {"text": "the image has no shell, so nothing can watch over this command: it may go on after this terminal is gone"}
)
_UNMANAGED_WINDOWS = Notice(
    "unmanaged", {"text": "shells in Windows containers are untested, and nothing watches over them: end this one by exit"}
)


class Standing:
    """One session's. `doing`: the progress of its start; `cause`: why its shell was lost last; `leaving`: its pod is being deleted."""

    def __init__(self, text: str) -> None:
        self.doing = Notice("progress", {"phase": "connecting", "text": text})
        self.cause = ""
        self.leaving: Leaving | None = None
        self.paused = False
        self.unmanaged: Notice | None = None

    def progress(self, phase: str, text: str) -> Notice:
        """Note what is being done for the start."""
        self.doing = Notice("progress", {"phase": phase, "text": text})
        return self.doing

    def restarting(self, cause: str) -> Notice:
        """Note that the shell was lost."""
        self.cause = cause
        return Notice("restarting", {"cause": cause})

    def restarted(self, incarnation: int, offset: int) -> Notice:
        """Say that another shell has taken the place of the lost one, from this offset on."""
        return Notice("restarted", {"incarnation": incarnation, "cause": self.cause, "offset": offset})

    def leave(self, leaving: Leaving) -> Notice:
        """Note that the pod is being deleted."""
        self.leaving = leaving
        return Notice("target", {"text": leaving.text})

    def run_unmanaged(self, *, windows: bool) -> Notice:
        """Note that nothing watches over the command."""
        self.unmanaged = _UNMANAGED_WINDOWS if windows else _UNMANAGED
        return self.unmanaged

    def greeting(self, state: str, idle: IdleWatch) -> list[Notice]:
        """Return what a consumer is told that comes now."""
        told = []
        if state == "opening":
            told.append(self.doing)
        if state == "restarting":
            told.append(Notice("restarting", {"cause": self.cause}))
        if self.paused:
            told.append(Notice("reading_paused"))
        if idle.warned:
            told.append(idle_warning(idle))
        if self.leaving is not None:
            told.append(Notice("target", {"text": self.leaving.text}))
        if self.unmanaged is not None:
            told.append(self.unmanaged)
        return told


def idle_warning(idle: IdleWatch) -> Notice:
    """Say that the session closes soon."""
    return Notice("idle_warning", {"seconds": idle.seconds_left})
