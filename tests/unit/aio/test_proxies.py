"""Proxies of the environment."""

import pytest

from podshell.aio.proxies import environment_proxy

BOTH = {"HTTPS_PROXY": "http://secure:3128", "http_proxy": "http://plain:3128"}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://gateway.example", "http://secure:3128"),
        ("wss://gateway.example:8443/link", "http://secure:3128"),
        ("http://gateway.example", "http://plain:3128"),
        ("ws://192.0.2.1:8642/link", "http://plain:3128"),
        ("https://localhost:6443", None),
        ("https://127.0.0.1:6443", None),
        ("https://127.8.8.8", None),
        ("wss://[::1]:8642/link", None),
    ],
)
def test_the_scheme_chooses_the_proxy_and_this_machine_needs_none(url: str, proxy: str | None) -> None:
    assert environment_proxy(url, BOTH) == proxy


def test_no_proxy_names_hosts_and_domains() -> None:
    environ = {**BOTH, "NO_PROXY": "192.0.2.9,.example"}
    assert environment_proxy("wss://gateway.example", environ) is None
    assert environment_proxy("https://192.0.2.9:6443", environ) is None
    assert environment_proxy("https://192.0.2.8", environ) == "http://secure:3128"
    assert environment_proxy("https://192.0.2.8", {"NO_PROXY": "x"}) is None
    assert environment_proxy("https://192.0.2.8", {"HTTPS_PROXY": ""}) is None


def test_a_proxy_without_a_scheme_is_an_http_proxy() -> None:
    assert environment_proxy("https://192.0.2.8", {"https_proxy": "secure:3128"}) == "http://secure:3128"
