"""REST on one API server: get, list, create, patch, replace, delete, logs, watch lines; typed errors.

`Client` owns one aiohttp session for its life (`async with`). Answers are decoded into the Structs of `objects.py` or any
other msgspec type. `reflector.py` keeps caches on top of it, `exec.py` borrows its connection and headers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from types import TracebackType
from typing import Any, Generic, TypeVar

import aiohttp
import msgspec
from yarl import URL

from podshell import __version__
from podshell.kube.connection import Connection, Impersonation
from podshell.kube.errors import ApiError, BadAnswer, ServerError, TooManyRequests, Unauthorized, Unreachable
from podshell.kube.status import error_from_response

T = TypeVar("T")

USER_AGENT = f"podshell/{__version__}"
PAGE_LIMIT = 500  # what client-go's pager asks for
_RETRIES = 2
_RETRY_CAP_SECONDS = 10.0
_ERROR_BODY_LIMIT_BYTES = 256 * 1024
_REQUEST_TIMEOUT_SECONDS = 30.0
_CONNECT_TIMEOUT_SECONDS = 10.0

Params = Mapping[str, str]


class PatchKind(Enum):
    """How a patch is applied; ephemeral containers need STRATEGIC (kubernetes.md 4.1)."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list: its items, and the version to watch from."""

    items: Sequence[T]
    resource_version: str
    remaining: bool


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct, Generic[T]):
    metadata: _ListMeta
    items: list[T] | None = None


class ServerVersion(msgspec.Struct, frozen=True, rename="camel"):
    """What `/version` says; any signed-in user may ask."""

    git_version: str = ""
    platform: str = ""


