"""How a session stands for its viewers: what was told to those who were there, and must be told to whoever comes later."""

from __future__ import annotations

from podshell.agent.idle_watch import IdleWatch
from podshell.agent.made import read_only_paths, shallow_paths, sockets_left
from podshell.agent.targets import Leaving
from podshell.kube.host_mounts import mounts_text
from podshell.kube.runtime_sockets import open_sockets_text
from podshell.wire.messages import Notice
from podshell.wire.tools import MadeContainer

_UNMANAGED = Notice(
    "unmanaged", {"text": "the image has no shell, so nothing can watch over this command: it may go on after this terminal is gone"}
)
_UNMANAGED_WINDOWS = Notice(
    "unmanaged", {"text": "shells in Windows containers are untested, and nothing watches over them: end this one by exit"}
)
_UNHELD = Notice(
    "unheld",
    {"text": "nothing in this container's image can hold it (no dtach): when the agent is restarted it begins anew, without its state"},
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
        self.unheld: Notice | None = None

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
        known, self.mounts = self.mounts, _mounts_notice(made)
        return self.mounts if self.mounts != known else None

    def leave(self, leaving: Leaving) -> Notice:
        """Note that the pod is being deleted."""
        self.leaving = leaving
        return Notice("target", {"text": leaving.text})

    def run_unmanaged(self, *, windows: bool) -> Notice:
        """Note that nothing watches over the command."""
        self.unmanaged = _UNMANAGED_WINDOWS if windows else _UNMANAGED
        return self.unmanaged

    def run_unheld(self) -> Notice | None:
        """Note that the shell ends with the agent that started it; says it once."""
        known, self.unheld = self.unheld, _UNHELD
        return None if known else _UNHELD

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
        if self.unheld is not None:
            told.append(self.unheld)
        return told


def _mounts_notice(made: MadeContainer) -> Notice | None:
    """Say how the node's files are mounted, once the node has said it: as a warning where more is open than was asked for."""
    shallow, left = shallow_paths(made.mounts), sockets_left(made.mounts)
    deep = read_only_paths(made.mounts) if made.image_id else []  # it is told with the image's digest, when the container runs
    told = [mounts_text([*shallow, *deep], shallow), open_sockets_text(left)]
    text = "; ".join(filter(None, told))
    return Notice("target" if shallow or left else "mounts", {"text": text}) if text else None


def idle_warning(idle: IdleWatch) -> Notice:
    """Say that the session closes soon."""
    return Notice("idle_warning", {"seconds": idle.seconds_left})
