"""Where an API server is and how to prove who asks: the one value that `kubeconfig` and `incluster` produce.

A `Connection` lives as long as its `Client`. Certificates may be renewed inside its `tls` context; tokens come fresh from
`credentials` at each request.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote


class Credentials(Protocol):
    """A source of request headers."""

    async def headers(self) -> Mapping[str, str]:
        """Return the headers that authenticate a request, renewing them where they are old.

        Raises:
            KubeconfigError: the plugin or file that should give them does not.
        """
        ...

    def invalidate(self) -> None:
        """Forget what is cached: the server answered 401."""
        ...


class NoCredentials:
    """A user who proves himself by a client certificate, or not at all."""

    async def headers(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def invalidate(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Whom the caller wants to be taken for (`Impersonate-*` headers)."""

    user: str
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    uid: str = ""

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers; groups and extras repeat."""
        pairs = [("Impersonate-User", self.user)]
        pairs += [("Impersonate-Group", group) for group in self.groups]
        pairs += [("Impersonate-Uid", self.uid)] if self.uid else []
        # what a header's name may not have is escaped (client-go, transport/round_trippers.go headerKeyEscape)
        pairs += [(f"Impersonate-Extra-{quote(name, safe='')}", value) for name, value in self.extra]
        return pairs


@dataclass(frozen=True, slots=True)
class Connection:
    """One API server and one user.

    `server` has no trailing slash and may have a path. `tls` is None for plain http, where no credentials are ever sent.
    """

    server: str
    tls: ssl.SSLContext | None
    credentials: Credentials = field(default_factory=NoCredentials)
    namespace: str = "default"
    context_name: str = ""
    user_name: str = ""
    cluster_name: str = ""
    tls_server_name: str | None = None
    proxy_url: str | None = None
    impersonate: Impersonation | None = None
