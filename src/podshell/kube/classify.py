"""What a refusal or failure of an exec means, and what to do next.

Pure. One classifier for both places where the same texts turn up: the body of a refused upgrade and the Status on channel 3
(kubernetes.md 1.6). The patterns are kubernetes.md 2.3, corrected by `transcripts/{exec,refused,rbac}`; the first that matches
wins, so narrow ones stand first. The server's own text is always kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from podshell.kube.errors import ApiError, ExecRefused, KubeError, Unreachable
from podshell.kube.status import FORBIDDEN_WITHOUT_REASON, forbidden_from_text


class FailureKind(StrEnum):
    """The closed set of reasons why a shell did not open or was ended by the cluster."""

    SHELL_MISSING = "shell-missing"
    SHELL_NOT_EXECUTABLE = "shell-not-executable"
    TARGET_GONE = "target-gone"
    CONTAINER_NOT_RUNNING = "container-not-running"
    CONTAINER_UNKNOWN = "container-unknown"
    CONTAINER_REQUIRED = "container-required"
    POD_NOT_SCHEDULED = "pod-not-scheduled"
    NODE_UNREACHABLE = "node-unreachable"
    RUNTIME_REFUSES_V5 = "runtime-refuses-v5"
    PROTOCOL_REFUSED = "protocol-refused"
    UNAUTHENTICATED = "unauthenticated"
    RBAC = "rbac"
    PSA = "pod-security"
    ADMISSION = "admission"
    QUOTA = "quota"
    CONFLICT = "conflict"
    TOO_MANY_REQUESTS = "too-many-requests"
    INVALID_REQUEST = "invalid-request"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Failed:
    """A classified failure.

    `message` is the server's own text, `next_step` one sentence for the user. `verb` and `resource` are filled for RBAC.
    `status_code` is HTTP's or the Status's, 0 if there was none. `retryable`: the same request may work later, unchanged.
    """

    kind: FailureKind
    message: str
    next_step: str
    status_code: int = 0
    verb: str = ""
    resource: str = ""
    namespace: str = ""
    retryable: bool = False


_K = FailureKind

_PATTERNS: tuple[tuple[FailureKind, re.Pattern[str]], ...] = (
    # cri-dockerd behind a 1.36 kubelet: v5 gets its 101 and then this (kubernetes.md 1.2); the same exec works with v4.
    (_K.RUNTIME_REFUSES_V5, re.compile(r"server gave HTTP response to HTTPS client")),
    (_K.PSA, re.compile(r"violates PodSecurity")),
    (_K.ADMISSION, re.compile(r"admission webhook .* denied|denied by .*(?:polic|admission)|ValidatingAdmissionPolicy")),
    (_K.QUOTA, re.compile(r"(?:exceeded|failed) quota|insufficient quota|status unknown for quota")),
    (_K.RBAC, re.compile(r"User \"[^\"]*\" cannot |cannot \S+ resource ")),
    # Whoever else forbids something says why: LimitRanger, a namespace that ends, a missing service account, ImagePolicyWebhook
    # (apiserver pkg/admission/errors.go). It may quote anything, so this comes before what looks for words of the runtime or the network.
    (_K.ADMISSION, re.compile(r"is forbidden: \S")),
    (_K.CONTAINER_REQUIRED, re.compile(r"a container name must be specified")),
    (_K.CONTAINER_UNKNOWN, re.compile(r"container \S+ is not valid for pod")),
    (_K.POD_NOT_SCHEDULED, re.compile(r"does not have a host assigned")),
    # Before SHELL_MISSING: these too say "not found".
    (
        _K.CONTAINER_NOT_RUNNING,
        re.compile(
            r"container not found \(|not found in pod|CONTAINER_EXITED|cannot exec in a (?:stopped|deleted) (?:container|state)"
            r"|container .* is not (?:created or )?running"
        ),
    ),
    (
        _K.SHELL_NOT_EXECUTABLE,
        re.compile(r'exec: "[^"]*": permission denied|exec failed: .*permission denied|exec format error'),
    ),
    (
        _K.SHELL_MISSING,
        re.compile(
            r"executable file (?:not found|`.*` not found|\S* not found)|not found in \$PATH|stat \S+: no such file or directory"
            r"|the file \S+ was not found|cannot find the file specified|exec: \"[^\"]*\": no such file or directory"
        ),
    ),
    (
        _K.NODE_UNREACHABLE,
        re.compile(
            r"error dialing backend|No agent available|connection refused|i/o timeout|no route to host|no such host"
            r"|error sending request"
        ),
    ),
    (_K.TARGET_GONE, re.compile(r"pod does not exist|pods \"[^\"]*\" not found|namespaces \"[^\"]*\" not found")),
    (_K.PROTOCOL_REFUSED, re.compile(r"Upgrade request required|bad method|finished before becoming ready|unsupported protocol")),
    (_K.INVALID_REQUEST, re.compile(r"must specify at least 1 of stdin|args must not be empty")),
)

_BY_CODE: dict[int, FailureKind] = {
    400: _K.INVALID_REQUEST,
    401: _K.UNAUTHENTICATED,
    403: _K.RBAC,
    404: _K.TARGET_GONE,
    405: _K.PROTOCOL_REFUSED,
    409: _K.CONFLICT,
    422: _K.INVALID_REQUEST,
    429: _K.TOO_MANY_REQUESTS,
    502: _K.NODE_UNREACHABLE,
    503: _K.NODE_UNREACHABLE,
    504: _K.NODE_UNREACHABLE,
}

_NEXT_STEP: dict[FailureKind, str] = {
    _K.SHELL_MISSING: "The container has no such program: name another command, or open a debug container beside it.",
    _K.SHELL_NOT_EXECUTABLE: "The container's user may not run that file: name another command, or open a debug container.",
    _K.TARGET_GONE: "The pod no longer exists: choose one that is there now.",
    _K.CONTAINER_NOT_RUNNING: "The container is not running: look at its state and its log, and try again when it runs.",
    _K.CONTAINER_UNKNOWN: "The pod has no container of that name: choose one from its list.",
    _K.CONTAINER_REQUIRED: "The pod has several containers: choose one.",
    _K.POD_NOT_SCHEDULED: "The pod has no node yet: wait until it is scheduled, or look at its events.",
    _K.NODE_UNREACHABLE: "The API server cannot reach the node: look at the node's state and try again.",
    _K.RUNTIME_REFUSES_V5: "The node's runtime does not understand the newer protocol: the older one is tried.",
    _K.PROTOCOL_REFUSED: "Something between here and the node does not speak WebSocket exec: Kubernetes 1.30 or newer is needed.",
    _K.UNAUTHENTICATED: "The API server does not know these credentials: sign in again or renew the token.",
    _K.RBAC: "Ask the cluster's owner for the missing right.",
    _K.PSA: "The namespace's Pod Security level forbids this: choose a stricter profile or another namespace.",
    _K.ADMISSION: "An admission rule of the cluster refused this: read its text or ask the cluster's owner.",
    _K.QUOTA: "The namespace's quota does not let it be made: ask its owner for a larger one, or use another namespace.",
    _K.CONFLICT: "Others changed it at the same time: try again.",
    _K.TOO_MANY_REQUESTS: "The API server is busy: try again in a moment.",
    _K.INVALID_REQUEST: "The API server did not accept the request: read its text.",
    _K.SERVER: "The API server or the node failed: try again, and look at the node's state if it goes on.",
}

_RETRYABLE = frozenset({_K.CONFLICT, _K.NODE_UNREACHABLE, _K.TOO_MANY_REQUESTS, _K.POD_NOT_SCHEDULED, _K.RUNTIME_REFUSES_V5})


def classify(message: str, *, status_code: int = 0, subresource: str = "pods/exec") -> Failed:
    """Classify the server's text of a refused upgrade or of channel 3.

    `subresource` completes the 403 without a reason, which names none.
    """
    if FORBIDDEN_WITHOUT_REASON.match(message):
        return _rbac(message, status_code or 403, verb="create", resource=subresource, namespace="")
    matching = (kind for kind, pattern in _PATTERNS if pattern.search(message))
    kind = next(matching, _BY_CODE.get(status_code, _K.SERVER))
    # A refused subprotocol is a 403 without a body (transcripts/refused/bad-subprotocol).
    if status_code == 403 and (not message or message.endswith("no text")):
        kind = _K.PROTOCOL_REFUSED
    if kind is _K.RBAC:
        refused = forbidden_from_text(message)
        return _rbac(message, status_code or 403, refused.verb, refused.resource, refused.namespace)
    return Failed(kind, message, _NEXT_STEP[kind], status_code=status_code, retryable=kind in _RETRYABLE)


def _rbac(message: str, status_code: int, verb: str, resource: str, namespace: str) -> Failed:
    if resource in ("pods/exec", "pods/attach"):
        # Before 1.35 a WebSocket needs `get`, from then on both (kubernetes.md 1.5).
        next_step = f'Ask the cluster\'s owner for the verbs "get" and "create" on {resource}; "{verb}" is missing.'
    elif verb and resource:
        next_step = f'Ask the cluster\'s owner for the verb "{verb}" on {resource}.'
    else:
        next_step = _NEXT_STEP[_K.RBAC]
    return Failed(_K.RBAC, message, next_step, status_code, verb=verb, resource=resource, namespace=namespace)


def failed_from_error(error: KubeError) -> Failed:
    """Classify whatever the client raised."""
    match error:
        case ExecRefused():
            return error.failed
        case Unreachable():
            return Failed(_K.NODE_UNREACHABLE, str(error), "It is tried again; look at the API server if it goes on.", retryable=True)
        case ApiError():
            return classify(error.message, status_code=error.status_code)
        case _:
            return Failed(_K.SERVER, str(error), "Try again; if it goes on, something answers in the API server's place.")


# A shell that is there runs longer than this before it ends with one of the codes below (kubernetes.md 2.3).
_START_FAILURE_SECONDS = 2.0
# Runtimes that turn "no such program" into an exit code: crun 1, older runc 126, a wrapper's 127, CRI-O with runc 255.
_START_FAILURE_CODES = frozenset({1, 126, 127, 255})


def classify_exit(code: int, output: str, *, seconds_after_start: float, started: bool) -> Failed | None:
    """Return the failure that an early exit code hides, or None for an honest exit.

    `output` is the beginning of what the stream printed; `started` says that the start marker was seen, after which every
    exit is the shell's own.
    """
    if started or code not in _START_FAILURE_CODES or seconds_after_start > _START_FAILURE_SECONDS:
        return None
    failed = classify(output)
    if failed.kind in (_K.SHELL_MISSING, _K.SHELL_NOT_EXECUTABLE):
        return failed
    if code in (126, 127):
        kind = _K.SHELL_NOT_EXECUTABLE if code == 126 else _K.SHELL_MISSING
        return Failed(kind, output.strip() or f"the command ended at once with exit code {code}", _NEXT_STEP[kind])
    return None
