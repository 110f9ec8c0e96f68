"""Whatever ends a session, no process of it stays (issue "the first shell", acceptance 5). /proc is read from outside the container."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from agent_lab import SessionProcesses, open_shell, opening, processes_of, settled
from local_shells import alive

from link_gateway import GatewayEnd, GatewayServer, Viewer
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.controllers.owners import delete_pod
from podshell.sandbox.resources import POD
from podshell.sandbox.streams.faults import StreamFault
from podshell.wire.calls import Predecessor

# A job in the background; then, in the foreground and with the terminal in raw mode, one that ignores all that can be ignored.
STUBBORN = 'sleep 1111 & bash -c \'stty raw -echo; trap "" HUP INT TERM QUIT TSTP; echo stub""born; while :; do sleep 1; done\'\n'


async def stubborn_shell(link: GatewayEnd) -> tuple[Viewer, SessionProcesses]:
    viewer = await open_shell(link)
    session = (await viewer.until_attached()).session
    found = await processes_of(link, session)
    viewer.type(STUBBORN)
    await viewer.until_output(b"stubborn")
    await settled(lambda: len(found.living()) >= 4, "shell, job, stubborn program and its sleep")
    return viewer, found


async def test_close(link: GatewayEnd) -> None:
    viewer, found = await stubborn_shell(link)
    assert await link.close_session((await viewer.until_attached()).session) is None
    end = await viewer.until_end()
    assert found.living() == []
    assert (end.reason, end.left, end.unkilled) == ("closed", [], [])


async def test_exit_with_jobs_that_ignore_hup(link: GatewayEnd) -> None:
    viewer = await open_shell(link)
    found = await processes_of(link, (await viewer.until_attached()).session)
    viewer.type("(trap '' HUP; exec sleep 1112) & disown; exit 5\n")
    end = await viewer.until_end()
    assert (end.reason, end.exit_code, end.unkilled) == ("exited", 5, [])
    assert found.living() == []


async def test_a_daemon_that_left_by_setsid_is_alive_and_named(link: GatewayEnd) -> None:
    viewer = await open_shell(link)
    session = (await viewer.until_attached()).session
    found = await processes_of(link, session)
    viewer.type("setsid sleep 1113 &\n")
    await settled(lambda: any(p.name == "sleep" for p in found.left()), "the daemon")
    daemon = next(p for p in found.left() if p.name == "sleep")
    try:
        await link.close_session(session)
        end = await viewer.until_end()
        assert found.living() == []
        assert alive(daemon.pid)
        assert [name.split()[0] for name in end.left] == ["sleep"]
        fact = await link.until_fact("ended", session)
        assert fact.data["left"] == end.left
    finally:
        os.kill(daemon.pid, signal.SIGKILL)


async def test_the_agents_exec_rights_are_gone(link: GatewayEnd, sandbox_cluster: SandboxCluster) -> None:
    viewer, found = await stubborn_shell(link)
    sandbox_cluster.authority.unbind(users.AGENT_EXEC)
    await link.close_session((await viewer.until_attached()).session)
    end = await viewer.until_end()
    assert found.living() == []
    assert end.unkilled == []


async def test_the_api_server_is_rotated_and_the_shell_restarts(link: GatewayEnd, sandbox_cluster: SandboxCluster) -> None:
    viewer, found = await stubborn_shell(link)
    session = (await viewer.until_attached()).session
    await sandbox_cluster.server.rotate()
    await viewer.until_notice("restarting")
    restarted = await viewer.until_notice("restarted")
    assert restarted.data["incarnation"] == 2
    await settled(lambda: found.living() == [], "the end of the old shell")
    fact = await link.until_fact("restarted", session)
    assert fact.data["nonce"] != found.nonce
    viewer.type("echo $((1200+34))\n")
    await viewer.until_output(b"1234")


async def test_the_shells_stream_alone_is_lost(link: GatewayEnd, sandbox_cluster: SandboxCluster) -> None:
    cut = sandbox_cluster.faults.add(StreamFault(drop_at_byte=20_000))
    viewer = await open_shell(link)
    cut()  # for those that open later; the lifeline of this shell never prints as much
    found = await processes_of(link, (await viewer.until_attached()).session)
    viewer.type("seq 1 10000\n")
    await viewer.until_notice("restarted")
    await settled(lambda: found.living() == [], "the end of the old shell")


async def test_the_lifeline_is_killed_and_cannot_do_its_work(link: GatewayEnd) -> None:
    viewer = await open_shell(link)
    session = (await viewer.until_attached()).session
    found = await processes_of(link, session)
    lifelines = [p for p in _named(found.nonce, "podshell-lifeline") if p != os.getpid()]
    assert lifelines
    for pid in lifelines:
        os.kill(pid, signal.SIGKILL)
    await viewer.until_notice("restarted")
    await settled(lambda: found.living() == [], "the end of the old shell")


def _named(nonce: str, word: str) -> list[int]:
    """Pids whose command line holds both."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                line = Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            if nonce.encode() in line and word.encode() in line:
                found.append(int(entry))
    return found


