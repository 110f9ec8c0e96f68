"""Which addresses this gateway answers to: exact allow-lists for the Origin and Host headers, and the headers that protect a page.

A page of another site must not use a user's cookie (cross-site WebSocket hijacking, rivals.md 4), and a name that an attacker points at
this machine must not make the browser believe that it is the attacker's site (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from podshell.gateway.answers import refusal_answer
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

_DEFAULT_PORTS = {"http": 80, "https": 443}


class OriginInvalid(Exception):
    """A configured origin is not scheme://host[:port]. The text names it."""


@dataclass(frozen=True, slots=True)
class AllowList:
    """Exact values of Origin, and values of Host in lower case."""

    origins: frozenset[str]
    hosts: frozenset[str]

    @classmethod
    def build(cls, origins: Iterable[str], hosts: Iterable[str], port: int) -> AllowList:
        """Build the lists from what is configured; nothing configured means this machine's loopback names at `port`.

        Raises:
            OriginInvalid: an origin is none.
        """
        listed = list(origins) or [f"http://{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
        names = {host.lower() for host in hosts} | {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        for origin in listed:
            parts = urlsplit(origin)
            if parts.scheme not in _DEFAULT_PORTS or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
                raise OriginInvalid(f"{origin!r} is not an origin: write scheme://host or scheme://host:port, without a path")
            names.add(parts.netloc.lower())
            if parts.port is None:
                names.add(f"{parts.netloc.lower()}:{_DEFAULT_PORTS[parts.scheme]}")
        return cls(frozenset(listed), frozenset(names))

    def refuse(self, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
        """Judge a request's Host and, when there is one, its Origin. A missing Origin is judged where it is known who calls."""
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            text = "this gateway does not answer to the host name of the request"
            return Refusal(ErrorCode.ORIGIN_REFUSED, RefusedBy.GATEWAY, text, "use its address, or add the name to allowed_hosts")
        if origins and (len(origins) != 1 or origins[0] not in self.origins):
            text = "pages of this origin may not use this gateway"
            return Refusal(ErrorCode.ORIGIN_REFUSED, RefusedBy.GATEWAY, text, "open the console at its own address, or add the origin")
        return None


class FrontDoor:
    """The outermost ASGI application: Host and Origin of every request and socket, body lengths, and protective headers."""

    def __init__(self, app: ASGIApp, allowed: AllowList, *, body_bytes: int) -> None:
        self._app = app
        self._allowed = allowed
        self._body_bytes = body_bytes
        # Mantine and xterm.js set style attributes, hence 'unsafe-inline' for styles and nothing else; blob: for the snapshot worker.
        # A source cannot be an IPv6 address (CSP 3, host-source): there 'self' has to do, which in current browsers means ws: as well.
        named = [origin for origin in allowed.origins if "[" not in origin]
        sockets = " ".join(sorted(origin.replace("http", "ws", 1) for origin in named))
        policy = (
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
            f"connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
        )
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._allowed.refuse(scope["headers"]) or self._refuse_length(scope)
        if scope["type"] == "websocket":
            if refusal is not None:
                await refuse_socket(refusal, scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        await (self._app if refusal is None else refusal_answer(refusal))(scope, receive, send_protected)

    def _refuse_length(self, scope: Scope) -> Refusal | None:
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value) > self._body_bytes):
                return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.GATEWAY, f"the body is longer than {self._body_bytes} bytes")
        return None


async def refuse_socket(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a WebSocket upgrade with an HTTP error instead of accepting it (ASGI extension websocket.http.response)."""
    await refusal_answer(refusal)({**scope, "type": "websocket"}, receive, send)
