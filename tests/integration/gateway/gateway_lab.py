"""A gateway with a fake agent, and the ways in: a browser, a command line, raw sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import websockets
from fake_agent import FakeAgent

from podshell.gateway.app import Gateway
from podshell.gateway.journal import SessionRecord
from podshell.gateway.settings import GatewaySettings
from podshell.wire.terminal import TerminalHello, encode_client
from terminal_client import Api, TerminalClient

WAIT_SECONDS = 20.0


class Lab:
    """One gateway and what belongs to it. `restart` keeps port and state, as a process that comes back does."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        # patient with agents: the machine may be busy
        options: dict[str, object] = {"agent_answer_seconds": 20.0, **settings}
        self.settings = GatewaySettings(port=0, state_dir=folder / "state", owner="ada", **options)  # type: ignore[arg-type]  # fields by name
        self.gateway = Gateway(self.settings)
        self.token = ""

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    async def start(self, port: int = 0) -> None:
        await self.gateway.start(port=port)
        await self.gateway.write_cli_token(self.folder / "cli.json")
        self.token = json.loads((self.folder / "cli.json").read_text())["token"]

    async def restart(self) -> None:
        port = self.port
        await self.gateway.stop()
        self.gateway = Gateway(self.settings)
        # as launch does not: the command line keeps its token
        await self.gateway.start(port=port)

    def api(self) -> Api:
        return Api(self.url, self.token)

    async def browser(self) -> Browser:
        browser = Browser(self)
        await browser.sign_in()
        return browser

    async def agent(self, cluster: str = "lab", **options: object) -> FakeAgent:
        """Make an agent with a fresh enrolment token; start it with `async with`."""
        return FakeAgent(self.url, cluster, token=await self.gateway.make_enrolment(cluster), **options)  # type: ignore[arg-type]  # by name

    async def record(self, session: str) -> SessionRecord:
        found = await self.gateway.services.journal.find(session)
        assert found is not None
        return found

    async def record_when(self, session: str, condition: Callable[[SessionRecord], bool]) -> SessionRecord:
        """Read a session's record again at each change until a condition holds."""
        changed = asyncio.Event()
        end = self.gateway.services.bus.subscribe("sessions", lambda _: changed.set())
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition(record := await self.record(session)):
                    await changed.wait()
                    changed.clear()
                return record
        finally:
            end()

    async def audit_actions(self, session: str) -> list[tuple[str, str]]:
        rows = await self.gateway.services.audit.newest(1000)
        return [(row.action, row.outcome) for row in reversed(rows) if row.session == session]

    def terminal_socket(self, **headers: str) -> websockets.connect:
        """Build a raw terminal socket with given headers, by default those of the command line."""
        return websockets.connect(
            f"{self.ws_url}/ws/terminal",
            subprotocols=[websockets.Subprotocol("podshell.terminal.v1")],
            additional_headers=headers or {"Authorization": f"Bearer {self.token}"},
            compression=None,
            max_size=None,
        )


class Browser:
    """A browser that signed in with a link: cookie, page token, and the right Origin."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.client = httpx.AsyncClient(base_url=lab.url, timeout=WAIT_SECONDS, verify=False)  # plain HTTP needs no certificates
        self.page_token = ""

    async def sign_in(self) -> None:
        link = await self.lab.gateway.make_signin_link()
        answer = await self.client.post("/api/signin", json={"secret": link.split("#signin=")[1]}, headers={"Origin": self.lab.url})
        assert answer.status_code == 200, answer.text
        self.page_token = answer.json()["page_token"]

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())

    def headers(self) -> dict[str, str]:
        return {"Origin": self.lab.url, "X-Podshell-Token": self.page_token}

    async def close(self) -> None:
        await self.client.aclose()


def hello(session: str, ticket: str, **fields: object) -> bytes:
    """Build the first message of a terminal."""
    return encode_client(TerminalHello(ticket, session, **{"viewer": "v1", **fields}))  # type: ignore[arg-type]  # fields by name


@asynccontextmanager
async def running_lab(folder: Path, **settings: object) -> AsyncIterator[Lab]:
    lab = Lab(folder, **settings)
    await lab.start()
    try:
        yield lab
    finally:
        await lab.gateway.stop()


POD = {"cluster": "lab", "namespace": "default", "pod": "web-0"}

__all__ = ["POD", "Browser", "Lab", "TerminalClient", "hello", "running_lab"]
