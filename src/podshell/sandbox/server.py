"""The HTTPS API server of one sandbox cluster: listener, and the chain every request runs through.

Owns the listening socket and the open connections.  The chain is that of apiserver: authentication, impersonation,
authorization, then the route.  Routes stand elsewhere: ``discovery.py``, ``reviews.py``, ``objects.py`` (and from there
``watch.py``, ``patches.py``, ...); exec, attach and log are registered from outside by :meth:`ApiServer.add_subresource`.
What nobody serves is refused by name with a proper Status.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from podshell.sandbox import discovery, reviews, statuses
from podshell.sandbox.admission import Admission
from podshell.sandbox.certs import issue_identity
from podshell.sandbox.impersonation import impersonate
from podshell.sandbox.objects import ObjectEndpoints
from podshell.sandbox.paths import RequestInfo, parse_request
from podshell.sandbox.rbac import Attributes, Authority, User, refusal
from podshell.sandbox.representation import json_response
from podshell.sandbox.resources import POD, Resource, by_path
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import ObjectStore

Handler = Callable[[web.Request, str, str], Awaitable[web.StreamResponse]]

# Upgrading these needs "create" beside "get" from 1.35 on (kubernetes.md 1.5).
_STREAMS = frozenset({"exec", "attach", "portforward"})
_BODY_LIMIT_BYTES = 3 * 1024 * 1024  # apiserver's MaxRequestBodyBytes
USER_KEY = web.RequestKey("podshell.user", User)  # request[USER_KEY]: for handlers of subresources

_log = logging.getLogger(__name__)


class ApiServer:
    """One API server.  ``url`` and ``ca_pem`` are what a kubeconfig needs; ``url`` is known after start()."""

    def __init__(
        self,
        store: ObjectStore,
        authority: Authority,
        *,
        server_version: tuple[int, int] = (1, 36),
        host: str = "127.0.0.1",
        version_wait_seconds: float = 3.0,
    ) -> None:
        self.store = store
        self.authority = authority
        self.server_version = server_version
        self._host = host
        self._port = 0
        self._identity = issue_identity("podshell-sandbox")
        self._tls = self._identity.context()
        self._connections = _Connections(self._handle, request_factory=_make_request)
        self._objects = ObjectEndpoints(store, self._connections, version_wait_seconds=version_wait_seconds, server_version=server_version)
        self._subresources: dict[tuple[Resource, str], tuple[Handler, frozenset[str]]] = {}
        self._listener: asyncio.Server | None = None

    @property
    def ca_pem(self) -> str:
        """The certificate of the authority that signed the server's."""
        return self._identity.ca_pem

    @property
    def url(self) -> str:
        """``https://127.0.0.1:PORT``."""
        return f"https://{self._host}:{self._port}"

    @property
    def admission(self) -> Admission:
        """What refuses writes beside RBAC and Pod Security."""
        return self._objects.admission

    def add_subresource(self, resource: Resource, name: str, handler: Handler, *, methods: Iterable[str] = ("GET",)) -> None:
        """Serve a subresource; ``handler`` gets request, namespace and name after all checks of rights.

        It may raise StatusError; ``request[USER_KEY]`` holds the user.
        """
        self._subresources[resource, name] = (handler, frozenset(methods))

    async def start(self, port: int = 0) -> None:
        """Listen on loopback.

        Raises: OSError when the port is taken.
        """
        if self._listener is not None:
            raise RuntimeError("the server already runs")
        listening = socket.create_server((self._host, port), backlog=1024)
        self._port = listening.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._connections, sock=listening, ssl=self._tls)

    async def stop(self) -> None:
        """Stop listening and drop every connection at once."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.close()
        self._connections.drop_all()
        # The handlers of the dropped connections get their cancellation or their connection error now.
        await self._connections.shutdown(timeout=0.5)

    async def rotate(self) -> None:
        """Restart on the same port; every connection is cut, as when a control plane is replaced."""
        port = self._port
        await self.stop()
        await self.start(port)

    async def _handle(self, plain: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(plain, web.Request)  # _make_request makes nothing else
        try:
            response = await self._answer(plain)
        except StatusError as error:
            response = json_response(error.body(), status=error.code)
            if isinstance(error.details, dict) and "retryAfterSeconds" in error.details:
                response.headers["Retry-After"] = str(error.details["retryAfterSeconds"])
        if not response.prepared:
            response.headers["Audit-Id"] = str(uuid.uuid4())
            response.headers["Cache-Control"] = "no-cache, private"
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        user = self.authority.authenticate(request.headers.get("Authorization"))
        if user is None:
            raise statuses.unauthorized()
        info = parse_request(request.method, request.path, request.query)
        user = impersonate(self.authority, user, request.headers, info)
        request[USER_KEY] = user
        self._authorize(user, info.attributes)
        if not info.is_resource:
            return discovery.answer(request, self.server_version)
        if reviews.is_review(info):
            return await reviews.answer(request, self.authority, user, info)
        resource = by_path(info.group, info.version, info.resource)
        if resource is None:
            if not discovery.serves_group(info.group, info.version):
                return discovery.page_not_found()
            raise statuses.unknown_resource()
        if info.subresource:
            return await self._answer_subresource(request, resource, user, info)
        try:
            return await self._objects.answer(request, resource, info)
        except (AttributeError, KeyError, TypeError) as error:
            if info.verb not in ("create", "update", "patch"):
                raise
            # Without schemas, a body of another shape shows only when it is used.
            _log.warning("body_unusable resource=%s verb=%s", resource.qualified, info.verb, exc_info=error)
            raise statuses.bad_request(f"the object provided is unrecognized (must be of type {resource.kind})") from error

    async def _answer_subresource(self, request: web.Request, resource: Resource, user: User, info: RequestInfo) -> web.StreamResponse:
        registered = self._subresources.get((resource, info.subresource))
        if registered is None:
            return await self._objects.answer_subresource(request, resource, info)
        handler, methods = registered
        if request.method not in methods:
            raise statuses.method_not_allowed()
        if resource is POD and info.subresource in _STREAMS and info.verb == "get" and self.authority.create_for_streams:
            wanted = Attributes("create", "", "pods", info.subresource, info.namespace, info.name)
            if not self.authority.decide(user, wanted).allowed:
                raise statuses.forbidden("pods", info.name, "")  # the empty reason: transcripts/rbac/exec-getonly.v5
        return await handler(request, info.namespace, info.name)

    def _authorize(self, user: User, attributes: Attributes) -> None:
        if not self.authority.decide(user, attributes).allowed:
            raise refusal(user, attributes)


class _Connections(web.Server):
    """The open connections of a server, and who wants to know when one of them ends."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], *, request_factory: _RequestFactory) -> None:
        super().__init__(handler, request_factory=request_factory, access_log=None, tcp_keepalive=True)
        self._watchers: dict[RequestHandler, list[Callable[[], None]]] = {}

    def on_lost(self, request: web.Request, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` when the connection of the request ends; returns what takes it back."""
        callbacks = self._watchers.setdefault(request.protocol, [])
        callbacks.append(callback)

        def forget() -> None:
            if callback in callbacks:
                callbacks.remove(callback)
            if not callbacks:
                self._watchers.pop(request.protocol, None)

        return forget

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        for callback in self._watchers.pop(handler, []):
            callback()

    def drop_all(self) -> None:
        """Reset every connection."""
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()


_RequestFactory = Callable[..., web.BaseRequest]


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.Request(message, payload, protocol, writer, task, loop, client_max_size=_BODY_LIMIT_BYTES)
