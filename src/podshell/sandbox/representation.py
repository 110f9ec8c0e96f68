"""Which form an answer takes: plain JSON, a Table, or PartialObjectMetadata; read from the Accept header.

Pure but for building aiohttp responses.  Protobuf, YAML and CBOR are not offered; a client that accepts JSON beside
them gets JSON, one that does not gets 406 with the text of transcripts/watch/selector-and-request-errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
from aiohttp import web

from podshell.sandbox import statuses
from podshell.sandbox.store import Obj

_AVAILABLE = (
    *("application/json", "application/yaml", "application/vnd.kubernetes.protobuf"),
    *("application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"),
)
_META_V1 = "meta.k8s.io/v1"
_ENCODER = msgspec.json.Encoder()

FormKind = Literal["plain", "table", "partial"]


@dataclass(frozen=True)
class Form:
    """``partial`` covers PartialObjectMetadata and its list."""

    kind: FormKind


def negotiate(accept: str | None) -> Form:
    """Choose the first form of the Accept header that is offered.

    Raises: StatusError 406.
    """
    if not accept:
        return Form("plain")
    for clause in accept.split(","):
        media, *parameters = (word.strip() for word in clause.split(";"))
        if media not in ("application/json", "application/*", "*/*"):
            continue
        wanted = dict(parameter.partition("=")[::2] for parameter in parameters)
        shape = wanted.get("as")
        if shape is None:
            return Form("plain")
        if wanted.get("g") != "meta.k8s.io":
            continue
        if shape == "Table":
            return Form("table")
        if shape in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Form("partial")
    raise statuses.not_acceptable(_AVAILABLE)


def encode(obj: Obj) -> bytes:
    """Encode as the server writes it: compact, with a final newline."""
    return _ENCODER.encode(obj) + b"\n"


def json_response(obj: Obj, *, status: int = 200, content_type: str = "application/json") -> web.Response:
    """Build a JSON answer."""
    return web.Response(body=encode(obj), status=status, headers={"Content-Type": content_type})


def partial_object(obj: Obj, *, typed: bool = True) -> Obj:
    """Reduce an object to its metadata (transcripts/table/partial-object-metadata-list)."""
    kind: Obj = {"kind": "PartialObjectMetadata", "apiVersion": _META_V1} if typed else {}
    return {**kind, "metadata": obj.get("metadata", {})}


def untyped(obj: Obj) -> Obj:
    """Give an object as it stands in a list: without kind and apiVersion."""
    return {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
