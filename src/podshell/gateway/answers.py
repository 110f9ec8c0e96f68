"""Reading requests and writing answers: msgspec bodies, refusals as JSON, and how a route describes both for OpenAPI."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from fastapi import Request
from fastapi.responses import Response

from podshell.gateway.models import ErrorBody, error_body
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

T = TypeVar("T")
JSON = "application/json"
REFERENCE = "#/components/schemas/{name}"
# Every type that a route names, for the components of the OpenAPI document.
DESCRIBED_TYPES: set[Any] = {ErrorBody}


class Refused(Exception):  # the design's word for an expected no
    """A call that ends with a refusal, to be answered as JSON with the status of its code."""

    def __init__(self, refusal: Refusal, retry_after_ms: int | None = None) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.retry_after_ms = retry_after_ms


def refused(
    code: ErrorCode,
    message: str,
    next_step: str = "",
    *,
    by: RefusedBy = RefusedBy.GATEWAY,
    retry_after_ms: int | None = None,
) -> Refused:
    """Build the exception that ends a call with a refusal."""
    return Refused(Refusal(code, by, message, next_step), retry_after_ms)


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Build a JSON answer from a struct or a list of structs."""
    return Response(msgspec.json.encode(body), status, {"cache-control": "no-store", **(headers or {})}, JSON)


def refusal_answer(refusal: Refusal, retry_after_ms: int | None = None) -> Response:
    """Build the JSON answer of a refusal, with Retry-After in whole seconds when trying again can help."""
    headers = {}
    if retry_after_ms is not None:
        headers["retry-after"] = str(max(1, -(-retry_after_ms // 1000)))
    return answer(error_body(refusal, retry_after_ms), refusal.meaning.http_status, headers)


async def read_body(request: Request, expected: type[T], limit_bytes: int) -> T:
    """Read a JSON body.

    Raises:
        Refused: it is too long, no JSON, or not what is expected; the message names the field.
    """
    if not request.headers.get("content-type", "").startswith(JSON):
        # a form of another site can send text/plain without being asked (CORS "simple" requests); JSON it cannot
        raise refused(ErrorCode.BAD_REQUEST, "the body must be sent as application/json")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit_bytes:
            raise refused(ErrorCode.BAD_REQUEST, f"the body is longer than {limit_bytes} bytes")
    try:
        return msgspec.json.decode(body, type=expected)
    except msgspec.DecodeError as error:
        raise refused(ErrorCode.BAD_REQUEST, f"the body is not valid: {error}"[:500]) from error


def described(name: str, summary: str, *, response: Any = None, request: Any = None, status: int = 200) -> dict[str, Any]:
    """Build a FastAPI route's keyword arguments: the types of its body and its answer; the error body is everywhere the same."""
    answers: dict[str, object] = {str(status): {"description": summary}}
    if response is not None:
        DESCRIBED_TYPES.add(response)
        answers[str(status)] = {"description": summary, "content": {JSON: {"schema": schema_of(response)}}}
    answers["default"] = {"description": "Refused or failed", "content": {JSON: {"schema": schema_of(ErrorBody)}}}
    extra: dict[str, object] = {"responses": answers}
    if request is not None:
        DESCRIBED_TYPES.add(request)
        extra["requestBody"] = {"required": True, "content": {JSON: {"schema": schema_of(request)}}}
    return {"response_model": None, "openapi_extra": extra, "status_code": status, "summary": summary, "operation_id": name}


def schema_of(described_type: Any) -> Any:
    """Build the JSON schema of a type, structs as references into the components."""
    (schema,), _ = msgspec.json.schema_components([described_type], ref_template=REFERENCE)
    return schema
