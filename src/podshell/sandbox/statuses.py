"""Refusals of the API server as ``metav1.Status`` objects.

Every refusal of the sandbox is a :class:`StatusError`, raised anywhere between the request and the store and written
to the wire by ``server.py``.  The texts are those of a real server (transcripts/watch/selector-and-request-errors,
list-paging-and-versions, rbac/, auth/); a sentence that was never recorded is marked "from the sources".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Obj = dict[str, Any]  # one plain Kubernetes JSON object; the one allowed Any (store.py repeats the name)

_EXPIRED_CONTINUE = (  # from the sources: apiserver pkg/storage/errors.go
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class StatusError(Exception):
    """A request refused with an HTTP code and a ``metav1.Status`` body."""

    def __init__(self, code: int, reason: str, message: str, details: Obj | None = None, *, metadata: Obj | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.metadata = metadata or {}

    def body(self) -> Obj:
        """Build the Status object; keys in the order of a real server."""
        status: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata, "status": "Failure"}
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


@dataclass(frozen=True)
class Cause:
    """One cause of a 422: ``reason`` is the machine word, ``message`` the sentence, ``field`` the path."""

    reason: str
    message: str
    field: str


def success(details: Obj | None = None) -> Obj:
    """Build the Status that answers a finished DELETE."""
    status: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details is not None:
        status["details"] = details
    return status


def _details(resource: str, name: str, group: str) -> Obj:
    details: Obj = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    details["kind"] = resource
    return details


def qualified(resource: str, group: str) -> str:
    """Name a resource as messages do: ``pods``, ``deployments.apps``."""
    return f"{resource}.{group}" if group else resource


def not_found(resource: str, name: str, group: str = "") -> StatusError:
    """404 of an object that does not exist; ``resource`` is the plural."""
    text = f'{qualified(resource, group)} "{name}" not found'
    return StatusError(404, "NotFound", text, _details(resource, name, group))


def unknown_resource() -> StatusError:
    """404 of a path below a known group whose resource or subresource is not there."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: str, name: str, group: str = "") -> StatusError:
    """409 of a create whose name is taken."""
    text = f'{qualified(resource, group)} "{name}" already exists'
    return StatusError(409, "AlreadyExists", text, _details(resource, name, group))


def conflict(resource: str, name: str, group: str = "", *, why: str = "") -> StatusError:
    """409 of an update with an old resourceVersion, or with a precondition that does not hold (``why``)."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    text = f'Operation cannot be fulfilled on {qualified(resource, group)} "{name}": {why}'
    return StatusError(409, "Conflict", text, _details(resource, name, group))


def bad_request(message: str) -> StatusError:
    """400 with this sentence."""
    return StatusError(400, "BadRequest", message)


def unauthorized() -> StatusError:
    """401: no token, or one that nobody has (transcripts/rbac/exec-bad-token.v5)."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: str, name: str, why: str, group: str = "") -> StatusError:
    """403; ``why`` may be empty, and is for a missing synthetic create (transcripts/rbac/*-getonly)."""
    target = f'{qualified(resource, group)} "{name}"' if name else qualified(resource, group)
    return StatusError(403, "Forbidden", f"{target} is forbidden: {why}", _details(resource, name, group))


def method_not_allowed() -> StatusError:
    """405: the resource exists, the verb does not."""
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def not_acceptable(representations: Sequence[str]) -> StatusError:
    """406, naming what could be had."""
    text = "406: Not Acceptable\n\nAvailable representations: " + ", ".join(representations)
    return StatusError(406, "NotAcceptable", text, {})


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    """415, naming what would be accepted."""
    text = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return StatusError(415, "UnsupportedMediaType", text)


def unsupported_patch() -> StatusError:
    """415 of a patch of another type, server-side apply among them (transcripts/ephemeral/errors.json)."""
    return StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def gone(message: str) -> StatusError:
    """410 Expired with this sentence."""
    return StatusError(410, "Expired", message)


def list_too_old() -> StatusError:
    """410 of an exact list at a version that is no longer held (transcripts/watch/gone-410-http)."""
    return gone("The resourceVersion for the provided list is too old.")


def continue_too_old(token: str) -> StatusError:
    """410 of a continue token whose snapshot is gone, with a ``token`` for an inconsistent rest."""
    return StatusError(410, "Expired", _EXPIRED_CONTINUE, metadata={"continue": token})


def version_too_large(asked: int, current: int) -> StatusError:
    """504 of a list at a version that has not happened yet."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    text = f"Timeout: Too large resource version: {asked}, current: {current}"
    return StatusError(504, "Timeout", text, {"causes": causes, "retryAfterSeconds": 1})


def invalid(kind: str, name: str, causes: Sequence[Cause], group: str = "") -> StatusError:
    """422 with its causes; one cause stands bare, several in brackets."""
    sentences = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = sentences[0] if len(sentences) == 1 else "[" + ", ".join(sentences) + "]"
    details: Obj = {"name": name} if name else {}
    if group:
        details["group"] = group
    details["kind"] = kind
    details["causes"] = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    text = f'{qualified(kind, group)} "{name}" is invalid: {listed}'
    return StatusError(422, "Invalid", text, details)


def internal(message: str) -> StatusError:
    """500 with the prefix that a real server puts before it."""
    causes = [{"message": message}]
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", {"causes": causes})
