"""The control loop: hands changes of the store to the controllers, one key at a time.

Owns one task and one set of pending keys per cluster. A key that is already pending is not queued twice, so the queue is bounded by
the number of objects. Controllers are synchronous and quick (they only touch the store in memory); between two keys the loop gives way
to everything else, so that a rollout of hundreds of pods does not hold up a terminal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import ObjectStore, WatchEvent

logger = logging.getLogger(__name__)

# A conflict or a missing parent is tried again after this time; the real controllers start at 5 ms as well.
RETRY_SECONDS = 0.05


class Key(NamedTuple):
    """An object that a controller must look at; namespace is "" for cluster-wide ones."""

    namespace: str
    name: str


class Controller(Protocol):
    """One kind of controller. `reconcile` returns seconds after which it wants to see the key again, or None."""

    def concerns(self, event: WatchEvent) -> Iterable[Key]: ...

    def reconcile(self, key: Key) -> float | None: ...


class ControlLoop:
    """Runs controllers over a store until it is stopped.

    `run_until_idle` does the same work at once and without a task; unit tests use it.
    """

    def __init__(self, store: ObjectStore, controllers: Iterable[Controller]) -> None:
        self._store = store
        self._controllers = list(controllers)
        self._pending: dict[tuple[int, Key], None] = {}
        self._timers: dict[tuple[int, Key], asyncio.TimerHandle] = {}
        self._awake = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def subscribe(self) -> None:
        """Listen to the store from now on; `start` does it too."""
        if self._unsubscribe is None:
            self._unsubscribe = self._store.listen(self._on_change)

    async def start(self) -> None:
        self.subscribe()
        self._task = asyncio.create_task(self._run(), name="sandbox-controllers")

    async def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is pending; delays asked for by controllers do not count."""
        return self._idle.is_set()

    async def idle(self) -> None:
        """Wait until nothing is pending."""
        await self._idle.wait()

    def run_until_idle(self, limit: int = 10_000) -> None:
        """Reconcile until nothing is pending; delays asked for by controllers are ignored.

        Raises:
            RuntimeError: when the controllers keep each other busy for more than `limit` steps.
        """
        for _ in range(limit):
            if not self._pending:
                return
            self._step()
        raise RuntimeError("the controllers do not come to rest")

    def _on_change(self, event: WatchEvent) -> None:
        for index, controller in enumerate(self._controllers):
            for key in controller.concerns(event):
                self._pending[(index, key)] = None
        if self._pending:
            self._wake()

    def _add(self, entry: tuple[int, Key]) -> None:
        self._timers.pop(entry, None)
        self._pending[entry] = None
        self._wake()

    def _wake(self) -> None:
        self._idle.clear()
        self._awake.set()

    def _add_later(self, entry: tuple[int, Key], seconds: float) -> None:
        if self._task is None:
            return
        known = self._timers.pop(entry, None)
        if known is not None:
            known.cancel()
        self._timers[entry] = asyncio.get_running_loop().call_later(seconds, self._add, entry)

    def _step(self) -> None:
        entry = next(iter(self._pending))
        del self._pending[entry]
        index, key = entry
        try:
            again = self._controllers[index].reconcile(key)
        except StatusError as error:
            logger.debug("reconcile refused", extra={"key": key, "reason": error.reason})
            again = RETRY_SECONDS
        except Exception:  # a supervisor: one bad object must not stop the other controllers
            logger.exception("controller failed", extra={"controller": type(self._controllers[index]).__name__, "key": key})
            again = None
        if again is not None:
            self._add_later(entry, again)

    async def _run(self) -> None:
        while True:
            while self._pending:
                self._step()
                await asyncio.sleep(0)
            self._awake.clear()
            self._idle.set()
            await self._awake.wait()
