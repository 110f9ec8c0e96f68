"""Errors of the Kubernetes client.

    KubeError
    ├── KubeconfigError        the configuration on this machine (one sentence: file, what is wrong, what to do next)
    │   └── FlagsContradict    two flags of a command line do not go together, or one needs another
    ├── Unreachable            no HTTP answer: names the server and the cause
    ├── BadAnswer              an answer that is not what the API promises (a proxy's page, a cut watch line)
    ├── StdinOverflow          a local bug: the caller ignored `stdin_writable`
    ├── ExecRefused            an exec refused before the upgrade; carries the classified `Failed`
    └── ApiError               the server answered with an error (a Status or plain text)
        ├── BadRequest (400) · Unauthorized (401) · Forbidden (403) · NotFound (404) · Conflict (409)
        ├── Gone (410) · Invalid (422) · TooManyRequests (429, `retry_after_seconds`)
        └── ServerError (5xx)

`ApiError` of other codes (405, 406, 415) is raised as itself. Messages are the server's own text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podshell.kube.classify import Failed


class KubeError(Exception):
    """Root of everything that this package raises on purpose."""


class KubeconfigError(KubeError):
    """The kubeconfig, the in-cluster files or a credential plugin cannot be used; the text is one sentence for people."""


class FlagsContradict(KubeconfigError):
    """The flags that change a kubeconfig do not go together."""


class Unreachable(KubeError):
    """No answer came from the API server."""

    def __init__(self, server: str, cause: str) -> None:
        super().__init__(f"cannot reach the API server {server}: {cause}")
        self.server = server
        self.cause = cause


class BadAnswer(KubeError):
    """The server, or something that answers in its place, sent what is no Kubernetes object."""


class StdinOverflow(KubeError):
    """More input was handed over than the stated backlog allows: the caller must honour `stdin_writable`."""


class ExecRefused(KubeError):
    """The server refused an exec before it became a WebSocket."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.message)
        self.failed = failed


class ApiError(KubeError):
    """The API server answered with an error.

    `reason` is the Status reason ("" for a plain-text answer); `message` is the server's own text.
    """

    def __init__(self, message: str, *, status_code: int, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.reason = reason


class BadRequest(ApiError):
    """400."""


class Unauthorized(ApiError):
    """401: the credentials are missing, expired or wrong."""


class Forbidden(ApiError):
    """403.

    `user`, `verb`, `resource`, `group` and `namespace` are filled from the long form of the text and are "" where the
    server gives only the short one (`pods "two" is forbidden: `, which is a missing `create`; transcripts/rbac/exec-getonly.v5).
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 403,
        reason: str = "Forbidden",
        user: str = "",
        verb: str = "",
        resource: str = "",
        group: str = "",
        namespace: str = "",
    ) -> None:
        super().__init__(message, status_code=status_code, reason=reason)
        self.user = user
        self.verb = verb
        self.resource = resource
        self.group = group
        self.namespace = namespace


class NotFound(ApiError):
    """404. `name` is empty when the path itself is unknown to the server."""

    def __init__(self, message: str, *, status_code: int = 404, reason: str = "NotFound", name: str = "") -> None:
        super().__init__(message, status_code=status_code, reason=reason)
        self.name = name


class Conflict(ApiError):
    """409."""


class Gone(ApiError):
    """410: the resourceVersion or continue token is too old; list again."""


class Invalid(ApiError):
    """422."""


class TooManyRequests(ApiError):
    """429."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 429,
        reason: str = "TooManyRequests",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, status_code=status_code, reason=reason)
        self.retry_after_seconds = retry_after_seconds


class ServerError(ApiError):
    """5xx."""

    def __init__(self, message: str, *, status_code: int, reason: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(message, status_code=status_code, reason=reason)
        self.retry_after_seconds = retry_after_seconds
