"""How a session stands for its viewers: what was told to those who were there, and must be told to whoever comes later."""

from __future__ import annotations

from podshell.agent.idle_watch import IdleWatch
from podshell.agent.made import shallow_paths
from podshell.agent.targets import Leaving
from podshell.kube.host_mounts import shallow_text
from podshell.wire.messages import Notice
from podshell.wire.tools import MadeContainer

_UNMANAGED = Notice(
    "unmanaged", {"text": "the image has no shell, so nothing can watch over this command: it may go on after this terminal is gone"}
)
_UNMANAGED_WINDOWS = Notice(
    "unmanaged", {"text": "shells in Windows containers are untested, and nothing watches over them: end this one by exit"}
)


class Standing:
    """One session's. `doing`: the progress of its start; `cause`: why its shell was lost last; `leaving`: its pod is being deleted.

    `incarnation`: which shell viewers believe to have, by their attach or by what they were told since.
    """

    def __init__(self, text: str, incarnation: int) -> None:
        self.incarnation = incarnation
        self.doing = Notice("progress", {"phase": "connecting", "text": text})
        self.cause = ""
        self._lost = Notice("restarting")
        self.leaving: Leaving | None = None
        self.paused = False
        self.mounts: Notice | None = None
        self.unmanaged: Notice | None = None

    def progress(self, phase: str, text: str) -> Notice:
        """Note what is being done for the start."""
        self.doing = Notice("progress", {"phase": phase, "text": text})
        return self.doing

    def restarting(self, cause: str, *, held: bool) -> Notice:
        """Note that the shell was lost; one that is held is only out of reach."""
        self.cause = cause
        self._lost = Notice("restarting", {"cause": cause, "held": True} if held else {"cause": cause})
        return self._lost

    def started(self, incarnation: int, offset: int, *, again: bool, resumed: bool) -> Notice | None:
        """Say which shell this is, from this offset on, where viewers may believe otherwise. `again`: they know that theirs was lost."""
        believed, self.incarnation = self.incarnation, incarnation
        if resumed:
            return Notice("resumed")
        if again or believed != incarnation:
            return Notice("restarted", {"incarnation": incarnation, "cause": self.cause, "offset": offset})
        return None

    def made(self, made: MadeContainer) -> Notice | None:
        """Note what was made for the session; says once what its user must know of it."""
        known, shallow = self.mounts, shallow_paths(made.mounts)
        self.mounts = Notice("target", {"text": shallow_text(shallow)}) if shallow else None
        return self.mounts if self.mounts != known else None

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
            told.append(self._lost)
        if self.paused:
            told.append(Notice("reading_paused"))
        if idle.warned:
            told.append(idle_warning(idle))
        if self.mounts is not None:
            told.append(self.mounts)
        if self.leaving is not None:
            told.append(Notice("target", {"text": self.leaving.text}))
        if self.unmanaged is not None:
            told.append(self.unmanaged)
        return told


def idle_warning(idle: IdleWatch) -> Notice:
    """Say that the session closes soon."""
    return Notice("idle_warning", {"seconds": idle.seconds_left})
