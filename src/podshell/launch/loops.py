"""The event loop of a server process: uvloop where there is one (1.3 to 1.7 times less CPU a message under uvicorn), else asyncio's."""

from __future__ import annotations

import asyncio
import atexit
import gc
from collections.abc import Coroutine

# Longer than any start; what is garbage by then is little.
STARTING_SECONDS = 10.0


def run_loop(main: Coroutine[object, object, None]) -> None:
    """Run `main` to its end; the process ends soon after. Garbage is collected from ten seconds after the beginning on (main.py)."""
    # The interpreter's last collection would look at every object once more: half a second of CPU for what the kernel frees anyway.
    atexit.register(gc.freeze)
    try:
        import uvloop
    except ImportError:
        asyncio.run(_collecting(main))
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_collecting(main))


async def _collecting(main: Coroutine[object, object, None]) -> None:
    asyncio.get_running_loop().call_later(STARTING_SECONDS, _collect)
    await main


def _collect() -> None:
    """Look at nothing that the start has left, which a whole collection would stop the loop for, and at all that comes."""
    gc.freeze()
    gc.enable()
