"""The options of list and watch requests, and lists themselves: selectors, pages and resourceVersion rules.

A continue token names the version of the first page; later pages are cut from the state at that version, which the
store's history gives back as long as it reaches.  Rules and refusals: transcripts/watch/list-paging-and-versions and
gone-410-http.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from podshell.sandbox import selectors, statuses
from podshell.sandbox.paths import is_true
from podshell.sandbox.resources import EVENT, Resource
from podshell.sandbox.statuses import Cause, StatusError
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent

_TOKEN_VERSION = "meta.k8s.io/v1"


@dataclass(frozen=True)
class ListOptions:
    """Parsed options; ``version`` is None when resourceVersion was not given."""

    labels: selectors.Predicate
    fields: selectors.Predicate
    selective: bool
    limit: int
    continue_token: str
    version: int | None
    match: str
    watch: bool
    bookmarks: bool
    initial_events: bool | None
    timeout_seconds: int

    def selects(self, obj: Obj) -> bool:
        """Say whether an object is in the selection."""
        return self.labels(obj) and self.fields(obj)


def parse_options(resource: Resource, query: Mapping[str, str], *, watch: bool) -> ListOptions:
    """Read and check the query of a list or watch.

    Raises: StatusError 400, 422.
    """
    limit, timeout_seconds = _integer(query.get("limit")), _integer(query.get("timeoutSeconds"))
    label_text, field_text = query.get("labelSelector", ""), query.get("fieldSelector", "")
    labels, fields = selectors.parse_labels(label_text), selectors.parse_fields(resource, field_text)
    version_text, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    initial = is_true(query, "sendInitialEvents") if "sendInitialEvents" in query else None
    _check_rules(version_text, match, initial, watch=watch)
    token = query.get("continue", "")
    if token and version_text not in ("", "0"):
        raise statuses.bad_request("specifying resource version is not allowed when using continue")
    return ListOptions(
        labels,
        fields,
        bool(label_text or field_text),
        max(limit, 0),
        token,
        _version(version_text),
        match,
        watch,
        is_true(query, "allowWatchBookmarks"),
        initial,
        timeout_seconds,
    )


def _integer(text: str | None) -> int:
    if not text:
        return 0
    try:
        return int(text)
    except ValueError as error:
        raise statuses.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _version(text: str) -> int | None:
    if text == "":
        return None
    if not text.isascii() or not text.isdigit():
        raise statuses.bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text)


def _check_rules(version: str, match: str, initial: bool | None, *, watch: bool) -> None:
    """Apply ValidateListOptions of apimachinery, in its order."""
    if initial is not None and not watch:
        raise _refused("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if initial is not None and match != "NotOlderThan":
        raise _refused("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if not match or initial is not None:
        return
    if watch:
        raise _refused("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
    if not version:
        raise _refused("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
    if match not in ("Exact", "NotOlderThan"):
        message = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        raise _invalid(Cause("FieldValueNotSupported", message, "resourceVersionMatch"))
    if match == "Exact" and version == "0":
        raise _refused("resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')


def _refused(field: str, message: str) -> StatusError:
    return _invalid(Cause("FieldValueForbidden", f"Forbidden: {message}", field))


def _invalid(cause: Cause) -> StatusError:
    return statuses.invalid("ListOptions", "", [cause], "meta.k8s.io")


@dataclass(frozen=True)
class Page:
    """One page of a list; ``metadata`` is the ListMeta."""

    items: list[Obj]
    metadata: Obj


async def take_page(store: ObjectStore, resource: Resource, namespace: str | None, options: ListOptions, *, wait_seconds: float) -> Page:
    """List as asked; waits ``wait_seconds`` for a version that has not happened yet.

    Raises: StatusError 400, 410, 504.
    """
    version, start, limit = store.version, "", options.limit
    exact = options.match == "Exact" or (options.version and limit and not options.match)
    if options.continue_token:
        version, start = _read_token(options.continue_token)
        exact = True
    elif options.version is not None:
        if options.version > store.version:
            await _wait_for(store, options.version, wait_seconds)
        if exact:
            version = options.version
        elif options.version == 0:
            limit = 0  # served from the watch cache, which knows no pages
    objects = store.list(resource, namespace)
    if exact and version != store.version:
        past = _state_at(store, resource, namespace, objects, version)
        if past is None:
            raise _too_old(store, options, start)
        objects = past
    return _cut(resource, namespace, objects, options, version if exact else store.version, start, limit)


def _cut(
    resource: Resource,
    namespace: str | None,
    objects: list[Obj],
    options: ListOptions,
    version: int,
    start: str,
    limit: int,
) -> Page:
    selected = [obj for obj in objects if options.selects(obj)]
    keys = [_key(resource, namespace, obj) for obj in selected]
    first = next((index for index, key in enumerate(keys) if key >= start), len(keys)) if start else 0
    metadata: Obj = {"resourceVersion": str(version)}
    page = selected[first:]
    if limit and len(page) > limit:
        page = page[:limit]
        last = keys[first + limit - 1]
        metadata["continue"] = _write_token(version, last + "\0")
        if not options.selective:
            metadata["remainingItemCount"] = len(selected) - first - limit
    return Page(page, metadata)


def _too_old(store: ObjectStore, options: ListOptions, start: str) -> StatusError:
    if options.continue_token:
        return statuses.continue_too_old(_write_token(store.version, start))
    return statuses.list_too_old()


def _key(resource: Resource, namespace: str | None, obj: Obj) -> str:
    """Give the key below the prefix that is listed, as it stands in real tokens (events are not cached: no slash)."""
    name: str = obj["metadata"]["name"]
    path = name if namespace or not resource.namespaced else f"{obj['metadata']['namespace']}/{name}"
    return path if resource is EVENT else f"/{path}"


def _write_token(version: int, start: str) -> str:
    # Go escapes NUL as \u0000, as msgspec does.
    token = msgspec.json.encode({"v": _TOKEN_VERSION, "rv": version, "start": start})
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    prefix = "invalid continue token: continue key is not valid: "
    for index, letter in enumerate(token):
        if not (letter.isascii() and (letter.isalnum() or letter in "-_")):
            raise statuses.bad_request(f"{prefix}illegal base64 data at input byte {index}")
    try:
        read = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=_Token)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise statuses.bad_request(f"{prefix}{error}") from error
    return read.rv, read.start


class _Token(msgspec.Struct):
    rv: int
    start: str
    v: str = _TOKEN_VERSION


def _state_at(store: ObjectStore, resource: Resource, namespace: str | None, objects: list[Obj], version: int) -> list[Obj] | None:
    """Undo the changes since ``version``; None when they have been forgotten."""
    changes = store.changes_since(resource, version)
    if changes is None:
        return None
    state = {(obj["metadata"].get("namespace", ""), obj["metadata"]["name"]): obj for obj in objects}
    for event in reversed(list(changes)):
        metadata = event.obj["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        if namespace is not None and key[0] != namespace:
            continue
        if event.old is None:
            state.pop(key, None)
        else:
            state[key] = event.old
    return [state[key] for key in sorted(state)]


async def _wait_for(store: ObjectStore, version: int, wait_seconds: float) -> None:
    reached = asyncio.Event()

    def check(event: WatchEvent) -> None:
        if event.version >= version:
            reached.set()

    unsubscribe = store.listen(check)
    try:
        async with asyncio.timeout(wait_seconds):
            await reached.wait()
    except TimeoutError as error:
        raise statuses.version_too_large(version, store.version) from error
    finally:
        unsubscribe()
