"""The `metav1.Status` object, and the error that an HTTP answer stands for.

Pure. Refusals come as a Status (application/json) or, from the kubelet, as plain text (`container not found ("main")`,
transcripts/refused/container-waiting.v5), or with no body at all (refused/bad-subprotocol).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from podshell.kube.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
)

# Texts end up on screens and in audit rows: enough for every admission message seen, short enough to keep.
MESSAGE_LIMIT_CHARS = 4096

_FORBIDDEN_LONG = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)

# What "<kind> "<name>" is forbidden: " means when nothing follows: the 1.35 upgrade check for `create`
# (transcripts/rbac/exec-getonly.*, attach-getonly.*). PodSecurity, quota and admission refusals always give a reason.
FORBIDDEN_WITHOUT_REASON = re.compile(r'^(?P<resource>[a-z.]+) "(?P<name>[^"]*)" is forbidden:\s*$')


class StatusCause(msgspec.Struct, frozen=True):
    """One entry of `details.causes`; looked up by `reason`, never by position."""

    reason: str = ""
    message: str = ""
    field: str = ""


class StatusDetails(msgspec.Struct, frozen=True, rename="camel"):
    """`details` of a Status."""

    name: str = ""
    group: str = ""
    kind: str = ""
    causes: tuple[StatusCause, ...] | None = ()
    retry_after_seconds: int = 0


class Status(msgspec.Struct, frozen=True):
    """`metav1.Status`, with the fields that are used."""

    status: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0
    details: StatusDetails | None = None

    @property
    def exit_code(self) -> int | None:
        """Return the process's exit code (0 to 255), or None where the Status does not carry one."""
        if self.status == "Success":
            return 0
        if self.reason != "NonZeroExitCode" or self.details is None:
            return None
        for cause in self.details.causes or ():
            if cause.reason == "ExitCode":
                return int(cause.message) if cause.message.isascii() and cause.message.isdigit() else None
        return None


_decoder = msgspec.json.Decoder(Status)


def parse_status(body: bytes) -> Status | None:
    """Return the Status in `body`, or None if it does not hold one."""
    try:
        status = _decoder.decode(body)
    except msgspec.MsgspecError:
        return None
    except UnicodeDecodeError:
        return None
    return status if status.status in ("Success", "Failure") else None


def error_from_response(status_code: int, body: bytes, headers: Mapping[str, str] | None = None) -> ApiError:
    """Return the typed error for a refused request, whatever form its body has."""
    status = parse_status(body)
    if status is not None:
        return error_from_status(status, status_code=status_code, headers=headers)
    text = body[: MESSAGE_LIMIT_CHARS * 4].decode("utf-8", "replace").strip()[:MESSAGE_LIMIT_CHARS]
    plain = Status(status="Failure", message=text or f"the server answered with HTTP {status_code} and no text")
    return error_from_status(plain, status_code=status_code, headers=headers)


def error_from_status(status: Status, *, status_code: int | None = None, headers: Mapping[str, str] | None = None) -> ApiError:
    """Return the typed error for a Status; `status_code` (of HTTP) wins over the code inside."""
    code = status_code or status.code or 500
    message = status.message[:MESSAGE_LIMIT_CHARS] or status.reason or f"the server answered with HTTP {code}"
    reason = status.reason
    match code:
        case 403:
            return forbidden_from_text(message, reason=reason or "Forbidden")
        case 404:
            name = status.details.name if status.details else ""
            return NotFound(message, reason=reason or "NotFound", name=name)
        case 429:
            return TooManyRequests(message, reason=reason, retry_after_seconds=_retry_after(status, headers))
    simple = {400: BadRequest, 401: Unauthorized, 409: Conflict, 410: Gone, 422: Invalid}.get(code)
    if simple is not None:
        return simple(message, status_code=code, reason=reason)
    if code >= 500:
        return ServerError(message, status_code=code, reason=reason, retry_after_seconds=_retry_after(status, headers))
    return ApiError(message, status_code=code, reason=reason)


def forbidden_from_text(message: str, *, reason: str = "Forbidden") -> Forbidden:
    """Return `Forbidden` with what both forms of the text say."""
    long = _FORBIDDEN_LONG.search(message)
    if long is not None:
        return Forbidden(
            message,
            reason=reason,
            user=long["user"],
            verb=long["verb"],
            resource=long["resource"],
            group=long["group"],
            namespace=long["namespace"] or "",
        )
    short = FORBIDDEN_WITHOUT_REASON.match(message)
    return Forbidden(message, reason=reason, resource=short["resource"] if short else "")


def _retry_after(status: Status, headers: Mapping[str, str] | None) -> float | None:
    text = (headers or {}).get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    if status.details is not None and status.details.retry_after_seconds > 0:
        return float(status.details.retry_after_seconds)
    return None
