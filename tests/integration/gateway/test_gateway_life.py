"""Starting and stopping."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import httpx
import pytest
from fake_agent import FakeAgent
from gateway_lab import POD, Lab, hello, running_lab

from podshell.gateway.app import Gateway
from podshell.gateway.keys import KeyUnusable
from podshell.gateway.origins import OriginInvalid
from podshell.gateway.settings import GatewaySettings
from podshell.wire import messages as m
from podshell.wire.terminal import TerminalError, decode_server


async def test_a_stopping_gateway_sends_terminals_and_agents_away_in_order(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with lab.terminal_socket() as socket:
        await socket.send(hello(session, ticket))
        assert isinstance(decode_server(await socket.recv()), m.Attached)
        begun = time.monotonic()
        await lab.gateway.stop()
        assert time.monotonic() - begun < 2
        error = decode_server(await socket.recv())
        assert isinstance(error, TerminalError)
        assert error.refusal.code == "going_away"
        assert error.retry_after_ms is not None
        await socket.wait_closed()
        assert socket.close_code == 4503
    await agent.until(lambda: agent.goaway is not None)
    assert agent.shells[session].end is None
    await api.close()


async def test_a_taken_port_is_an_error_of_the_operating_system(lab: Lab, tmp_path: Path) -> None:
    second = Gateway(GatewaySettings(port=lab.port, state_dir=tmp_path / "second"))
    with pytest.raises(OSError, match="in use"):
        await second.start()
    await second.stop()


async def test_a_readable_key_and_a_bad_origin_are_refused(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    await lab.start()
    await lab.gateway.stop()
    lab.settings.grant_key_path.chmod(stat.S_IRUSR | stat.S_IROTH)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        await Gateway(lab.settings).start()
    for origin in ("example.org", "http://example.org/", "ftp://example.org", "http://"):
        gateway = Gateway(GatewaySettings(port=0, state_dir=tmp_path / "x", allowed_origins=(origin,)))
        with pytest.raises(OriginInvalid):
            await gateway.start()


async def test_a_public_address_is_answered_when_it_is_configured(tmp_path: Path) -> None:
    options = {"allowed_origins": ("https://shell.example.org",), "secure_cookie": True}
    async with running_lab(tmp_path, **options) as lab, httpx.AsyncClient(base_url=lab.url) as client:
        secret = (await lab.gateway.make_signin_link()).split("=", 1)[1]
        public = {"Host": "shell.example.org", "Origin": "https://shell.example.org"}
        answer = await client.post("/api/signin", json={"secret": secret}, headers=public)
        assert answer.status_code == 200
        assert "secure" in answer.headers["set-cookie"].lower()
        assert (
            await client.get("/healthz", headers={"Host": "shell.example.org", "Origin": "http://shell.example.org"})
        ).status_code == 403
        assert (await client.get("/healthz", headers={"Host": "other.example.org"})).status_code == 403


async def test_health_is_open_and_the_console_says_how_it_is_built(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url=lab.url) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json() == {"status": "ok"}
        folder = tmp_path / "ui"
        monkeypatch.setattr("podshell.gateway.routes.console.FOLDER", folder)
        missing = await client.get("/")
        assert missing.status_code == 503
        assert "make ui" in missing.text
        (folder / "assets").mkdir(parents=True)
        (folder / "index.html").write_text("<p>console</p>")
        (folder / "assets" / "a.js").write_text("1")
        (tmp_path / "secret.txt").write_text("no")
        for path in ("/", "/clusters/lab", "/sessions/x/y", "/nodes/a%2Fb/node-1.example.org"):
            assert (await client.get(path)).text == "<p>console</p>", path
        assert "immutable" in (await client.get("/assets/a.js")).headers["cache-control"]
        for path in ("/nothing.js", "/assets/b.js", "/assets/..%2f..%2fsecret.txt", "/..%2fsecret.txt", "/api/nothing"):
            assert (await client.get(path)).status_code == 404, path
