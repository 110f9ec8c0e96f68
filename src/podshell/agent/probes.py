"""Health of the agent for a kubelet: GET /healthz (the process serves) and GET /readyz (a link is up, and the pods are known).

Off unless `health_port` is set; listens on all addresses, as a kubelet asks from outside the pod, and says nothing but ok or why not.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from aiohttp import web


class Probes:
    """A small HTTP server. `reasons` tells why the agent is not ready; none: it is."""

    def __init__(self, port: int, reasons: Callable[[], list[str]], host: str = "0.0.0.0") -> None:
        self._reasons = reasons
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Listen; returns the port.

        Raises:
            ValueError: the port cannot be used.
        """
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            why = "it is taken" if getattr(error, "errno", None) == errno.EADDRINUSE else str(error)
            raise ValueError(f"the health port {self._port} cannot be used: {why}; choose another one, or 0 for none") from error
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        reasons = self._reasons()
        return web.Response(text="ok\n" if not reasons else "".join(f"{reason}\n" for reason in reasons), status=503 if reasons else 200)
