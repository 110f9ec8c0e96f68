"""Stopping: the first Ctrl-C or SIGTERM asks, a second one ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGINT, SIGTERM or SIGHUP sets; the same signal again ends the process with 130."""
    stopped = asyncio.Event()

    def ask() -> None:
        if stopped.is_set():
            os._exit(130)
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask)
    return stopped