class Client:
    """A session with one API server. `request_seconds` bounds one answer that ends (None: nothing does); watches and logs have no bound."""

    def __init__(
        self,
        connection: Connection,
        *,
        impersonate: Impersonation | None = None,
        user_agent: str = USER_AGENT,
        request_seconds: float | None = _REQUEST_TIMEOUT_SECONDS,
        compressed: bool = True,
    ) -> None:
        self.connection = connection
        self._request_seconds = request_seconds
        self._compressed = compressed
        self._impersonate = impersonate or connection.impersonate
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None
        self._list_decoders: dict[type, msgspec.json.Decoder[Any]] = {}

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all idle connections; streams must be closed by their owners."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def headers(self) -> list[tuple[str, str]]:
        """Return User-Agent, credentials and impersonation for one request. Nothing secret goes to plain http.

        Raises:
            KubeconfigError: a plugin or token file failed.
        """
        pairs = [("User-Agent", self._user_agent)]
        if self.connection.tls is not None:
            pairs += (await self.connection.credentials.headers()).items()
        if self._impersonate is not None:
            pairs += self._impersonate.headers()
        return pairs

    # -- objects ----------------------------------------------------------------------------------------------------

    async def get(self, path: str, kind: type[T], params: Params | None = None) -> T:
        """Get one object at `path` ("/api/v1/namespaces/x/pods/y").

        Raises:
            ApiError: the typed refusals of `errors.py`.
            Unreachable, BadAnswer: no answer, or none of a Kubernetes API.
        """
        answer = await self._read("GET", path, params=params, retries=_RETRIES)
        return decode_answer(answer, msgspec.json.Decoder(kind))

    async def server_version(self) -> ServerVersion:
        """Ask for the server's version: the cheapest proof that it answers and knows the caller."""
        return await self.get("/version", ServerVersion)

    async def list_pages(
        self, path: str, item: type[T], *, limit: int = PAGE_LIMIT, params: Params | None = None
    ) -> AsyncIterator[Page[T]]:
        """Yield the pages of a list; `Gone` in the middle means: begin again."""
        decoder = self._list_decoders.get(item)
        if decoder is None:
            decoder = self._list_decoders[item] = msgspec.json.Decoder(_List[item])  # type: ignore[valid-type]  # a runtime generic
        query = {**(params or {}), "limit": str(limit)}
        while True:
            answer: _List[T] = decode_answer(await self._read("GET", path, params=query, retries=_RETRIES), decoder)
            token = answer.metadata.continue_
            yield Page(answer.items or (), answer.metadata.resource_version, bool(token))
            if not token:
                return
            query = {**query, "continue": token}

    async def list(self, path: str, item: type[T], *, params: Params | None = None) -> list[T]:
        """Return all items of a list."""
        items: list[T] = []
        async for page in self.list_pages(path, item, params=params):
            items += page.items
        return items

    async def create(self, path: str, body: object, kind: type[T], *, params: Params | None = None) -> T:
        """Post `body` (anything msgspec encodes) to the collection or subresource at `path`."""
        answer = await self._read("POST", path, params=params, body=body, content_type="application/json")
        return decode_answer(answer, msgspec.json.Decoder(kind))

    async def patch(self, path: str, body: object, kind: type[T], *, how: PatchKind = PatchKind.MERGE, params: Params | None = None) -> T:
        """Patch the object at `path`."""
        answer = await self._read("PATCH", path, params=params, body=body, content_type=how.value)
        return decode_answer(answer, msgspec.json.Decoder(kind))

    async def replace(self, path: str, body: object, kind: type[T]) -> T:
        """Put `body` in the place of the object at `path`; a Conflict when its resourceVersion is not the newest."""
        answer = await self._read("PUT", path, body=body, content_type="application/json")
        return decode_answer(answer, msgspec.json.Decoder(kind))

    async def delete(self, path: str, *, grace_seconds: int | None = None, uid: str = "", propagation: str = "") -> None:
        """Delete the object at `path`, only that with `uid` if given; NotFound is raised as such."""
        options: dict[str, object] = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if uid:
            options["preconditions"] = {"uid": uid}
        if propagation:
            options["propagationPolicy"] = propagation
        await self._read("DELETE", path, body=options, content_type="application/json")

    async def log_stream(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = True,
        tail_lines: int | None = None,
        previous: bool = False,
    ) -> AsyncIterator[bytes]:
        """Yield a container's log as it comes, in pieces of any size. Reading slowly slows the server, nothing is buffered."""
        params = {"container": container}
        if follow:
            params["follow"] = "true"
        if previous:
            params["previous"] = "true"
        if tail_lines is not None:
            params["tailLines"] = str(tail_lines)
        async with self.open_stream(f"/api/v1/namespaces/{namespace}/pods/{pod}/log", params) as content:
            async for piece in content.iter_any():
                yield piece

    @asynccontextmanager
    async def open_stream(self, path: str, params: Params | None = None) -> AsyncIterator[aiohttp.StreamReader]:
        """Open a GET whose body has no end in sight (watch, log). Leaving the block closes it.

        Raises:
            ApiError, Unreachable: also in the middle of the stream.
        """
        try:
            async with await self._request("GET", path, params=params, endless=True) as response:
                yield response.content
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(self.connection.server, describe_cause(error)) from error

    async def request_raw(self, method: str, path_and_query: str, headers: Sequence[tuple[str, str]]) -> aiohttp.ClientResponse:
        """Send exactly these headers and return whatever comes, refusals too.

        Raises:
            aiohttp.ClientError, OSError: untranslated.
        """
        return await self._open_session().request(
            method,
            URL(self.connection.server + path_and_query, encoded=True),
            headers=headers,
            server_hostname=self.connection.tls_server_name,
            proxy=self.connection.proxy_url,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_SECONDS, sock_connect=_CONNECT_TIMEOUT_SECONDS),
        )

    # -- one request ------------------------------------------------------------------------------------------------

    async def _read(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: object = None,
        content_type: str = "",
        retries: int = 0,
    ) -> bytes:
        while True:
            try:
                async with await self._request(method, path, params, body, content_type) as response:
                    return await response.read()
            except (TooManyRequests, ServerError) as error:
                # Only when the server names a time does asking again help rather than harm.
                if retries <= 0 or error.retry_after_seconds is None:
                    raise
                await asyncio.sleep(min(error.retry_after_seconds, _RETRY_CAP_SECONDS))
            except (aiohttp.ClientError, OSError) as error:
                # A pooled connection that the server closed while idle fails once; a GET may be sent again.
                if retries <= 0 or not isinstance(error, aiohttp.ServerDisconnectedError):
                    raise Unreachable(self.connection.server, describe_cause(error)) from error
            retries -= 1

    async def _request(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        body: object = None,
        content_type: str = "",
        *,
        endless: bool = False,
    ) -> aiohttp.ClientResponse:
        timeout_seconds = None if endless else self._request_seconds
        try:
            return await self._request_once(method, path, params, body, content_type, timeout_seconds)
        except Unauthorized:
            # Tokens rotate under our feet: read them again, once (kubernetes.md, stack.md 1).
            self.connection.credentials.invalidate()
            return await self._request_once(method, path, params, body, content_type, timeout_seconds)

    async def _request_once(
        self, method: str, path: str, params: Params | None, body: object, content_type: str, timeout: float | None
    ) -> aiohttp.ClientResponse:
        headers = [*await self.headers(), ("Accept", "application/json")]
        if content_type:
            headers.append(("Content-Type", content_type))
        if not self._compressed:
            headers.append(("Accept-Encoding", "identity"))
        try:
            response = await self._open_session().request(
                method,
                self.connection.server + path,
                params=params,
                data=None if body is None else msgspec.json.encode(body),
                headers=headers,
                server_hostname=self.connection.tls_server_name,
                proxy=self.connection.proxy_url,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=_CONNECT_TIMEOUT_SECONDS),
            )
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, aiohttp.ServerDisconnectedError):
                raise
            raise Unreachable(self.connection.server, describe_cause(error)) from error
        if response.status < 300:
            return response
        async with response:
            raise await _refusal(response)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = self.connection.tls
            # limit=0: with aiohttp's default of 100 the 101st long-lived request waits for ever (stack.md 1).
            connector = aiohttp.TCPConnector(limit=0, ssl=tls if tls is not None else True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def decode_answer(data: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode what the server sent.

    Raises:
        BadAnswer: it is not what `decoder` expects.
    """
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadAnswer(f"the server's answer is not what a Kubernetes API sends: {error}") from error


async def read_bounded(content: aiohttp.StreamReader, limit_bytes: int) -> bytes:
    """Read a body, and of one that is longer than `limit_bytes` about as much."""
    body = b""
    while len(body) < limit_bytes and (piece := await content.readany()):
        body += piece
    return body


async def _refusal(response: aiohttp.ClientResponse) -> ApiError:
    body = await read_bounded(response.content, _ERROR_BODY_LIMIT_BYTES)
    return error_from_response(response.status, body, response.headers)


def describe_cause(error: BaseException) -> str:
    """Say in a few words why no answer came."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted ({error.certificate_error})"
    if isinstance(error, ssl.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"its certificate is not trusted ({error})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error) or type(error.os_error).__name__
    return str(error) or type(error).__name__
