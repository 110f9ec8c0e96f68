"""What a screen reader is told: Chromium's accessibility tree, and nothing of the document beside it.

`Reader` presses keys and reads the tree; it has no other way in or out, so that what it can do, a person without mouse and screen can.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from playwright.sync_api import Page

# How long something may take to appear in the tree, and how often a key may be pressed to come to it.
DEADLINE_SECONDS = 30.0
MOST_PRESSES = 80
_BETWEEN_LOOKS_SECONDS = 0.03  # a whole tree is some ten milliseconds of work for the browser


@dataclass(frozen=True)
class Node:
    """One thing that is announced."""

    role: str
    name: str
    value: str
    focused: bool
    states: tuple[str, ...]

    def fits(self, role: str, name: str) -> bool:
        return self.role in role.split("|") and re.search(name, self.name) is not None

    def __str__(self) -> str:
        words = [self.role, repr(self.name[:80]), *([f"= {self.value!r}"] if self.value else []), *self.states]
        return " ".join(words) + (" <-- focus" if self.focused else "")


class Reader:
    """A keyboard and the accessibility tree of a page."""

    def __init__(self, page: Page) -> None:
        self._keyboard = page.keyboard
        self._probe = page.context.new_cdp_session(page)
        self._probe.send("Accessibility.enable")

    def nodes(self) -> list[Node]:
        """Everything that is announced now, in reading order."""
        tree = self._probe.send("Accessibility.getFullAXTree")["nodes"]
        return [_node(each) for each in tree if not each.get("ignored")]

    def has(self, role: str, name: str) -> bool:
        return any(node.fits(role, name) for node in self.nodes())

    def focus(self) -> Node:
        """What has the focus; the innermost, for the page itself has it too."""
        focused = [node for node in self.nodes() if node.focused and node.role != "RootWebArea"]
        return focused[-1] if focused else Node("nothing", "", "", True, ())

    def wait_for(self, role: str, name: str, *, gone: bool = False) -> None:
        """Wait until something of the role with a name like that is announced; with `gone`, until nothing is."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.has(role, name) == gone:
            assert time.monotonic() < deadline, f"{role} {name!r} {'stays' if gone else 'does not come'}:\n{self}"
            time.sleep(_BETWEEN_LOOKS_SECONDS)

    def wait_for_focus(self, role: str, name: str = "") -> None:
        """Wait until such a thing has the focus."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not self.focus().fits(role, name):
            assert time.monotonic() < deadline, f"the focus is at {self.focus()}, not at {role} {name!r}:\n{self}"
            time.sleep(_BETWEEN_LOOKS_SECONDS)

    def press(self, key: str) -> None:
        self._keyboard.press(key)

    def type(self, text: str) -> None:
        self._keyboard.type(text)

    def go_to(self, role: str, name: str, key: str = "Tab") -> None:
        """Press a key until such a thing has the focus; everything on the way must have a role and a name that say what it is."""
        for _ in range(MOST_PRESSES):
            at = self.focus()
            if at.fits(role, name):
                return
            assert at.role not in ("generic", "none"), f"the focus is on what has no role: {at}"
            assert at.role in ("nothing", "main") or at.name, f"the focus is on what has no name: {at}"
            self.press(key)
        raise AssertionError(f"{role} {name!r} is not reached with {key}:\n{self}")

    def __str__(self) -> str:
        return "\n".join(str(node) for node in self.nodes() if node.name and node.role not in ("InlineTextBox", "StaticText"))


def _node(raw: dict[str, object]) -> Node:
    properties = {each["name"]: _text(each) for each in raw.get("properties", ())}  # type: ignore[attr-defined] # protocol's own JSON
    states = tuple(f"{name}={properties[name]}" for name in ("checked", "expanded", "selected", "disabled") if name in properties)
    return Node(_text(raw, "role"), _text(raw, "name"), _text(raw, "value"), properties.get("focused") == "True", states)


def _text(raw: dict[str, object], key: str = "value") -> str:
    holder = raw.get(key)
    value = holder.get("value", "") if isinstance(holder, dict) else ""
    return str(value)
