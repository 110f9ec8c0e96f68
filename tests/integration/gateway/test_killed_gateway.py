"""A gateway that dies without a word (kill -9) and comes back."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import httpx
from fake_agent import FakeAgent
from gateway_lab import POD

from podshell.gateway.audit import Audit
from podshell.gateway.database import Database
from podshell.wire import messages as m
from terminal_client import Api, TerminalClient


async def start_gateway(state_dir: Path, port: int = 0) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    script = Path(__file__).with_name("gateway_process.py")
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), str(state_dir), str(port), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return process, json.loads(await process.stdout.readline())


async def kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_a_killed_gateway_comes_back_with_sessions_cookie_and_audit(tmp_path: Path) -> None:
    process, ready = await start_gateway(tmp_path)
    url, port = ready["url"], int(ready["url"].rsplit(":", 1)[1])
    try:
        async with FakeAgent(url, "lab", token=ready["enrolment"]) as agent, httpx.AsyncClient(base_url=url, timeout=30) as browser:
            await agent.until(agent.linked.is_set)
            await browser.post("/api/signin", json={"secret": ready["signin"].split("=", 1)[1]})
            api = Api(url, json.loads((tmp_path / "cli.json").read_text())["token"])
            session, ticket = await api.open_session(**POD)
            async with TerminalClient(api, session, ticket) as terminal:
                agent.write(session, b"before ")
                await terminal.wait_output(b"before ")
                await kill(process)
                # told while nobody listens: kept by the agent, and counted once
                agent.write(session, b"meanwhile ")
                process, _ = await start_gateway(tmp_path, port)
                await agent.until(lambda: agent.welcomes == 2, 60)
                await terminal.wait_output(b"before meanwhile ", 60)
                assert (await browser.get("/api/me")).json()["user"]["name"] == "ada"
                agent.finish(session, m.End("exited", 5))
                assert (await terminal.wait_end(60)).exit_code == 5
            await agent.until(lambda: not agent.unacked)
            await api.close()
    finally:
        await kill(process)
    database = Database(tmp_path / "gateway.sqlite")
    audit = Audit(database)
    assert await audit.first_break() is None
    actions = [(row.action, row.outcome) for row in await audit.newest(100) if row.session == session]
    assert actions[0] == ("session.end", "done")
    assert actions[-1] == ("session.open", "allowed")
    assert actions.count(("session.end", "done")) == 1
    await database.close()
