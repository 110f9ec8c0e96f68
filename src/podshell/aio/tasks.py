"""Supervised tasks: every task has a name and an owner, and none ends in silence.

A `TaskSet` belongs to one object (a link, a session, a server) and lives as long as that. It reports as a fault: a task that raises, an
endless task that returns, and a task that was ended by a cancellation that nobody asked for (a cancelled future leaked into it). A fault
is logged with the task's name and handed to the owner, which decides what to end. Closing the set cancels what is left and waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Self, TypeVar

log = logging.getLogger(__name__)

# A task that has not ended so long after its cancellation is named in the log; it is waited for all the same.
PATIENCE_SECONDS = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TaskFault:
    """A task that ended as it must not. `error` is None for an endless task that returned."""

    owner: str
    name: str
    error: BaseException | None


class TaskSet:
    """The tasks of one owner.

    Args:
        owner: who owns them, for names and logs, such as "link agent-1".
        on_fault: called in the event loop for each fault; must not block. The fault is logged whether it is given or not.
    """

    def __init__(self, owner: str, on_fault: Callable[[TaskFault], None] | None = None) -> None:
        self.owner = owner
        self._on_fault = on_fault
        self._tasks: set[asyncio.Task[object]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        return self._closed

    def start(self, name: str, coroutine: Coroutine[object, None, T], *, endless: bool = False) -> asyncio.Task[T]:
        """Run `coroutine` as a task named "owner: name". An `endless` one that returns is a fault.

        Whoever awaits the returned task gets its error too; it is reported as a fault nevertheless.

        Raises:
            RuntimeError: the set is closed; the coroutine is closed unstarted.
        """
        if self._closed:
            coroutine.close()
            raise RuntimeError(f"{self.owner}: cannot start {name}, the tasks are closed")
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self.owner}: {name}")
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._settle(ended, name, endless))
        return task

    async def close(self) -> None:
        """Cancel every task and wait until all have ended; more calls wait too. The calling task, when it is one of them, is left out.

        Cancelling this call is safe: the tasks have been cancelled already, and a second call waits for them.
        """
        self._closed = True
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        while waiting := {task for task in self._tasks if task is not current and not task.done()}:
            await asyncio.wait(waiting, timeout=PATIENCE_SECONDS)
            late = sorted(task.get_name() for task in waiting if not task.done())
            if late:
                log.warning("tasks do not end after their cancellation", extra={"owner": self.owner, "tasks": late})

    def _settle(self, task: asyncio.Task[T], name: str, endless: bool) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            if task.cancelling() or self._closed:
                return
            self._report(TaskFault(self.owner, name, asyncio.CancelledError("cancelled from within")))
        elif (error := task.exception()) is not None:
            self._report(TaskFault(self.owner, name, error))
        elif endless and not self._closed and not task.cancelling():
            self._report(TaskFault(self.owner, name, None))

    def _report(self, fault: TaskFault) -> None:
        text = "an endless task ended" if fault.error is None else "a task failed"
        log.error("%s: %s: %s", fault.owner, fault.name, text, exc_info=fault.error, extra={"owner": fault.owner, "task": fault.name})
        if self._on_fault is not None:
            self._on_fault(fault)
