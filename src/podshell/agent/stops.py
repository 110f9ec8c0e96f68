"""Ending a session from outside while it is in the middle of something: the first reason counts, and what was under way is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from podshell.agent.ends import Stop

T = TypeVar("T")


class Stopping:
    """One session's. Created on the event loop."""

    def __init__(self) -> None:
        self._stop: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()

    def stop(self, stop: Stop) -> None:
        """End it; the first reason counts."""
        if not self._stop.done():
            self._stop.set_result(stop)

    async def until_stop(self, work: Coroutine[object, object, T]) -> T | Stop:
        """Do `work`, or as much of it as there is time for until somebody ends the session."""
        task = asyncio.ensure_future(work)
        first: list[asyncio.Future[T] | asyncio.Future[Stop]] = [task, self._stop]
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else self._stop.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
