"""Recorded exchanges of a real cluster (tests/transcripts), for the tests of this folder."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2] / "transcripts"


@dataclass(frozen=True)
class Recording:
    name: str
    tree: dict[str, Any]

    @property
    def upgraded(self) -> bool:
        return " 101 " in self.tree["response"][0]

    @property
    def status_code(self) -> int:
        return int(self.tree["response"][0].split()[1])

    @property
    def body(self) -> bytes:
        return (self.tree.get("body") or "").encode()

    @property
    def tty(self) -> bool:
        return "tty=true" in self.tree["request"][0]

    @property
    def from_server(self) -> list[bytes]:
        """The data messages that the server sent, those that were kept whole."""
        return [
            base64.b64decode(frame["b64"])
            for frame in self.tree["frames"]
            if frame["dir"] == "<" and frame.get("op") in ("binary", "text") and "truncated_to" not in frame
        ]


def load(name: str) -> Recording:
    return Recording(name, json.loads((ROOT / f"{name}.json").read_text()))


def names(folder: str, *endings: str) -> list[str]:
    return sorted(f"{folder}/{path.stem}" for path in (ROOT / folder).glob("*.json") if path.stem.endswith(endings))
