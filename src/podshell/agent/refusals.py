"""What the Kubernetes client reports, as the refusals that people see. Pure; the texts are the server's own."""

from __future__ import annotations

from podshell.kube.classify import Failed, FailureKind, classify, failed_from_error
from podshell.kube.errors import Forbidden, KubeconfigError, KubeError, NotFound, Unreachable
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

_K, _C, _B = FailureKind, ErrorCode, RefusedBy

_KINDS: dict[FailureKind, tuple[ErrorCode, RefusedBy]] = {
    _K.SHELL_MISSING: (_C.SHELL_MISSING, _B.RUNTIME),
    _K.SHELL_NOT_EXECUTABLE: (_C.SHELL_NOT_EXECUTABLE, _B.RUNTIME),
    _K.TARGET_GONE: (_C.TARGET_GONE, _B.KUBERNETES),
    _K.CONTAINER_NOT_RUNNING: (_C.NOT_RUNNING, _B.NODE),
    _K.CONTAINER_UNKNOWN: (_C.NOT_FOUND, _B.KUBERNETES),
    _K.CONTAINER_REQUIRED: (_C.CONTAINER_REQUIRED, _B.KUBERNETES),
    _K.POD_NOT_SCHEDULED: (_C.NOT_RUNNING, _B.KUBERNETES),
    _K.NODE_UNREACHABLE: (_C.NODE_UNREACHABLE, _B.KUBERNETES),
    _K.RUNTIME_REFUSES_V5: (_C.START_FAILED, _B.RUNTIME),
    _K.PROTOCOL_REFUSED: (_C.START_FAILED, _B.KUBERNETES),
    _K.UNAUTHENTICATED: (_C.FORBIDDEN_BY_KUBERNETES, _B.KUBERNETES),
    _K.RBAC: (_C.FORBIDDEN_BY_KUBERNETES, _B.KUBERNETES),
    _K.PSA: (_C.FORBIDDEN_BY_ADMISSION, _B.POD_SECURITY),
    _K.ADMISSION: (_C.FORBIDDEN_BY_ADMISSION, _B.ADMISSION),
    _K.QUOTA: (_C.LIMIT_REACHED, _B.KUBERNETES),
    _K.CONFLICT: (_C.CONFLICT, _B.KUBERNETES),
    _K.TOO_MANY_REQUESTS: (_C.LIMIT_REACHED, _B.KUBERNETES),
    _K.INVALID_REQUEST: (_C.BAD_REQUEST, _B.KUBERNETES),
    _K.SERVER: (_C.START_FAILED, _B.KUBERNETES),
}


def refusal_from_failed(failed: Failed) -> Refusal:
    """Translate a classified failure."""
    code, refused_by = _KINDS[failed.kind]
    details: dict[str, str | list[str]] = {"kind": failed.kind.value}
    if failed.verb:
        details |= {"verb": failed.verb, "resource": failed.resource}
    return Refusal(code, refused_by, failed.message[:4096], failed.next_step, details)


def refusal_from_error(error: KubeError, *, subject: str) -> Refusal:
    """Translate what reading an object raised; `subject` names the object."""
    match error:
        case NotFound():
            return Refusal(_C.NOT_FOUND, _B.KUBERNETES, error.message, f"{subject} is not there: choose one from the list")
        case Forbidden():
            return refusal_from_failed(classify(error.message, status_code=403))
        case Unreachable() | KubeconfigError():
            return Refusal(_C.API_SERVER_UNREACHABLE, _B.AGENT, str(error), "look at the API server and at the agent's log")
        case _:
            return refusal_from_failed(failed_from_error(error))
