"""The closed set of refusal and failure codes, with one table of what each means.

Every refusal names who refused, why, and what to do next (design.md 2). The gateway turns a code into an HTTP status or a
WebSocket close code; the agent and the command line never invent codes of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

# What a sentence on the wire may hold at most, in characters; a runtime's own error text is far shorter.
MAX_TEXT = 4096
Text = Annotated[str, Meta(max_length=MAX_TEXT)]


def clip_text(text: str, limit: int = MAX_TEXT) -> str:
    """Cut a text from elsewhere to what may travel, visibly."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


class ErrorCode(StrEnum):
    """What went wrong, stable over versions."""

    # refused
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN_BY_POLICY = "forbidden_by_policy"
    FORBIDDEN_BY_CEILING = "forbidden_by_ceiling"
    FORBIDDEN_BY_KUBERNETES = "forbidden_by_kubernetes"
    FORBIDDEN_BY_ADMISSION = "forbidden_by_admission"
    GRANT_REFUSED = "grant_refused"
    TICKET_REFUSED = "ticket_refused"
    ORIGIN_REFUSED = "origin_refused"
    LIMIT_REACHED = "limit_reached"
    # the request
    BAD_REQUEST = "bad_request"
    CONTAINER_REQUIRED = "container_required"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    NOT_RUNNING = "not_running"
    # the target
    SHELL_MISSING = "shell_missing"
    SHELL_NOT_EXECUTABLE = "shell_not_executable"
    TARGET_GONE = "target_gone"
    START_FAILED = "start_failed"
    # the way there
    CLUSTER_UNKNOWN = "cluster_unknown"
    AGENT_OFFLINE = "agent_offline"
    AGENT_BUSY = "agent_busy"
    NODE_UNREACHABLE = "node_unreachable"
    API_SERVER_UNREACHABLE = "api_server_unreachable"
    LINK_LOST = "link_lost"
    SESSION_UNKNOWN = "session_unknown"
    SESSION_ENDED = "session_ended"
    REVOKED = "revoked"
    GOING_AWAY = "going_away"
    PROTOCOL_ERROR = "protocol_error"
    INTERNAL = "internal"


class RefusedBy(StrEnum):
    """Who said no."""

    GATEWAY = "gateway"
    POLICY = "policy"
    AGENT = "agent"
    CEILING = "ceiling"
    KUBERNETES = "kubernetes"
    POD_SECURITY = "pod_security"
    ADMISSION = "admission"
    NODE = "node"
    RUNTIME = "runtime"


@dataclass(frozen=True, slots=True)
class Meaning:
    """HTTP status and WebSocket close code (RFC 6455 7.4.2: 4000 to 4999 are ours) of a code, and whether trying again can help."""

    http_status: int
    close_code: int
    retryable: bool = False


MEANINGS: dict[ErrorCode, Meaning] = {
    ErrorCode.UNAUTHENTICATED: Meaning(401, 4401),
    ErrorCode.FORBIDDEN_BY_POLICY: Meaning(403, 4403),
    ErrorCode.FORBIDDEN_BY_CEILING: Meaning(403, 4403),
    ErrorCode.FORBIDDEN_BY_KUBERNETES: Meaning(403, 4403),
    ErrorCode.FORBIDDEN_BY_ADMISSION: Meaning(403, 4403),
    ErrorCode.GRANT_REFUSED: Meaning(403, 4403),
    ErrorCode.TICKET_REFUSED: Meaning(403, 4410),
    ErrorCode.ORIGIN_REFUSED: Meaning(403, 4403),
    ErrorCode.LIMIT_REACHED: Meaning(429, 4429, retryable=True),
    ErrorCode.BAD_REQUEST: Meaning(422, 4400),
    ErrorCode.CONTAINER_REQUIRED: Meaning(422, 4400),
    ErrorCode.NOT_FOUND: Meaning(404, 4404),
    ErrorCode.CONFLICT: Meaning(409, 4409),
    ErrorCode.NOT_RUNNING: Meaning(409, 4409),
    ErrorCode.SHELL_MISSING: Meaning(409, 4409),
    ErrorCode.SHELL_NOT_EXECUTABLE: Meaning(409, 4409),
    ErrorCode.TARGET_GONE: Meaning(410, 4410),
    ErrorCode.START_FAILED: Meaning(502, 4502),
    ErrorCode.CLUSTER_UNKNOWN: Meaning(404, 4404),
    ErrorCode.AGENT_OFFLINE: Meaning(503, 4503, retryable=True),
    ErrorCode.AGENT_BUSY: Meaning(504, 4503, retryable=True),
    ErrorCode.NODE_UNREACHABLE: Meaning(502, 4502, retryable=True),
    ErrorCode.API_SERVER_UNREACHABLE: Meaning(502, 4502, retryable=True),
    ErrorCode.LINK_LOST: Meaning(503, 4503, retryable=True),
    ErrorCode.SESSION_UNKNOWN: Meaning(404, 4404),
    ErrorCode.SESSION_ENDED: Meaning(410, 4000),
    ErrorCode.REVOKED: Meaning(403, 4403),
    ErrorCode.GOING_AWAY: Meaning(503, 4503, retryable=True),
    ErrorCode.PROTOCOL_ERROR: Meaning(400, 4400),
    ErrorCode.INTERNAL: Meaning(500, 4500, retryable=True),
}


class Refusal(Struct, frozen=True, omit_defaults=True):
    """One refusal or failure as it travels: over the link (msgpack), to the browser and the command line (JSON).

    `message` is one sentence that is safe to show; `next_step` says what to do; `details` holds short texts such as the missing verb.
    """

    code: ErrorCode
    refused_by: RefusedBy
    message: Text
    next_step: Text = ""
    details: Annotated[
        dict[Annotated[str, Meta(max_length=64)], Text | Annotated[list[Text], Meta(max_length=256)]], Meta(max_length=32)
    ] = {}

    def __post_init__(self) -> None:
        # texts of Kubernetes have no limit: a refusal must arrive nevertheless
        if len(self.message) > MAX_TEXT:
            force_setattr(self, "message", clip_text(self.message))
        if len(self.next_step) > MAX_TEXT:
            force_setattr(self, "next_step", clip_text(self.next_step))

    @property
    def meaning(self) -> Meaning:
        return MEANINGS[self.code]
