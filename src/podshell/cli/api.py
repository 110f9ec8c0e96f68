"""The gateway's REST surface as the command line uses it (spec/api.md): standard library, one request at a time, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from podshell.cli.gateways import Gateway
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.messages import End
from podshell.wire.tools import DebugPlan

REQUEST_SECONDS = 20.0
MAX_ANSWER_BYTES = 8 * 1024 * 1024

T = TypeVar("T")


class Unreachable(Exception):
    """The gateway did not answer, or not as one."""


class Refused(Exception):
    """The gateway said no. `retry_after_ms` set: the same may be asked again after that."""

    def __init__(self, refusal: Refusal, retry_after_ms: int | None) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.retry_after_ms = retry_after_ms


class ClusterRow(Struct):
    name: str
    state: Literal["online", "offline"]


class SessionRow(Struct):
    id: str
    cluster: str
    namespace: str
    pod: str
    container: str
    tty: bool
    end: End | None = None


class Opened(Struct):
    session: SessionRow
    ticket: str


class _Ticket(Struct):
    ticket: str


class _Detail(Struct):
    code: ErrorCode
    refused_by: RefusedBy
    message: str
    next_step: str = ""
    details: dict[str, str | list[str]] = {}
    retry_after_ms: int | None = None


class _ErrorBody(Struct):
    error: _Detail


class DebugBody(Struct, omit_defaults=True):
    """The options of a debug or node session; what is left out is the cluster's own default."""

    profile: str = ""
    capabilities: list[str] = []
    image: str = ""
    pull_policy: str = ""
    target: str = ""
    mount_host: bool = False
    host_write: bool = False
    host_pid: bool = False
    enter: bool = False
    seccomp_unconfined: bool = False
    apparmor_unconfined: bool = False
    system: str = ""
    ttl_seconds: int | None = None
    start_seconds: int | None = None


class OpenBody(Struct, omit_defaults=True):
    """What `POST /api/sessions` is asked for. A node session has `node` instead of namespace and pod."""

    cluster: str
    namespace: str = ""
    pod: str = ""
    kind: Literal["exec", "debug", "node"] = "exec"
    node: str = ""
    debug: DebugBody | None = None
    container: str = ""
    command: list[str] = []
    tty: bool = True
    cols: int = 80
    rows: int = 24
    reason: str = ""


class Api:
    """Calls to one gateway. Each opens a connection of its own; all methods raise Unreachable and Refused."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def clusters(self) -> list[ClusterRow]:
        return _decode(await self._call("GET", "/api/clusters"), list[ClusterRow])

    async def has_pod(self, cluster: str, namespace: str, pod: str) -> bool:
        """Say whether a cluster has a pod of that name."""
        path = "/".join(quote(part, safe="") for part in (cluster, "namespaces", namespace, "pods", pod))
        try:
            await self._call("GET", f"/api/clusters/{path}")
        except Refused as error:
            if error.refusal.code in (ErrorCode.NOT_FOUND, ErrorCode.TARGET_GONE):
                return False
            raise
        return True

    async def open_session(self, body: OpenBody) -> Opened:
        return _decode(await self._call("POST", "/api/sessions", msgspec.json.encode(body)), Opened)

    async def plan(self, body: OpenBody) -> DebugPlan:
        """Ask what opening a debug or node session would make; nothing is made."""
        return _decode(await self._call("POST", "/api/sessions/plan", msgspec.json.encode(body)), DebugPlan)

    async def session(self, session: str) -> SessionRow:
        return _decode(await self._call("GET", f"/api/sessions/{quote(session, safe='')}"), SessionRow)

    async def ticket(self, session: str) -> str:
        return _decode(await self._call("POST", f"/api/sessions/{quote(session, safe='')}/tickets", b"{}"), _Ticket).ticket

    async def close_session(self, session: str) -> None:
        await self._call("DELETE", f"/api/sessions/{quote(session, safe='')}")

    async def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            status, answer = await _in_thread(lambda: self._request(method, path, body))
        except (OSError, http.client.HTTPException, ssl.SSLError) as error:
            raise Unreachable(f"the gateway {self._gateway.url} does not answer: {_words(error)}") from error
        if status < 300:
            return answer
        refused = refused_from(status, answer)
        if refused is None:
            raise Unreachable(f"the gateway {self._gateway.url} answers with status {status} and no reason")
        raise refused

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        parts = urlsplit(self._gateway.url)
        assert parts.hostname is not None
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=REQUEST_SECONDS)
        headers = {"Authorization": f"Bearer {self._gateway.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.read(MAX_ANSWER_BYTES + 1)
        finally:
            connection.close()
        if len(answer) > MAX_ANSWER_BYTES:
            raise http.client.HTTPException("the answer is too long")
        return response.status, answer


async def _in_thread(work: Callable[[], T]) -> T:
    """Run blocking work in a thread of its own: a daemon, so that Ctrl-C does not wait for a gateway that hangs."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  # handed on to whoever awaits
            tell(partial(done.set_exception, error))
        else:
            tell(partial(done.set_result, result))

    def tell(settle: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else settle())

    threading.Thread(target=run, name="request", daemon=True).start()
    return await done


def refused_from(status: int, answer: bytes) -> Refused | None:
    """Read the body of an answer with an error status; None when it is not a gateway's."""
    try:
        detail = msgspec.json.decode(answer, type=_ErrorBody).error
    except msgspec.DecodeError:
        return None
    return Refused(Refusal(detail.code, detail.refused_by, detail.message, detail.next_step, detail.details), detail.retry_after_ms)


def _decode(answer: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        raise Unreachable(f"the gateway's answer is not what was expected: {error}") from error


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
