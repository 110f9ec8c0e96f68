"""The subresources exec, attach and log of pods, registered on an API server.

``Streams`` belongs to one cluster.  Where a container is, it is told by a finder; what shall go wrong, by ``faults``.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from aiohttp import web

from podshell.sandbox.resources import POD, Resource
from podshell.sandbox.runtime import Container, Runtime
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.streams.attaches import AttachSession
from podshell.sandbox.streams.connection import Connection, Hijacked
from podshell.sandbox.streams.containerlogs import choose_log, read_log_options, send_log
from podshell.sandbox.streams.execs import ExecSession
from podshell.sandbox.streams.faults import Faults, StreamFault, Target
from podshell.sandbox.streams.handshake import (
    Finder,
    NodeError,
    StreamOptions,
    asks_for_spdy,
    check_streams,
    check_subprotocol,
    check_upgrade,
    read_options,
    refuse_raw,
)

_Handler = Callable[[web.Request, str, str], Awaitable[web.StreamResponse]]


class SubresourceServer(Protocol):
    """What ``Streams`` needs of an API server."""

    def add_subresource(self, resource: Resource, name: str, handler: _Handler, *, methods: Iterable[str] = ("GET",)) -> None:
        """Call ``handler`` with request, namespace and pod after all checks of rights."""


class Streams:
    """exec, attach and log of one cluster."""

    def __init__(self, runtime: Runtime, finder: Finder, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self._runtime = runtime
        self._finder = finder

    def register(self, server: SubresourceServer) -> None:
        """Serve the three subresources."""
        server.add_subresource(POD, "exec", self._exec, methods=("GET", "POST"))
        server.add_subresource(POD, "attach", self._attach, methods=("GET", "POST"))
        server.add_subresource(POD, "log", self._log, methods=("GET",))

    async def _exec(self, request: web.Request, namespace: str, pod: str) -> web.StreamResponse:
        return await self._stream(request, namespace, pod, attach=False)

    async def _attach(self, request: web.Request, namespace: str, pod: str) -> web.StreamResponse:
        return await self._stream(request, namespace, pod, attach=True)

    async def _stream(self, request: web.Request, namespace: str, pod: str, *, attach: bool) -> web.StreamResponse:
        options = read_options(request.query)
        try:
            found = self._finder(namespace, pod, options.container)
            target = Target(namespace, pod, found.name)
            spdy = asks_for_spdy(request)
            refused = None if spdy else check_upgrade(request)
            if refused is not None:
                return refused
            check_streams(options)
            container = found.container
            if container is None or not container.running:
                raise _not_running(namespace, pod, found.name, attach=attach)
            if attach and container.spec.tty and options.stderr and not options.tty:  # transcripts/attach/tty-not-asked.*
                raise NodeError(500, "rpc error: code = InvalidArgument desc = tty and stderr cannot both be true")
        except NodeError as error:
            return error.response()
        if spdy:
            check_upgrade(request)  # refuses it: SPDY is not served here
        fault = self.faults.take(target)
        if fault is not None and fault.refuse is not None:
            raise fault.refuse
        return await self._serve(request, options, container, target, fault, attach=attach)

    async def _serve(
        self,
        request: web.Request,
        options: StreamOptions,
        container: Container,
        target: Target,
        fault: StreamFault | None,
        *,
        attach: bool,
    ) -> web.StreamResponse:
        subprotocol = check_subprotocol(request)
        if subprotocol is None:
            return refuse_raw(request, "403 Forbidden")
        connection = Connection(request)
        connection.accept(subprotocol.name)
        self.faults.opened(connection, target)
        try:
            if attach:
                await AttachSession(connection, subprotocol, options, fault, container).run()
            else:
                await ExecSession(connection, subprotocol, options, fault, container).run(self._runtime)
        finally:
            self.faults.closed(connection)
            connection.close()
        return Hijacked()

    async def _log(self, request: web.Request, namespace: str, pod: str) -> web.StreamResponse:
        options = read_log_options(request.query)
        try:
            found = self._finder(namespace, pod, options.container)
        except NodeError as error:
            return error.response()
        except StatusError as error:
            if error.message.endswith("does not have a host assigned"):  # `kubectl logs` of it prints nothing, exit 0
                return web.Response(content_type="text/plain")
            raise
        log = choose_log(found, pod, previous=options.previous)
        return await send_log(request, log, options)


def _not_running(namespace: str, pod: str, name: str, *, attach: bool) -> NodeError:
    """Build the kubelet's refusal (transcripts/refused/container-waiting.*, attach/refused-waiting.*)."""
    if attach:
        return NodeError(500, f"container {name} not found in pod {pod}_{namespace}")
    return NodeError(500, f'container not found ("{name}")')
