"""Which proxy the environment asks for, by the rules that kubectl follows (Go, net/http ProxyFromEnvironment)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # public in the docs of urllib, missing in typeshed

_SCHEMES = {"ws": "http", "wss": "https"}


def environment_proxy(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the proxy for an http, https, ws or wss address: HTTP_PROXY or HTTPS_PROXY, unless NO_PROXY or loopback says otherwise."""
    target = urlsplit(url)
    host = target.hostname or ""
    proxies = {name.lower().removesuffix("_proxy"): value for name, value in environ.items() if name.lower().endswith("_proxy") and value}
    if not proxies or _is_loopback(host) or proxy_bypass_environment(host, proxies):
        return None
    proxy = proxies.get(_SCHEMES.get(target.scheme, target.scheme), "")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy or None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
