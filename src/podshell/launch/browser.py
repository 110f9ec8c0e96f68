"""Opens the browser on the one-time link without showing the link to anybody else.

A command line is visible to every process of the machine, so the browser gets the path of a 0600 file in a 0700 folder that redirects
to the link. It goes when `forget` is called; the link in it is good once and for five minutes.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PAGE = """<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Podshell</title>
<script>location.replace({link})</script><p><a href="{href}">Open Podshell</a></p>
"""


class Redirect:
    """A file that leads a browser to a secret link."""

    def __init__(self, folder: Path, link: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / "signin.html"
        self.path.unlink(missing_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(PAGE.format(link=json.dumps(link).replace("<", "\\u003c"), href=html.escape(link, quote=True)))

    def open(self) -> bool:
        """Start the desktop's browser on it; False where there is none (no display, no opener)."""
        opener = "open" if sys.platform == "darwin" else shutil.which("xdg-open")
        has_display = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
        if not opener or not has_display:
            return False
        try:
            subprocess.Popen(
                [opener, str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return False
        return True

    def forget(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