async def test_a_deleted_pod_ends_the_session_with_the_reason(link: GatewayEnd, sandbox_cluster: SandboxCluster) -> None:
    viewer = await open_shell(link)
    found = await processes_of(link, (await viewer.until_attached()).session)
    cart = sandbox_cluster.store.get(POD, "shop", "cart-0")
    assert cart is not None
    delete_pod(sandbox_cluster.store, cart)
    notice = await viewer.until_notice("target")
    assert "being deleted" in str(notice.data["text"])
    end = await viewer.until_end()
    assert end.reason == "target_gone"
    assert "cart" in end.message
    await settled(lambda: found.living() == [], "the end of the shell")


async def test_the_agent_is_stopped(settings: AgentSettings, gateway: GatewayServer) -> None:
    async with Agent(settings):
        viewer, found = await stubborn_shell(await gateway.next_link())
    assert viewer.end is not None
    assert viewer.end.reason == "agent_stopped"
    await settled(lambda: found.living() == [], "the end of the shell")


async def test_the_agent_is_killed_and_its_successor_restarts_the_session(settings: AgentSettings, gateway: GatewayServer) -> None:
    process = await _agent_process(settings)
    try:
        link = await gateway.next_link()
        _, found = await stubborn_shell(link)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await settled(lambda: found.living() == [], "the end of the shell")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    told = await link.until_fact("opened")
    before = Predecessor(str(told.data["pod_uid"]), "cart", int(str(told.data["sid"])), int(str(told.data["start_ticks"])), found.nonce)
    async with Agent(settings):
        again = await gateway.next_link(after=1)
        assert again.hello is not None
        assert link.hello is not None
        assert (again.hello.instance, again.hello.public_key) == (link.hello.instance, link.hello.public_key)
        assert again.hello.epoch != link.hello.epoch
        successor = opening(session=told.session, incarnation=2, predecessor=before)
        await again.open(successor)
        fact = await again.until_fact("restarted", told.session)
        assert fact.data["incarnation"] == 2


async def test_the_agent_is_killed_on_an_older_cluster_that_speaks_v4(settings: AgentSettings, gateway: GatewayServer) -> None:
    """There the stream's end kills shell and lifeline at once, and leaves the job (transcripts/orphans/tty-sh-background.v4)."""
    process = await _agent_process(settings, before="import podshell.kube.exec as e; e.OFFER_V5_AND_V4 = 'v4.channel.k8s.io'")
    try:
        link = await gateway.next_link()
        viewer = await open_shell(link)
        found = await processes_of(link, (await viewer.until_attached()).session)
        viewer.type("(trap '' HUP; exec sleep 1114) & echo star''ted\n")
        await viewer.until_output(b"started")
        await settled(lambda: any(p.name == "sleep" for p in found.living()), "the job")
    finally:
        process.kill()
        await process.wait()
    await settled(lambda: found.living() == [], "the end of the job")


async def test_what_a_dead_agent_left_is_ended_by_its_successor(link: GatewayEnd, gateway: GatewayServer) -> None:
    """As if the lifeline had died with the agent: only the gateway's journal knows of the shell."""
    _, found = await stubborn_shell(link)
    told = await link.until_fact("opened")
    before = Predecessor(str(told.data["pod_uid"]), "cart", int(str(told.data["sid"])), int(str(told.data["start_ticks"])), found.nonce)
    wanted = opening(incarnation=2, predecessor=before)
    await link.open(wanted)
    await link.until_fact("restarted", wanted.session)
    assert found.living() == []


async def _agent_process(settings: AgentSettings, before: str = "") -> asyncio.subprocess.Process:
    code = (
        f"{before}\n"
        "import asyncio, json, sys\nfrom pathlib import Path\nfrom podshell.agent.ceiling import Ceiling\n"
        "from podshell.agent.settings import ToolsSettings\n"
        "from podshell.agent.main import run_agent\nfrom podshell.agent.settings import AgentSettings\n"
        "v = json.loads(sys.argv[1])\nv['ceiling'] = Ceiling(**v['ceiling'])\nv['gateway_urls'] = tuple(v['gateway_urls'])\n"
        "v['tools'] = ToolsSettings(**v['tools'])\n"
        "v['state_dir'] = Path(v['state_dir'])\nv['kubeconfig'] = Path(v['kubeconfig'])\n"
        "asyncio.run(run_agent(AgentSettings(**v)))\n"
    )
    return await asyncio.create_subprocess_exec(sys.executable, "-c", code, json.dumps(asdict(settings), default=str))


@pytest.fixture(autouse=True)
def _needs_linux() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the sandbox runs on Linux only")
