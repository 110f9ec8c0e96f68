"""What a request line means: verb, resource, namespace, name, subresource, as apiserver's RequestInfo has it.

Pure: takes a method, a path and the query, gives a :class:`RequestInfo`.  ``server.py`` decides and dispatches on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podshell.sandbox.rbac import Attributes

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_FALSE = {"false", "0"}  # every other value is true, the empty one too (transcripts/watch/selector-..., exec/bool-*)
# Subresources of a namespace stand where the resource of a namespaced path stands.
_NAMESPACE_SUBRESOURCES = {"status", "finalize"}


@dataclass(frozen=True)
class RequestInfo:
    """``is_resource`` False: everything but ``verb`` and ``path`` is empty."""

    verb: str
    path: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    watch_path: bool = False

    @property
    def attributes(self) -> Attributes:
        """What authorization is asked about."""
        if not self.is_resource:
            return Attributes(self.verb, path=self.path)
        return Attributes(self.verb, self.group, self.resource, self.subresource, self.namespace, self.name)


def is_true(query: Mapping[str, str], name: str) -> bool:
    """Read a boolean of the query as apiserver does."""
    value = query.get(name)
    return value is not None and value.lower() not in _FALSE


def parse_request(method: str, path: str, query: Mapping[str, str]) -> RequestInfo:
    """Read a request line."""
    parts = [part for part in path.split("/") if part]
    plain = RequestInfo(method.lower(), path)
    match parts:
        case ["api", version, first, *rest]:
            group, words = "", [first, *rest]
        case ["apis", group, version, first, *rest]:
            words = [first, *rest]
        case _:
            return plain
    watching = words[0] == "watch"
    if watching:
        words = words[1:]
    if not words:
        return plain
    namespace = ""
    if words[0] == "namespaces" and len(words) > 1:
        namespace = words[1]
        if len(words) > 2 and words[2] not in _NAMESPACE_SUBRESOURCES:
            words = words[2:]
    resource, name = words[0], words[1] if len(words) > 1 else ""
    subresource = "/".join(words[2:])
    verb = _VERBS.get(method, method.lower())
    if verb == "get" and not name:
        verb = "watch" if is_true(query, "watch") else "list"
    elif verb == "delete" and not name:
        verb = "deletecollection"
    if watching:
        verb = "watch"
    if verb in ("list", "watch", "deletecollection") and not name:
        name = _selected_name(query.get("fieldSelector", ""))
    return RequestInfo(verb, path, True, group, version, resource, subresource, namespace, name, watching)


def _selected_name(selector: str) -> str:
    """Give the one name a field selector picks: RBAC rules by resourceNames then apply."""
    for term in selector.split(","):
        key, _, value = term.partition("=")
        if key == "metadata.name" and value:
            return value.lstrip("=")
    return ""
