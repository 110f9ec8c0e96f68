"""The first request of a direct run: the target, read while the rest of the program is still being imported.

It makes a wrong name, a wrong namespace or a server that does not answer known in a third of a second (bench/plugin.py).
"""

from __future__ import annotations

import asyncio
import threading
from typing import Generic, TypeVar
from urllib.parse import quote, urlsplit

from podshell.kube.connection import Connection
from podshell.kube.quick_read import read_quickly, request_headers

T = TypeVar("T")


class FirstLook(Generic[T]):
    """One read in a thread of its own: a daemon, so that Ctrl-C does not wait for a server that hangs."""

    def __init__(self, connection: Connection, path: str, kind: type[T], *, user_agent: str, seconds: float) -> None:
        self._connection = connection
        self._path = path
        self._kind: type[T] = kind
        self._seconds = seconds
        self._user_agent = user_agent
        # in this thread: a credential plugin may ask its user
        self._headers = asyncio.run(request_headers(connection, user_agent))
        self._found: T | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._read, name="first look", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            if urlsplit(self._connection.proxy_url or "").scheme == "https":
                self._found = asyncio.run(self._read_slowly())
            else:
                self._found = read_quickly(self._connection, self._headers, self._path, self._kind, seconds=self._seconds)
        except Exception as error:  # noqa: BLE001  # handed on to whoever awaits the result
            self._error = error

    async def _read_slowly(self) -> T:
        """Read by the whole client, which alone can speak TLS to a proxy and TLS through it."""
        from podshell.kube.rest import Client

        async with Client(self._connection, user_agent=self._user_agent, request_seconds=self._seconds) as client:
            return await client.get(self._path, self._kind)

    async def result(self) -> T:
        """Wait for the answer.

        Raises:
            KubeError: there is none, or a refusal.
        """
        while self._thread.is_alive():  # noqa: ASYNC110  # a thread has no event; it is nearly always over before anybody asks
            await asyncio.sleep(0.01)
        if self._error is not None:
            raise self._error
        assert self._found is not None
        return self._found


def node_path(name: str) -> str:
    return f"/api/v1/nodes/{quote(name, safe='')}"


def pod_path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}"
