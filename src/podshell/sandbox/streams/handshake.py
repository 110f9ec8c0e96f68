"""What stands between the rights of the caller and an open stream: parameters, refusals, and where the container is.

The order and the texts are those of apiserver, kubelet and containerd (transcripts/refused, attach/refused-*): a Status
object as long as the API server refuses, plain text once the node does, nothing at all for a bad subprotocol.
"""

from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from multidict import MultiMapping

from podshell.sandbox import statuses
from podshell.sandbox.runtime import Container, ContainerLog
from podshell.sandbox.streams.channels import Subprotocol, negotiate
from podshell.sandbox.streams.connection import Hijacked


@dataclass(frozen=True)
class FoundContainer:
    """What a finder knows about one container of a pod.

    ``container`` is its present run, None while it waits or after it ended.  ``log`` is that of the present or the last
    run, ``previous_log`` that of the run before; ``waiting`` is the end of the sentence "is waiting to start: ...".
    """

    name: str
    container: Container | None
    log: ContainerLog | None = None
    previous_log: ContainerLog | None = None
    waiting: str = "ContainerCreating"


class Finder(Protocol):
    """Finds a container as the API server does for exec, attach and log."""

    def __call__(self, namespace: str, pod: str, container: str | None) -> FoundContainer:
        """Return the container (None: the only one, or that of the default-container annotation).

        Raises: StatusError (no such pod, not scheduled, ambiguous or wrong container), NodeError.
        """


class NodeError(Exception):
    """The node refuses before the upgrade, in plain text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def response(self) -> web.Response:
        """Build the answer; aiohttp adds the recorded ``text/plain; charset=utf-8``."""
        return web.Response(status=self.code, text=self.message)


@dataclass(frozen=True)
class StreamOptions:
    """The parameters of exec and attach; unknown ones are ignored (transcripts/refused/unknown-param.*)."""

    container: str | None
    command: list[str]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool


def read_options(query: MultiMapping[str]) -> StreamOptions:
    """Read the query as apimachinery's conversion does."""
    return StreamOptions(
        container=query.get("container") or None,
        command=list(query.getall("command", [])),
        stdin=read_flag(query, "stdin"),
        stdout=read_flag(query, "stdout"),
        stderr=read_flag(query, "stderr"),
        tty=read_flag(query, "tty"),
    )


def read_flag(query: MultiMapping[str], name: str) -> bool:
    """Read a boolean: everything but ``false`` and ``0`` is true, the empty value too (transcripts/exec/bool-*)."""
    return name in query and query[name].lower() not in ("false", "0")


def asks_for_spdy(request: web.Request) -> bool:
    """Whether this is kubectl's second try, over SPDY, after a WebSocket was refused; it prints the node's reason of this one."""
    return request.headers.get("Upgrade", "").lower() == "spdy/3.1" and "X-Stream-Protocol-Version" in request.headers


def check_upgrade(request: web.Request) -> web.StreamResponse | None:
    """Refuse what is no WebSocket request; None when it is one."""
    words = [word.strip().lower() for word in request.headers.get("Connection", "").split(",")]
    if "upgrade" not in words or request.headers.get("Upgrade", "").lower() != "websocket":
        raise statuses.bad_request("Upgrade request required")
    if request.method != "GET":  # transcripts/refused/post-websocket-v5
        return refuse_raw(request, "405 Method Not Allowed", "bad method")
    return None


def check_subprotocol(request: web.Request) -> Subprotocol | None:
    """Choose the subprotocol; only the first header line counts (transcripts/refused/two-header-lines-*)."""
    return negotiate(request.headers.get("Sec-WebSocket-Protocol"))


def check_streams(options: StreamOptions) -> None:
    """Refuse a request for no stream at all.

    Raises: NodeError.
    """
    if not (options.stdin or options.stdout or options.stderr):
        raise NodeError(400, "you must specify at least 1 of stdin, stdout, stderr")


def refuse_raw(request: web.Request, status: str, body: str = "") -> web.StreamResponse:
    """Answer without content length or type and end the connection, as the hijacked proxies do."""
    if request.transport is not None:
        request.transport.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}".encode())
        request.transport.close()
    return Hijacked()
