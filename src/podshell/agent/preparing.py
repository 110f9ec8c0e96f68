"""What comes before the shell of a debug or node session: the container that it runs in, as a session sees it.

`Preparation` is one session's; tools.py makes them. It is made anew when a session goes on with the next agent, and then finds what its
predecessor made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from podshell.agent.targets import TargetIdentity
from podshell.wire.calls import OpenSession
from podshell.wire.errors import Refusal
from podshell.wire.tools import MadeContainer


@dataclass(frozen=True, slots=True)
class Ready:
    """The container runs. `holder`: a shell in it that has outlived its agent, to go on with; empty: none."""

    target: TargetIdentity
    made: MadeContainer
    holder: str = ""


class PreparationListener(Protocol):
    """Who hears how it goes; called on the event loop."""

    def note_progress(self, phase: str, text: str) -> None: ...

    def note_made(self, made: MadeContainer, target: TargetIdentity) -> None:
        """Something exists now that must not stay; again when more is known of it."""


class Preparation(Protocol):
    """One session's container."""

    async def make(self, listener: PreparationListener) -> Ready | Refusal:
        """Make the container and wait until it runs, or say why it does not. Cancelling is safe; `end` must follow in any case.

        One that is used again (`MadeContainer.reused`) may end before a shell begins in it: then this is called once more.
        """

    def words(self, command: Sequence[str]) -> Sequence[str]:
        """Return what is run in the container for the command that was asked for (none: a shell)."""

    async def end(self) -> str:
        """Remove what can be removed; return what stays and what ends it, or nothing. Never raises for what the API server says."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A session may begin. `target`: what is known of where it runs; `preparation`: what must come before its shell."""

    target: TargetIdentity
    node: str = ""
    preparation: Preparation | None = None


class Accepting(Protocol):
    """Judges openings of the kinds whose container is made (tools.py)."""

    async def accept(self, opening: OpenSession) -> Accepted | Refusal:
        """Look at the target and at what is asked; nothing is made.

        Raises:
            KubeError: the API server did not say.
        """
