"""Recordings: an ordinary consumer that writes asciicast v3."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from fake_agent import FakeAgent
from gateway_lab import POD, TerminalClient, running_lab

from podshell.wire import messages as m


async def test_a_session_is_recorded_when_it_is_asked_for(tmp_path: Path) -> None:
    async with running_lab(tmp_path, record=True) as lab, await lab.agent() as agent:
        await agent.until(agent.linked.is_set)
        api = lab.api()
        session, ticket = await api.open_session(**POD)
        await agent.until(lambda: any(attach.role == "recorder" for attach, _ in agent.attaches))
        attach, grant = agent.attaches[0]
        assert (attach.role, attach.visible, grant.operation) == ("recorder", False, "record")
        async with TerminalClient(api, session, ticket) as terminal:
            await terminal.wait_for(lambda t: t.attached is not None)
            agent.write(session, "grün".encode()[:3])
            await terminal.wait_for(lambda t: len(t.output) == 3)
            agent.write(session, "grün".encode()[3:] + b"\x1b[0m")
            await terminal.wait_output(b"\x1b[0m")
            await terminal.send(m.Resize(132, 50))
            await agent.until(lambda: agent.shells[session].sizes == [(132, 50)])
            agent.finish(session, m.End("exited", 7))
            await terminal.wait_end()
        await api.close()
        await _recorders_end(lab)
        (file,) = (tmp_path / "state" / "recordings").iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        header, *events = [json.loads(line) for line in file.read_text().splitlines()]
        assert header["version"] == 3
        assert "".join(text for _, code, text in events if code == "o") == "grün\x1b[0m"
        assert [text for _, code, text in events if code == "r"][-1] == "132x50"
        assert events[-1][1:] == ["x", "7"]
        assert ("session.record", "allowed") in await lab.audit_actions(session)


async def _recorders_end(lab: object) -> None:
    import asyncio

    tasks = [task for task in asyncio.all_tasks() if "recording of" in task.get_name()]
    async with asyncio.timeout(20):
        await asyncio.gather(*tasks)


async def test_nothing_is_recorded_by_default(tmp_path: Path) -> None:
    async with running_lab(tmp_path) as lab, await lab.agent() as agent:
        await agent.until(agent.linked.is_set)
        api = lab.api()
        session, _ = await api.open_session(**POD)
        await agent.until(lambda: not agent.unacked)
        assert not agent.attaches
        assert (await api.call("GET", f"/api/sessions/{session}"))["recorded"] is False
        assert not (tmp_path / "state" / "recordings").exists()
        await api.close()


async def test_a_recording_goes_on_when_the_gateway_is_back(tmp_path: Path) -> None:
    async with running_lab(tmp_path, record=True) as lab, await lab.agent() as agent:
        await agent.until(agent.linked.is_set)
        api = lab.api()
        session, _ = await api.open_session(**POD)
        await agent.until(lambda: len(agent.attaches) == 1)
        await lab.restart()
        await agent.until(lambda: len(agent.attaches) == 2)
        assert agent.attaches[1][0].role == "recorder"
        await api.close()
        assert len(list((tmp_path / "state" / "recordings").iterdir())) == 2
        assert isinstance(agent, FakeAgent)
        assert session in agent.shells
