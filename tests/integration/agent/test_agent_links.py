"""Links come and go; sessions, facts and bytes do not care."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import random
from functools import partial

import pytest
from agent_lab import open_shell, opening
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from link_gateway import GatewayEnd, GatewayServer, Viewer
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.wire import calls
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.messages import Position, Reject


async def test_a_gateway_that_comes_later_is_found(settings: AgentSettings) -> None:
    late = GatewayServer()
    async with late.running():
        pass  # its port is known now, and nobody listens
    async with Agent(dataclasses.replace(settings, gateway_urls=(late.url,))) as agent, late.running():
        await late.next_link()
        await agent.linked.wait()


async def test_the_gateway_is_reached_through_the_environments_proxy(
    settings: AgentSettings, gateway: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        if len(asked) == 1:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with Agent(dataclasses.replace(settings, gateway_urls=("http://gateway.invalid:8642",))) as agent:
            await gateway.next_link()
            await agent.linked.wait()
    assert asked == [b"CONNECT gateway.invalid:8642 HTTP/1.1"] * 2, "a proxy that says no is asked again"


async def test_hello_says_who_and_what_is_allowed(link: GatewayEnd) -> None:
    assert link.hello is not None
    assert (link.hello.cluster, link.hello.ceiling["podExec"], link.hello.ceiling["nodeShell"]) == ("east", True, False)
    assert link.hello.kubernetes_version.startswith("v1.36")


async def test_a_rejected_agent_tries_again_and_says_why(
    settings: AgentSettings, gateway: GatewayServer, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = Refusal(ErrorCode.UNAUTHENTICATED, RefusedBy.GATEWAY, "this key is not enrolled", "enrol the agent")
    gateway.reject = Reject(refusal, retry_after_ms=1)
    async with Agent(settings) as agent:
        await gateway.next_link()
        await gateway.next_link(after=1)
        assert not agent.linked.is_set()
        gateway.reject = None
        await agent.linked.wait()
    assert "this key is not enrolled; enrol the agent" in caplog.text


async def test_a_gateway_with_foreign_grant_keys_gets_no_link(
    settings: AgentSettings, gateway: GatewayServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with Agent(settings) as agent:
        link = await gateway.next_link()
        await agent.linked.wait()
        gateway.key = Ed25519PrivateKey.generate()
        await gateway.cut(link)
        again = await gateway.next_link(after=1)
        await gateway.next_link(after=2)
        assert again.syncs == []
    assert "none is known" in caplog.text


async def test_facts_are_told_again_until_they_are_acknowledged(settings: AgentSettings, gateway: GatewayServer) -> None:
    gateway.ack_facts = False
    async with Agent(settings):
        link = await gateway.next_link()
        viewer = await open_shell(link)
        session = (await viewer.until_attached()).session
        await gateway.cut(link)
        gateway.ack_facts = True
        again = await gateway.next_link(after=1)
        await again.until_fact("opened", session)
        after_the_ack = again.watch("nodes")
        await after_the_ack.until(lambda: after_the_ack.complete, "an answer")
        await gateway.cut(again)
        third = await gateway.next_link(after=2)
        await third.until(lambda: third.syncs, "SYNC")
        assert third.facts == []
        assert third.syncs[0].sessions == [session]


async def test_every_gateway_has_a_link_and_any_can_be_used(settings: AgentSettings, gateway: GatewayServer) -> None:
    async with GatewayServer(key=gateway.key).running() as other, both(settings, gateway, other):
        first, second = await gateway.next_link(), await other.next_link()
        viewer = await open_shell_by_either(first, second)
        session = (await viewer.until_attached()).session
        await gateway.cut(first)
        over_second = second.attach(session, viewer=viewer.viewer)
        over_second.type("echo $((20+3))\n")
        await over_second.until_output(b"23")
        facts = [fact for link in (first, second) for fact in link.facts]
        assert {fact.kind for fact in facts} == {"opened"}


async def open_shell_by_either(first: GatewayEnd, second: GatewayEnd) -> Viewer:
    wanted = opening()
    await first.open(wanted)
    viewer = second.attach(wanted.session)
    await viewer.until_attached()
    await viewer.until(lambda: any(f.kind == "opened" for f in [*first.facts, *second.facts]) or viewer.output, "the shell")
    return viewer


async def test_the_session_limit_is_a_refusal(settings: AgentSettings, gateway: GatewayServer) -> None:
    async with Agent(dataclasses.replace(settings, session_limit=1)):
        link = await gateway.next_link()
        await open_shell(link)
        refused = await link.open(opening())
        assert isinstance(refused, Refusal)
        assert refused.code is ErrorCode.LIMIT_REACHED


async def test_a_close_with_a_grant_for_another_session_is_refused(link: GatewayEnd) -> None:
    viewer = await open_shell(link)
    closing = calls.CloseSession((await viewer.until_attached()).session)
    reply = await link.call(calls.SESSION_CLOSE, closing, link.grant("close", session="another"))
    assert reply.refusal is not None
    assert reply.refusal.code is ErrorCode.GRANT_REFUSED


@pytest.mark.parametrize("grant", [b"", b"x" * 200])
async def test_an_attach_without_a_grant_gets_no_byte(link: GatewayEnd, grant: bytes) -> None:
    viewer = await open_shell(link)
    thief = link.attach((await viewer.until_attached()).session, grant=grant)
    await thief.until(lambda: thief.refusal or thief.attached, "an answer")
    assert thief.refusal is not None
    assert thief.refusal.code is ErrorCode.GRANT_REFUSED
    assert thief.output == b""


def both(settings: AgentSettings, first: GatewayServer, second: GatewayServer) -> Agent:
    return Agent(dataclasses.replace(settings, gateway_urls=(first.url, second.url)))


def _has(viewer: Viewer, size: int) -> bool:
    return len(viewer.output) >= size


def _took(viewer: Viewer, size: int) -> bool:
    return viewer.input_taken >= size


SIZE = 2 * 1024 * 1024


async def test_output_survives_lost_links_byte_for_byte(link: GatewayEnd, gateway: GatewayServer) -> None:
    script = f"stty raw -echo; head -c {SIZE} /dev/urandom > /tmp/noise; sha256sum < /tmp/noise; cat /tmp/noise"
    wanted = opening(command=["sh", "-c", script])
    await link.open(wanted)
    viewer = link.attach(wanted.session, window=128 * 1024)
    await viewer.until_attached()
    random_cuts = random.Random(7)
    seen = bytearray()
    for cut in range(6):
        target = len(seen) + len(viewer.output) + random_cuts.randrange(100_000, 300_000)
        await viewer.until(partial(_has, viewer, target - len(seen)), "more output")
        await gateway.cut(link)
        seen += viewer.output
        link = await gateway.next_link(after=cut + 1)
        old = await viewer.until_attached()
        viewer = link.attach(wanted.session, viewer=viewer.viewer, window=128 * 1024, resume=Position(old.epoch, viewer.received))
        attached = await viewer.until_attached()
        assert (attached.start, attached.lost) == (len(seen), False)
    end = await viewer.until_end()
    seen += viewer.output
    told, noise = seen[:64], seen[68:]
    assert viewer.gaps == []
    assert (len(noise), bytes(seen[64:68]), end.exit_code) == (SIZE, b"  -\n", 0), (bytes(seen[:100]), viewer)
    assert hashlib.sha256(noise).hexdigest().encode() == bytes(told)


async def test_input_survives_lost_links_byte_for_byte(link: GatewayEnd, gateway: GatewayServer) -> None:
    wanted = opening(command=["sh", "-c", f"stty raw -echo; echo ready; head -c {SIZE} | sha256sum"])
    await link.open(wanted)
    viewer = link.attach(wanted.session)
    await viewer.until_output(b"ready")
    noise = random.Random(8).randbytes(SIZE)
    viewer.type(noise)
    for cut in range(4):
        await viewer.until(partial(_took, viewer, (cut + 1) * 300_000), "more input taken")
        await gateway.cut(link)
        link = await gateway.next_link(after=cut + 1)
        viewer = link.attach(wanted.session, viewer=viewer.viewer)
        attached = await viewer.until_attached()
        viewer.type(noise[attached.input_taken :])
    await viewer.until_end()
    assert hashlib.sha256(noise).hexdigest().encode() in bytes(viewer.output)


async def test_a_hidden_viewer_never_slows_a_flood(link: GatewayEnd) -> None:
    wanted = opening(command=["sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' 'x'; echo finished"])
    await link.open(wanted)
    viewer = link.attach(wanted.session, visible=False, acknowledges=False)
    await link.until_fact("ended", wanted.session)
    viewer.acknowledges = True
    viewer.acknowledge()
    end = await viewer.until_end()
    assert end.exit_code == 0
    assert viewer.gaps
    assert viewer.output.endswith(b"finished\r\n")


async def test_a_visible_viewer_that_stalls_slows_it_and_loses_nothing(link: GatewayEnd) -> None:
    wanted = opening(command=["sh", "-c", "stty -onlcr; seq 1 300000"])
    await link.open(wanted)
    viewer = link.attach(wanted.session, acknowledges=False)
    await viewer.until_notice("reading_paused")
    for _ in range(20):  # turns of the loop in which the flood would come if it could
        await asyncio.sleep(0)
    assert not any(fact.kind == "ended" for fact in link.facts)
    viewer.acknowledges = True
    viewer.acknowledge()
    await viewer.until_end()
    assert viewer.gaps == []
    assert bytes(viewer.output) == b"".join(b"%d\n" % n for n in range(1, 300_001))
