"""How Chromium is started: without what a test machine lacks, and without talking to anybody but the page."""

import shutil

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A GPU in software takes a quarter of all processor time: nearly all tests see terminals as browsers without any WebGL draw them.
WITHOUT_WEBGL = "--disable-software-rasterizer"


def chromium_path() -> str:
    """Find the Chromium of the machine's users.

    Raises:
        AssertionError: there is none.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "there is no Chromium: python tests/machine.py chromium"
    return path


def headless_path() -> str:
    """Find the Chromium without the parts that only windows need: a page costs it a third less; where there is none, the whole one."""
    return shutil.which("chromium-headless-shell") or chromium_path()
