"""uvicorn as the gateway uses it: inside somebody else's event loop, on a socket of ours, quickly stopped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from podshell.gateway.direct import DirectProtocol

# One message of a link: a control frame joined to 4 MiB (wire/frames.py), and what goes with it.
MESSAGE_BYTES = 5 * 1024 * 1024
# Bytes in the kernel that the network has not taken: a keystroke must not wait behind more than a few milliseconds of output.
UNSENT_BYTES = 128 * 1024
STOP_SECONDS = 1


class Server:
    """One HTTP server. Start it once."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            ws=DirectProtocol,
            ws_per_message_deflate=False,
            ws_max_size=MESSAGE_BYTES,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            h11_max_incomplete_event_size=64 * 1024,
        )
        self._server = _Uvicorn(config)
        self._socket = listening
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve from now on; connections that come before are taken by the kernel."""
        self._task = asyncio.get_running_loop().create_task(self._server.serve([self._socket]), name="http server")

    async def stop(self) -> None:
        """Close what is open and return when the server has ended, within two seconds."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process: it may run more than a gateway."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket.

    Raises:
        OSError: the port is taken, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # accepted sockets inherit both (Linux: the child is a clone of the listener)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux":
            listening.setsockopt(socket.IPPROTO_TCP, 25, UNSENT_BYTES)  # TCP_NOTSENT_LOWAT, linux/tcp.h
        listening.bind((host, port))
        listening.setblocking(False)
        listening.listen(512)
    except BaseException:
        listening.close()
        raise
    return listening
