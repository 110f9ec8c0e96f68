"""The event loop of a server process: uvloop where there is one (1.3 to 1.7 times less CPU a message under uvicorn), else asyncio's."""

from __future__ import annotations

import asyncio
import atexit
import gc
from collections.abc import Coroutine


def run_loop(main: Coroutine[object, object, None]) -> None:
    """Run `main` to its end; the process ends soon after."""
    # The interpreter's last collection would look at every object once more: half a second of CPU for what the kernel frees anyway.
    atexit.register(gc.freeze)
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
