"""Who may come in, and from where."""

from __future__ import annotations

import asyncio
import json
import stat

import httpx
import pytest
import websockets
from fake_agent import FakeAgent
from gateway_lab import POD, Browser, Lab, hello
from sqlalchemy import delete

from podshell.gateway import tables
from podshell.gateway.database import unix_ms

# What may stand in Origin, with {port} for the gateway's own. Only the exact three of this machine may use it.
ORIGINS = [
    ("http://127.0.0.1:{port}", True),
    ("http://localhost:{port}", True),
    ("http://[::1]:{port}", True),
    ("https://127.0.0.1:{port}", False),
    ("http://127.0.0.1", False),
    ("http://127.0.0.1:{other}", False),
    ("http://127.0.0.1:{port}0", False),
    ("http://127.0.0.1:{port}/", False),
    ("http://127.0.0.1:{port}.evil.example", False),
    ("http://127.0.0.1.evil.example:{port}", False),
    ("http://evil.example/http://127.0.0.1:{port}", False),
    ("http://localhost.evil.example:{port}", False),
    ("http://evil-localhost:{port}", False),
    ("http://app.localhost:{port}", False),
    ("http://user@localhost:{port}", False),
    ("HTTP://LOCALHOST:{port}", False),
    ("http://127.1:{port}", False),
    ("http://0.0.0.0:{port}", False),
    ("ws://127.0.0.1:{port}", False),
    ("file://", False),
    ("null", False),
    ("", False),
]


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}


def origin_of(pattern: str, lab: Lab) -> str:
    return pattern.format(port=lab.port, other=lab.port - 1)


async def test_only_the_gateways_own_pages_change_something_or_open_sockets(lab: Lab) -> None:
    browser = await lab.browser()
    for pattern, allowed in ORIGINS:
        origin = origin_of(pattern, lab)
        answer = await browser.client.post("/api/tickets", json={"purpose": "live"}, headers=browser.headers() | {"Origin": origin})
        assert answer.status_code == (201 if allowed else 403), (origin, answer.text)
        for path, protocol in (("/ws/live", "podshell.live.v1"), ("/ws/terminal", "podshell.terminal.v1")):
            status = await upgrade_status(lab, path, protocol, {"Origin": origin, "Cookie": browser.cookie})
            assert status == (101 if allowed else 403), (origin, path)
    await browser.close()


async def upgrade_status(lab: Lab, path: str, protocol: str, headers: dict[str, str]) -> int:
    """Ask for a WebSocket; returns the HTTP status of the answer."""
    subprotocols = [websockets.Subprotocol(protocol)]
    try:
        async with websockets.connect(lab.ws_url + path, subprotocols=subprotocols, additional_headers=headers):
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code


async def test_a_cookie_without_origin_changes_nothing_and_opens_no_socket(lab: Lab) -> None:
    browser = await lab.browser()
    answer = await browser.client.post("/api/tickets", json={"purpose": "live"}, headers={"X-Podshell-Token": browser.page_token})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_refused")
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"{lab.ws_url}/ws/live", additional_headers={"Cookie": browser.cookie})
    assert refused.value.response.status_code == 403
    assert (await browser.client.get("/api/me")).status_code == 200, "reading needs no Origin: browsers send none"
    await browser.close()


async def test_a_foreign_page_is_refused_also_with_a_bearer_token_and_for_reading(lab: Lab) -> None:
    async with httpx.AsyncClient(base_url=lab.url, headers={"Authorization": f"Bearer {lab.token}"}) as client:
        assert (await client.get("/api/me")).status_code == 200
        for path in ("/api/me", "/healthz", "/", "/api/openapi.json"):
            assert (await client.get(path, headers={"Origin": "http://evil.example"})).status_code == 403, path


async def test_another_host_name_is_not_answered(lab: Lab) -> None:
    """DNS rebinding: a name of the attacker that points here."""
    bearer = {"Authorization": f"Bearer {lab.token}"}
    hosts = ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:{other}", "127.0.0.1:{port}.evil.example"]
    async with httpx.AsyncClient(base_url=lab.url, headers=bearer) as client:
        for host in [origin_of(host, lab) for host in hosts]:
            for path in ("/api/me", "/", "/healthz"):
                assert (await client.get(path, headers={"Host": host})).status_code == 403, (host, path)
            for path in ("/ws/terminal", "/ws/live", "/link"):
                assert (await client.get(path, headers={"Host": host, **UPGRADE})).status_code == 403, (host, path)


