"""The shell scripts that run in containers, without their comments: they travel in request lines and manifests."""

from __future__ import annotations

from importlib import resources


def load_script(name: str) -> str:
    """Read a script of this package."""
    text = resources.files("podshell.kube").joinpath(name).read_text("ascii")
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("#"))
