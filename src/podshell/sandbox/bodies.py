"""Request bodies: content type, JSON, and whether the object is what the path asks for.

Sentences are those of transcripts/watch/selector-and-request-errors; Go's JSON errors are repeated for the case that
was recorded, other broken bodies get the decoder's own words.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from podshell.sandbox import protobuf, statuses
from podshell.sandbox.store import Obj

_ACCEPTED = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")


async def read_bytes(request: web.Request) -> bytes:
    """Read a body.

    Raises: StatusError 413.
    """
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise statuses.StatusError(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728") from error


async def read_object(request: web.Request, kind: str) -> Obj:
    """Read an object of this kind.

    Raises: StatusError 415, 400.
    """
    obj = await _read_any(request, kind)
    found = obj.get("kind", kind)
    if found != kind:
        version = obj.get("apiVersion", "")
        raise statuses.bad_request(
            f'{found} in version "{version}" cannot be handled as a {kind}: no kind "{found}" is registered for it here'
        )
    return obj


def decode_object(body: bytes, kind: str) -> Obj:
    """Decode a JSON object.

    Raises: StatusError 400.
    """
    try:
        obj = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise statuses.bad_request(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
            f"json parse error: {_go_error(body, error)} ({body[:64].decode(errors='replace')})"
        ) from error
    if not isinstance(obj, dict):
        raise statuses.bad_request(f"the object provided is unrecognized (must be of type {kind})")
    return obj


async def read_delete_options(request: web.Request) -> Obj:
    """Read the optional DeleteOptions of a DELETE.

    Raises: StatusError 400, 415.
    """
    if not request.can_read_body:
        return {}
    if not (await read_bytes(request)).strip():
        return {}
    return await _read_any(request, "DeleteOptions")


async def _read_any(request: web.Request, kind: str) -> Obj:
    media = request.content_type if "Content-Type" in request.headers else "application/json"
    body = await read_bytes(request)
    match media:
        case "application/json":
            return decode_object(body, kind)
        case protobuf.MEDIA_TYPE:
            return protobuf.decode(body)
        case _:
            raise statuses.unsupported_media_type(_ACCEPTED)


def _go_error(body: bytes, error: Exception) -> str:
    text = body.decode(errors="replace").lstrip()
    if text.startswith("{") and text[1:].lstrip()[:1] not in ("", '"', "}"):
        return f"invalid character '{text[1:].lstrip()[0]}' looking for beginning of object key string"
    return str(error)
