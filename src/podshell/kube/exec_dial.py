"""Opening the WebSocket of an exec: the request, the socket's limits, and what a refusal says.

Owns nothing after it returns. `exec.py` drives the stream; `classify.py` reads the refusals.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import picows
from python_socks import ProxyError  # what picows raises for a proxy that says no

from podshell.kube.channels import Subprotocol
from podshell.kube.classify import Failed, FailureKind, classify
from podshell.kube.errors import ExecRefused, Unreachable
from podshell.kube.rest import Client, describe_cause, read_bounded
from podshell.kube.status import error_from_response

# Seconds for TCP, TLS, upgrade; a kubelet under load was seen to need some.
_DIAL_SECONDS = 30.0
# The kernel doubles this: 256 KiB. It is what a stream that nobody reads can hold here, invisible to every limit above.
_RECEIVE_BUFFER_BYTES = 128 * 1024
# Unsent input above this makes the stream not writable.
_WRITE_BUFFER_BYTES = 64 * 1024
# A dead network is seen in about two minutes, without asking for pongs (kubernetes.md 1.3 no. 3). The window of
# `stdin_window` keeps the peer's TCP window from closing for that long over a process that does not read.
_TCP_USER_TIMEOUT_MS = 120_000
_TCP_KEEPALIVE_IDLE_SECONDS, _TCP_KEEPALIVE_INTERVAL_SECONDS, _TCP_KEEPALIVE_PROBES = 30, 15, 6
# Output comes in frames of at most 32 KiB (transcripts/frames/big-output.v5); the largest legal one is 32 MiB.
_FRAME_LIMIT_BYTES = 32 * 1024 * 1024
_BODY_LIMIT_BYTES = 64 * 1024
# The refusal of a subprotocol comes after every other check and starts nothing (transcripts/refused/bad-subprotocol).
_NO_SUBPROTOCOL = "none.podshell.invalid"

# picows logs requests, with the bearer token, below DEBUG: never let it.
_picows_log = logging.getLogger(__name__ + ".picows")
_picows_log.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class ExecTarget:
    """The container that a command runs in, or whose first process is attached to."""

    namespace: str
    pod: str
    container: str


def exec_path(target: ExecTarget, command: Sequence[str], *, tty: bool, stdin: bool) -> str:
    """Return path and query of an exec. With a tty there is no stderr: all output is on channel 1 (kubernetes.md 1.1)."""
    query = [("container", target.container)] if target.container else []
    if stdin:
        query.append(("stdin", "true"))
    query.append(("stdout", "true"))
    query.append(("tty", "true") if tty else ("stderr", "true"))
    query += [("command", word) for word in command]
    path = f"/api/v1/namespaces/{quote(target.namespace, safe='')}/pods/{quote(target.pod, safe='')}/exec"
    return f"{path}?{urlencode(query, quote_via=quote)}"


def attach_path(target: ExecTarget, *, tty: bool) -> str:
    """Return path and query of an attach. `tty` must be as the container has it, and excludes stderr (transcripts/attach)."""
    query = [("container", target.container), ("stdin", "true"), ("stdout", "true"), ("tty", "true") if tty else ("stderr", "true")]
    path = f"/api/v1/namespaces/{quote(target.namespace, safe='')}/pods/{quote(target.pod, safe='')}/attach"
    return f"{path}?{urlencode(query, quote_via=quote)}"


async def dial(client: Client, path: str, offer: str, listener_factory: Callable[[], picows.WSListener]) -> picows.WSTransport:
    """Open the WebSocket. Cancelling is safe. Frames may reach the listener before this returns.

    Raises:
        ExecRefused: the server said no, classified.
        Unreachable: no server, no TLS, no answer.
        KubeconfigError: no credentials.
    """
    for attempt in (1, 2):
        try:
            return await _dial_once(client, path, offer, listener_factory)
        except ExecRefused as error:
            if error.failed.kind is not FailureKind.UNAUTHENTICATED or attempt == 2:
                raise
            client.connection.credentials.invalidate()
    raise AssertionError("unreachable")


async def _dial_once(client: Client, path: str, offer: str, listener_factory: Callable[[], picows.WSListener]) -> picows.WSTransport:
    connection = client.connection
    to_tls: dict[str, Any] = {}  # what goes on to loop.create_connection, which refuses it without TLS
    if connection.tls is not None and connection.tls_server_name:
        to_tls["server_hostname"] = connection.tls_server_name
    headers = [*await client.headers(), ("Sec-WebSocket-Protocol", offer)]
    try:
        async with asyncio.timeout(_DIAL_SECONDS):
            transport, listener = await picows.ws_connect(
                listener_factory,
                "ws" + connection.server.removeprefix("http") + path,
                ssl_context=connection.tls,
                websocket_handshake_timeout=_DIAL_SECONDS,  # it, and not we, closes what was given up
                logger_name=_picows_log,
                max_frame_size=_FRAME_LIMIT_BYTES,
                extra_headers=headers,
                max_redirects=0,
                proxy=connection.proxy_url,
                **to_tls,
            )
    except picows.WSHandshakeError as error:
        if error.response is None:
            raise Unreachable(connection.server, f"it does not speak WebSocket ({error})") from error
        raise await _refusal(client, path, error) from error
    except (OSError, ProxyError) as error:
        raise Unreachable(connection.server, describe_cause(error)) from error
    if listener is None:
        raise Unreachable(connection.server, "it closed the connection during the WebSocket handshake")
    if negotiated(transport) is None:
        transport.disconnect(graceful=False)
        text = "the server's answer to the upgrade names no channel protocol"
        step = "A proxy between here and the API server drops the header: bypass it."
        raise ExecRefused(Failed(FailureKind.PROTOCOL_REFUSED, text, step))
    return transport


def negotiated(transport: picows.WSTransport) -> Subprotocol | None:
    """Return what the server chose; None for what carries no exit codes."""
    try:
        return Subprotocol(transport.response.headers.get("Sec-WebSocket-Protocol", ""))
    except ValueError:
        return None


def bound_socket(transport: asyncio.Transport) -> None:
    """Set the limits of one exec socket."""
    transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _TCP_KEEPALIVE_IDLE_SECONDS),
        ("TCP_KEEPINTVL", _TCP_KEEPALIVE_INTERVAL_SECONDS),
        ("TCP_KEEPCNT", _TCP_KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", _TCP_USER_TIMEOUT_MS),
    ):
        option = getattr(socket, name, None)  # Linux has all; macOS not TCP_USER_TIMEOUT
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _refusal(client: Client, path: str, error: picows.WSHandshakeError) -> ExecRefused:
    response = error.response
    assert response is not None
    body = error.raw_body or b""
    # picows hands over what came in one read with the headers. Where the rest is missing, ask once more in a way that
    # cannot start anything.
    length = response.headers.get("Content-Length", "")
    if "Transfer-Encoding" in response.headers or len(body) < (int(length) if length.isdigit() else 1):
        body = await _read_refusal_again(client, path, int(response.status)) or body
    refused = error_from_response(int(response.status), body, response.headers)
    return ExecRefused(classify(refused.message, status_code=refused.status_code))


async def _read_refusal_again(client: Client, path: str, status_code: int) -> bytes:
    """Return the body of the same refusal, or b"" where this time another one came."""
    headers = [
        *await client.headers(),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "cG9kc2hlbGwgYXNrcyB3aHk="),
        ("Sec-WebSocket-Protocol", _NO_SUBPROTOCOL),
    ]
    try:
        async with await client.request_raw("GET", path, headers) as response:
            if response.status != status_code:
                return b""
            return await read_bounded(response.content, _BODY_LIMIT_BYTES)
    except (aiohttp.ClientError, OSError):
        return b""
