"""Watches: the history since a version, then live changes, as one JSON line each.

One :func:`stream_watch` lives as long as its HTTP request.  Selection turns changes into ADDED/MODIFIED/DELETED for
this client (an object that leaves the selection is DELETED).  A version older than the history ends in an ERROR event
with 410 inside a 200 answer, as recorded (transcripts/watch/).  A client that does not read is dropped when its queue
is full, as the real watch cache does.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from podshell.sandbox import statuses, tables
from podshell.sandbox.listing import ListOptions
from podshell.sandbox.representation import Form, encode, partial_object
from podshell.sandbox.resources import EVENT, Resource
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent

# References to objects the store holds anyway, so their count bounds the memory: about 100 B each.
_QUEUE_LENGTH = 20_000
_BOOKMARK_SECONDS = 60.0  # watch_cache bookmark frequency
# The last bookmark was seen 1.6 s before the end (transcripts/watch/bookmarks, watchlist), none in a watch of 4 s.
_BOOKMARK_BEFORE_END_SECONDS = 1.6
_SHORTEST_WITH_BOOKMARK_SECONDS = 5
_MIN_TIMEOUT_SECONDS = 1800  # apiserver --min-request-timeout; the real one is drawn from 1 to 2 times this
_INITIAL_END = "k8s.io/initial-events-end"


class Connections(Protocol):
    """Who knows when the connection of a request ends."""

    def on_lost(self, request: web.Request, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` then; returns what takes it back."""


async def stream_watch(
    request: web.Request,
    connections: Connections,
    store: ObjectStore,
    resource: Resource,
    namespace: str | None,
    options: ListOptions,
    form: Form,
) -> web.StreamResponse:
    """Answer a watch until its timeout, its error or the end of the connection; cancelling is safe."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
    response.enable_chunked_encoding()
    watch = _Watch(store, resource, namespace, options, form, request)
    forget = connections.on_lost(request, watch.end)
    try:
        await response.prepare(request)
        await watch.run(response)
        await response.write_eof()
    except ConnectionError:
        pass  # the client has gone; nothing is owed to it
    finally:
        watch.close()
        forget()
    return response


class _Watch:
    def __init__(
        self,
        store: ObjectStore,
        resource: Resource,
        namespace: str | None,
        options: ListOptions,
        form: Form,
        request: web.Request,
    ) -> None:
        self._store, self._resource, self._namespace = store, resource, namespace
        self._options, self._form = options, form
        self._include_object = request.query.get("includeObject", "Metadata")
        self._queue: deque[Obj] = deque()
        self._wake = asyncio.Event()
        self._ended = False
        self._columns_sent = False
        self._after = 0
        self._queue_start()
        self._unsubscribe = store.listen(self._on_change)

    def end(self) -> None:
        """Let run() return as soon as it wakes."""
        self._ended = True
        self._wake.set()

    def close(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    async def run(self, response: web.StreamResponse) -> None:
        """Write events until the end."""
        loop = asyncio.get_running_loop()
        seconds = self._options.timeout_seconds or _MIN_TIMEOUT_SECONDS * (1 + random.random())
        deadline = loop.time() + seconds
        last_bookmark = deadline - _BOOKMARK_BEFORE_END_SECONDS if seconds >= _SHORTEST_WITH_BOOKMARK_SECONDS else None
        bookmark_at = self._next_bookmark(loop.time(), last_bookmark)
        while True:
            while self._queue:
                await response.write(encode(self._queue.popleft()))
            if self._ended or loop.time() >= deadline:
                return
            if bookmark_at is not None and loop.time() >= bookmark_at:
                self._queue.append(self._bookmark({}))
                bookmark_at = self._next_bookmark(loop.time(), last_bookmark)
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout_at(min(deadline, bookmark_at or deadline)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _next_bookmark(self, now: float, last: float | None) -> float | None:
        if not self._options.bookmarks or last is None or now >= last:
            return None
        return min(now + _BOOKMARK_SECONDS, last)

    def _queue_start(self) -> None:
        options, store = self._options, self._store
        asked = options.version or 0
        initial = options.initial_events if options.initial_events is not None else asked == 0
        if initial:
            for obj in store.list(self._resource, self._namespace):
                if options.selects(obj):
                    self._put("ADDED", obj)
            if options.initial_events and options.bookmarks:
                self._queue.append(self._bookmark({_INITIAL_END: "true"}))
            return
        self._after = asked
        changes = store.changes_since(self._resource, asked) if asked <= store.version else []
        if changes is None:
            text = f"too old resource version: {asked} ({store.version})"
            if self._resource is EVENT:  # not cached in a real server: the text of the storage layer
                text = "The resourceVersion for the provided watch is too old."
            self._queue.append({"type": "ERROR", "object": statuses.gone(text).body()})
            self._ended = True
            return
        for event in changes:
            self._on_change(event)

    def _on_change(self, event: WatchEvent) -> None:
        if event.resource is not self._resource or event.version <= self._after or self._ended:
            return
        if self._namespace is not None and event.obj["metadata"].get("namespace") != self._namespace:
            return
        now = event.type != "DELETED" and self._options.selects(event.obj)
        before = event.old is not None and self._options.selects(event.old)
        if now:
            self._put("MODIFIED" if before else "ADDED", event.obj)
        elif before and event.old is not None:
            # The last state that was in the selection, at the version of the change (transcripts/watch/bookmarks, cm-1).
            gone = event.obj if event.type == "DELETED" else event.old
            metadata = {**gone["metadata"], "resourceVersion": str(event.version)}
            self._put("DELETED", {**gone, "metadata": metadata})
        if len(self._queue) > _QUEUE_LENGTH:
            self._queue.clear()
            self.end()
        self._wake.set()

    def _put(self, kind: str, obj: Obj) -> None:
        self._queue.append({"type": kind, "object": self._shown(obj)})

    def _shown(self, obj: Obj) -> Obj:
        if self._form.kind == "partial":
            return partial_object(obj)
        if self._form.kind == "table":
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return self._table([obj], metadata)
        return obj

    def _table(self, objects: list[Obj], metadata: Obj) -> Obj:
        table = tables.build_table(self._resource, objects, metadata, include=self._include_object, columns=not self._columns_sent)
        self._columns_sent = True
        return table

    def _bookmark(self, annotations: dict[str, str]) -> Obj:
        metadata: Obj = {"resourceVersion": str(self._store.version)}
        if annotations:
            metadata["annotations"] = annotations
        kind = {"kind": self._resource.kind, "apiVersion": self._resource.api_version}
        if self._form.kind == "table":
            return {"type": "BOOKMARK", "object": self._table([], metadata)}
        if self._form.kind == "partial":
            return {"type": "BOOKMARK", "object": partial_object({"metadata": metadata})}
        # A real bookmark carries the empty fields of its type as well; nobody reads them.
        return {"type": "BOOKMARK", "object": {**kind, "metadata": metadata}}
