"""One GET with the standard library, for programs that must answer before the whole client could even be imported.

Completions, and the first look at a target (aiohttp alone takes half a second to import; this file's imports take a fifth of it).
Blocking: call it in a thread where something else goes on. `rest.Client` is for everything else.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from podshell.kube.connection import Connection
from podshell.kube.errors import BadAnswer, Unreachable
from podshell.kube.status import error_from_response

T = TypeVar("T")

_LIMIT_BYTES = 8 * 1024 * 1024
# Only the metadata of a list's items: a tenth of the bytes.
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


class _Named(msgspec.Struct):
    name: str = ""


class NamedItem(msgspec.Struct):
    """An object of which only the name is wanted."""

    metadata: _Named


class NamedList(msgspec.Struct):
    """A list of such."""

    items: list[NamedItem] | None = None


def read_quickly(
    connection: Connection,
    headers: Sequence[tuple[str, str]],
    path: str,
    kind: type[T],
    *,
    seconds: float,
    accept: str = "application/json",
) -> T:
    """GET `path` once and decode the answer. `headers` are the credentials' (`request_headers`).

    Raises:
        ApiError: the server refused. Unreachable, BadAnswer: no answer, or none of a Kubernetes API.
    """
    base = urlsplit(connection.server)
    http_connection = _dial(connection, seconds)
    try:
        http_connection.putrequest("GET", base.path + path)
        for name, value in (*headers, ("Accept", accept)):
            http_connection.putheader(name, value)
        http_connection.endheaders()
        response = http_connection.getresponse()
        body = response.read(_LIMIT_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(connection.server, _cause(error)) from error
    finally:
        http_connection.close()
    if response.status >= 300:
        raise error_from_response(response.status, body, dict(response.getheaders()))
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadAnswer(f"the server's answer is not what a Kubernetes API sends: {error}") from error


async def request_headers(connection: Connection, user_agent: str) -> list[tuple[str, str]]:
    """Return User-Agent, credentials and impersonation for `read_quickly`. Nothing secret goes to plain http.

    Raises:
        KubeconfigError: a plugin or token file failed.
    """
    pairs = [("User-Agent", user_agent)]
    if connection.tls is not None:
        pairs += (await connection.credentials.headers()).items()
    if connection.impersonate is not None:
        pairs += connection.impersonate.headers()
    return pairs


class _HttpsConnection(http.client.HTTPSConnection):
    """HTTPS where the certificate has another name than the server is dialled by."""

    def __init__(self, host: str, port: int, *, timeout: float, context: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._context_here = context
        self._name = name

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._context_here.wrap_socket(self.sock, server_hostname=self._name)


def _dial(connection: Connection, seconds: float) -> http.client.HTTPConnection:
    base = urlsplit(connection.server)
    host, port = base.hostname or "", base.port or (443 if connection.tls is not None else 80)
    proxy = urlsplit(connection.proxy_url) if connection.proxy_url else None
    dialled = (proxy.hostname or "", proxy.port or 80) if proxy is not None else (host, port)
    if connection.tls is None:
        made = http.client.HTTPConnection(*dialled, timeout=seconds)
    else:
        made = _HttpsConnection(*dialled, timeout=seconds, context=connection.tls, name=connection.tls_server_name or host)
    if proxy is not None:
        made.set_tunnel(host, port, _proxy_headers(proxy.username, proxy.password))
    return made


def _proxy_headers(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    return {"Proxy-Authorization": "Basic " + base64.b64encode(f"{user}:{password or ''}".encode()).decode()}


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
