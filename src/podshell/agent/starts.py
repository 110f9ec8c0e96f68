"""Debug containers that this agent has added and that do not run yet, so that a user's second session takes the same one.

A debug container stays in its pod for good: two sessions that are opened at the same moment must not leave two.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Starts:
    """The containers that are starting, by pod and by what they were made for (`manifests.debug_key`)."""

    def __init__(self) -> None:
        self._doors: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._names: dict[tuple[str, str], str] = {}

    def door(self, pod: str) -> asyncio.Lock:
        """Return what one must hold from the look at a pod until the container is added: the next one then finds it."""
        return self._doors.setdefault(pod, asyncio.Lock())

    def find(self, pod_uid: str, key: str) -> str:
        """Return the container that is starting for the same, or nothing."""
        return self._names.get((pod_uid, key), "")

    def begin(self, pod_uid: str, key: str, name: str) -> None:
        self._names[pod_uid, key] = name

    def end(self, pod_uid: str, key: str, name: str) -> None:
        """It runs, or it never will; nothing where another one has come since."""
        if self._names.get((pod_uid, key)) == name:
            del self._names[pod_uid, key]
