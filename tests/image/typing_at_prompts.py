"""Shells as their users have them: commands typed at a prompt in a real terminal, and what stands there until the next prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from node import Terminal

# colours, bracketed paste, titles
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>()][AB0]?")
_WAIT_SECONDS = 30


def plain(data: bytes) -> list[str]:
    """Return the lines without what a terminal does not show."""
    return _CONTROL.sub(b"", data).decode().replace("\r\n", "\n").replace("\r", "").split("\n")


@dataclass
class Prompt:
    """A prompt that a terminal shows; `text` is a pattern of it, with the blank at its end."""

    terminal: Terminal
    text: str
    before: list[str] = field(init=False)
    """What stood above the first prompt."""
    all_lines: list[str] = field(default_factory=list)
    """Everything that has come so far; a hint of `kubectl shell` may come after the next prompt."""

    def __post_init__(self) -> None:
        self.before = self._until_prompt()

    def run(self, command: str, *, prompt: str | None = None) -> list[str]:
        """Type a line and return the lines that it brought; `prompt`: what the shell that it opens shows from now on."""
        self.text = prompt or self.text
        self.terminal.type(f"{command}\n".encode())
        _echo, *lines = self._until_prompt()
        return lines

    def interrupt(self, command: str, after: str) -> list[str]:
        """Type a line, and Ctrl-C once the pattern `after` has come; return all that it brought."""
        self.terminal.type(f"{command}\n".encode())
        seen = self.terminal.expect(rb"(?s)\A.*?" + after.encode(), seconds=_WAIT_SECONDS)[0]
        self.terminal.type(b"\x03")
        _echo, *lines = self._until_prompt(seen)
        return lines

    def leave(self, prompt: str) -> None:
        """End an inner shell, below which there is another prompt."""
        self.run("exit", prompt=prompt)

    def _until_prompt(self, seen: bytes = b"") -> list[str]:
        found = self.terminal.expect(rb"(?s)\A(.*?)" + self.text.encode() + rb"\Z", seconds=_WAIT_SECONDS)
        lines = plain(seen + found[1])
        self.all_lines += lines
        return lines[:-1] if lines[-1] == "" else lines