async def test_a_sign_in_link_works_once(lab: Lab) -> None:
    link = await lab.gateway.make_signin_link()
    address, _, secret = link.partition("#signin=")
    assert address == f"{lab.url}/"
    async with httpx.AsyncClient(base_url=lab.url) as client:
        first = await client.post("/api/signin", json={"secret": secret})
        assert first.status_code == 200
        second = await client.post("/api/signin", json={"secret": secret})
        assert (second.status_code, second.json()["error"]["code"]) == (401, "unauthenticated")
        wrong = await client.post("/api/signin", json={"secret": secret[:-1]})
        assert wrong.status_code == 401
    cookie = first.headers["set-cookie"].lower()
    assert cookie.startswith(f"podshell_{lab.port}=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert first.json()["page_token"] not in cookie


async def test_a_page_must_show_its_token(lab: Lab) -> None:
    browser = await lab.browser()
    for token in ({}, {"X-Podshell-Token": "x"}, {"X-Podshell-Token": browser.page_token[:-1]}):
        for method, path in (("POST", "/api/tickets"), ("POST", "/api/sessions"), ("DELETE", "/api/sessions/x"), ("POST", "/api/signout"),
                             ("POST", "/api/clusters"), ("POST", "/api/sessions/x/tickets")):  # fmt: skip
            answer = await browser.client.request(method, path, json={"purpose": "live"}, headers={"Origin": lab.url, **token})
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated"), path
    me = (await browser.client.get("/api/me")).json()
    assert me["page_token"] == browser.page_token, "a page gets its token back after a reload"
    assert me["gateway"]["cookie"] == f"podshell_{lab.port}"
    await browser.close()


async def test_signing_out_ends_the_cookie(lab: Lab) -> None:
    browser = await lab.browser()
    cookie = browser.cookie
    assert (await browser.client.post("/api/signout", headers=browser.headers())).status_code == 204
    async with httpx.AsyncClient(base_url=lab.url, headers={"Cookie": cookie}) as client:
        assert (await client.get("/api/me")).status_code == 401
    await browser.close()


async def signed_in_actions(lab: Lab) -> list[tuple[str, str, str]]:
    rows = await lab.gateway.services.audit.newest(100)
    return [(row.actor, row.action, row.outcome) for row in reversed(rows) if row.action.startswith("browser.")]


async def test_signing_in_and_out_is_in_the_audit(lab: Lab) -> None:
    browser = await lab.browser()
    await browser.client.post("/api/signout", headers=browser.headers())
    assert await signed_in_actions(lab) == [("ada", "browser.signin", "done"), ("ada", "browser.signout", "done")]
    rows = await lab.gateway.services.audit.newest(100)
    browsers = {str(row.details["browser"]) for row in rows if row.action.startswith("browser.")}
    assert len(browsers) == 1, "both rows name the same browser"
    assert not any(name in browser.cookie for name in browsers)
    await browser.close()


async def test_a_guessed_sign_in_secret_leaves_no_row_and_an_expired_one_does(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    link = await lab.gateway.make_signin_link()
    monkeypatch.setattr("podshell.gateway.credentials.unix_ms", lambda: unix_ms() + 5 * 60_000)
    async with httpx.AsyncClient(base_url=lab.url) as client:
        for secret in ("guessed", link.split("#signin=")[1]):
            assert (await client.post("/api/signin", json={"secret": secret})).status_code == 401
    assert await signed_in_actions(lab) == [("ada", "browser.signin", "refused")]


async def open_sockets(lab: Lab, agent: FakeAgent, browser: Browser) -> tuple[websockets.ClientConnection, websockets.ClientConnection]:
    """Open a terminal and a live socket as a signed-in browser."""
    opened = await browser.client.post("/api/sessions", json=POD, headers=browser.headers())
    terminal = await lab.terminal_socket(Cookie=browser.cookie, Origin=lab.url)
    await terminal.send(hello(opened.json()["session"]["id"], opened.json()["ticket"]))
    await terminal.recv()  # ATTACHED
    ticket = await browser.client.post("/api/tickets", json={"purpose": "live"}, headers=browser.headers())
    live = await websockets.connect(
        f"{lab.ws_url}/ws/live",
        subprotocols=[websockets.Subprotocol("podshell.live.v1")],
        additional_headers={"Cookie": browser.cookie, "Origin": lab.url},
    )
    await live.send(json.dumps({"ticket": ticket.json()["ticket"]}))
    await live.recv()  # ready
    return terminal, live


async def test_signing_out_ends_the_browsers_sockets_and_nobody_elses(lab: Lab, agent: FakeAgent) -> None:
    leaving, staying = await lab.browser(), await lab.browser()
    gone, kept = await open_sockets(lab, agent, leaving), await open_sockets(lab, agent, staying)
    await leaving.client.post("/api/signout", headers=leaving.headers())
    async with asyncio.timeout(20):
        for socket in gone:
            await socket.wait_closed()
            assert socket.close_code == 4401
    for socket in kept:
        await (await socket.ping())
        await socket.close()
    assert len(agent.shells) == 2, "the shells go on"
    await leaving.close()
    await staying.close()


async def test_a_browser_whose_sign_out_the_bus_lost_is_found_by_the_review(lab: Lab, agent: FakeAgent) -> None:
    browser = await lab.browser()
    sockets = await open_sockets(lab, agent, browser)
    async with lab.gateway.services.database.transaction() as connection:
        await connection.execute(delete(tables.browser_sessions))
    await lab.gateway.services.browsers.review()
    async with asyncio.timeout(20):
        for socket in sockets:
            await socket.wait_closed()
            assert socket.close_code == 4401
    await browser.close()


async def test_a_browser_stays_signed_in_when_the_gateway_restarts(lab: Lab) -> None:
    browser = await lab.browser()
    await lab.restart()
    assert (await browser.client.get("/api/me")).json()["user"]["name"] == "ada"
    answer = await browser.client.post("/api/tickets", json={"purpose": "live"}, headers=browser.headers())
    assert answer.status_code == 201
    await browser.close()


async def test_nobody_reaches_anything_without_signing_in(lab: Lab) -> None:
    async with httpx.AsyncClient(base_url=lab.url, headers={"Origin": lab.url}) as client:
        paths = (await client.get("/api/openapi.json")).json()["paths"]
        open_to_all = {("post", "/api/signin"), ("get", "/healthz"), ("get", "/readyz")}
        for path, operations in paths.items():
            for method in operations:
                if (method, path) not in open_to_all:
                    filled = path.format(cluster="lab", namespace="default", pod="web-0", session="x")
                    answer = await client.request(method, filled, json={} if method == "post" else None)
                    assert answer.status_code == 401, (method, path)
        for token in ("x", "x y", lab.token[:-1]):
            assert (await client.get("/api/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    for path in ("/ws/terminal", "/ws/live"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(lab.ws_url + path, additional_headers={"Origin": lab.url})
        assert refused.value.response.status_code == 401


async def test_the_command_lines_token_file_is_private_and_replaced_at_once(lab: Lab) -> None:
    path = lab.folder / "cli.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await lab.gateway.write_cli_token(path)
    async with httpx.AsyncClient(base_url=lab.url, headers={"Authorization": f"Bearer {lab.token}"}) as client:
        assert (await client.get("/api/me")).status_code == 401, "the token before it is worth nothing"


async def test_no_secret_is_stored_as_such(lab: Lab) -> None:
    browser = await lab.browser()
    enrolment = await lab.gateway.make_enrolment("lab")
    signin = (await lab.gateway.make_signin_link()).split("#signin=")[1]
    cookie = browser.cookie.split("=")[1]
    await browser.close()
    await lab.gateway.stop()
    stored = b"".join(file.read_bytes() for file in (lab.folder / "state").iterdir())
    for secret in (cookie, browser.page_token, lab.token, enrolment, signin):
        assert secret.encode() not in stored
    for file in (lab.folder / "state").glob("*.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_every_answer_carries_the_protective_headers(lab: Lab) -> None:
    async with httpx.AsyncClient(base_url=lab.url) as client:
        for path in ("/", "/api/me", "/nothing.js", "/healthz"):
            headers = (await client.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert f"ws://127.0.0.1:{lab.port}" in headers["content-security-policy"]
            assert "[" not in headers["content-security-policy"], "an IPv6 address is no source, and browsers complain of it"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"


async def test_bodies_are_bounded_and_must_be_json(lab: Lab) -> None:
    async with httpx.AsyncClient(base_url=lab.url, headers={"Authorization": f"Bearer {lab.token}"}) as client:
        long = await client.post("/api/sessions", json={**POD, "reason": "x" * 2_000_000})
        assert (long.status_code, long.json()["error"]["code"]) == (422, "bad_request")

        async def chunks() -> object:
            for _ in range(40):
                yield b" " * 50_000

        chunked = await client.post("/api/sessions", content=chunks(), headers={"Content-Type": "application/json"})
        assert chunked.status_code == 422
        form = await client.post("/api/sessions", content=b"{}", headers={"Content-Type": "text/plain"})
        assert form.status_code == 422
        for body in ({**POD, "pod": "../x"}, {**POD, "namespace": "A"}, {**POD, "surprise": 1}, {"pod": "x"}, [], {**POD, "cols": 0}):
            assert (await client.post("/api/sessions", json=body)).status_code == 422, body
