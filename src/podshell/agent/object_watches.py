"""Looking closely at one object while somebody does: a pod's details, or the events of an object.

Each look has a watch of its own, by field selector, because the caches of the agent's life leave out what only a drawer shows. It ends with
its subscription. Names become part of a selector, so they are checked first.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import TypeVar

from podshell.agent.refusals import refusal_from_error
from podshell.agent.subscriptions import BatchSink, Cache, Subscription
from podshell.aio.clock import Clock
from podshell.aio.tasks import TaskSet
from podshell.kube.reflector import Reflector, ReflectorState
from podshell.kube.rest import Client
from podshell.kube.store import ChangeKind, HasMetadata, Store
from podshell.kube.workloads import Resource
from podshell.wire.details import Row
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

log = logging.getLogger(__name__)

T = TypeVar("T", bound=HasMetadata)

# Each is one connection to the API server; a drawer has two.
_LIMIT_WATCHES = 200
# Names of objects (RFC 1123 subdomains; RBAC objects, which nobody looks at here, may have others).
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def check_name(name: str, namespace: str, *, namespaced: bool) -> Refusal | None:
    """Return why these cannot name an object, or None."""
    if _NAME.fullmatch(name) is None or (namespaced and _NAME.fullmatch(namespace) is None):
        return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, "the object's name or namespace is none", "choose an object from a list")
    return None


class ObjectWatches:
    """The watches of single objects of one agent."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._tasks: TaskSet | None = None
        self._open: dict[Subscription, asyncio.Task[None]] = {}

    def start(self, tasks: TaskSet) -> None:
        """From here on watches can be opened; they end with `tasks`."""
        self._tasks = tasks

    def open(
        self, resource: Resource[T], namespace: str, selector: str, row: Callable[[HasMetadata], Row], sink: BatchSink, subject: str
    ) -> Subscription | Refusal:
        """Watch what `selector` selects until the subscription is closed. `subject` names it in refusals."""
        if self._tasks is None or len(self._open) >= _LIMIT_WATCHES:
            text = "too many objects are looked at through this agent"
            return Refusal(ErrorCode.LIMIT_REACHED, RefusedBy.AGENT, text, "close some drawers, or try again in a minute")
        store: Store[T] = Store()
        subscription: Subscription | None = None

        def note_health(_: object) -> None:
            if subscription is not None:
                subscription.note_health(resource.plural)

        reflector = Reflector(
            self._client, resource, store, namespace=namespace, selectors={"fieldSelector": selector}, on_health=note_health
        )

        def listen(listener: Callable[[HasMetadata, bool], None]) -> Callable[[], None]:
            return store.listen(lambda change: listener(change.new, change.kind is ChangeKind.DELETED))

        def refusal() -> Refusal | None:
            health = reflector.health
            if health.error is None or health.state in (ReflectorState.SYNCED, ReflectorState.STARTING):
                return None
            return refusal_from_error(health.error, subject=subject)

        cache = Cache(resource.plural, lambda: iter(store), listen, reflector.synced.is_set, refusal)
        subscription = Subscription([cache], row, "", sink, self._clock, self._close)
        # not endless: it is cancelled when nobody looks any more
        self._open[subscription] = self._tasks.start(f"look at {subject}", reflector.run())
        return subscription

    def _close(self, subscription: Subscription) -> None:
        task = self._open.pop(subscription, None)
        if task is not None:
            task.cancel()
