"""A gateway that cheats, for debug and node sessions against a real agent: no bad grant makes or shows anything, the ceiling holds against
a good one, and no name of somebody else's container leads into it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from test_stack_authority import BAD_GRANTS, bad_grant, cheated_agent, code_of, until_answered

from link_gateway import GatewayEnd, Viewer
from podshell.agent.ceiling import Action
from podshell.agent.settings import ToolsSettings
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import small_content
from podshell.sandbox.resources import JOB, POD
from podshell.wire import calls
from podshell.wire.calls import OpenSession, Predecessor
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.tools import DebugRequest, MadeContainer
from sandbox_fixtures import QUICK
from stack import ContainerView, settled

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers"),
]
TOOLS = ToolsSettings(image_repository="tools", image_version="1", patience_seconds=3, sweep_seconds=0.5)
EVERYTHING = dict.fromkeys(("pod_exec", "pod_debug", "node_shell", "host_mount", "host_write", "node_privileged"), True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxCluster]:
    cluster = SandboxCluster("demo-east", folder=tmp_path_factory.mktemp("cheated"), content=small_content, timings=QUICK)
    await cluster.start()
    try:
        await cluster.settle()
        yield cluster
    finally:
        await cluster.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def link(cluster: SandboxCluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayEnd]:
    """A link to an agent that allows everything."""
    async with cheated_agent(tmp_path_factory.mktemp("agent"), cluster, TOOLS, **EVERYTHING) as (link, _):
        yield link


def wanted(kind: str, **fields: object) -> OpenSession:
    place = {"namespace": "shop", "pod": "cart-0"} if kind == "debug" else {"namespace": "", "pod": "", "node": "worker-1"}
    values = {"session": secrets.token_hex(8), "kind": kind, "user": "ada", "debug": DebugRequest(), **place}
    return OpenSession(**{**values, **fields})  # type: ignore[arg-type]  # fields of OpenSession


def made(cluster: SandboxCluster) -> list[str]:
    """All that was ever made for sessions and is still known: Jobs, their pods, debug containers."""
    pods = cluster.store.list(POD)
    ours = [one for one in [*cluster.store.list(JOB), *pods] if "podshell.dev/session" in one["metadata"].get("labels", {})]
    return [one["metadata"]["name"] for one in ours] + [two["name"] for one in pods for two in one["spec"].get("ephemeralContainers", [])]


async def running(link: GatewayEnd, opening: OpenSession) -> Viewer:
    """Open a session and type in its shell."""
    assert isinstance(await link.open(opening), calls.OpenedSession)
    viewer = link.attach(opening.session, grant=link.grant("attach", session=opening.session, user=opening.user))
    await say(viewer, "here")
    return viewer


async def say(viewer: Viewer, word: str) -> None:
    viewer.type(f"echo {word}:$((40+2)):\n")
    await viewer.until_output(f"{word}:42:".encode())


async def close(link: GatewayEnd, *viewers: tuple[OpenSession, Viewer]) -> None:
    for opening, viewer in viewers:
        assert await link.close_session(opening.session) is None
        await viewer.until_end()


@pytest.mark.parametrize("kind", ["debug", "node"])
async def test_no_bad_grant_makes_plans_ends_or_shows_anything(cluster: SandboxCluster, link: GatewayEnd, kind: str) -> None:
    good = wanted(kind)
    viewer = await running(link, good)
    before = made(cluster)
    for name, changes in BAD_GRANTS.items():
        await expect_refusals(link, good, name, changes)
    assert made(cluster) == before
    await say(viewer, "still")
    await close(link, (good, viewer))


async def expect_refusals(link: GatewayEnd, good: OpenSession, name: str, changes: dict[str, object]) -> None:
    opening, closing = wanted(good.kind), calls.CloseSession(good.session)
    target = {"kind": good.kind, "namespace": good.namespace, "pod": good.pod, "node": good.node, "user": good.user}
    plan = calls.PlanDebug(good.kind, good.user, DebugRequest(), good.namespace, good.pod, good.node)
    tries: list[tuple[str, msgspec.Struct, bytes]] = [
        (calls.SESSION_OPEN, opening, bad_grant(link, "open", changes, opening, session=opening.session, **target)),
        (calls.SESSION_CLOSE, closing, bad_grant(link, "close", changes, closing, session=good.session)),
    ]
    if name != "for another session":  # a plan belongs to none
        tries.append((calls.DEBUG_PLAN, plan, bad_grant(link, "plan", changes, plan, **target)))
    for method, params, grant in tries:
        reply = await link.call(method, params, grant)
        assert code_of(reply.refusal) is ErrorCode.GRANT_REFUSED, f"{method} with a grant {name}: {reply}"
    for role, operation in (("owner", "attach"), ("observer", "observe"), ("recorder", "record")):
        if changes.get("operation") != operation:
            thief = link.attach(good.session, role=role, grant=bad_grant(link, operation, changes, session=good.session))
            await until_answered(thief)
            assert (code_of(thief.refusal), bytes(thief.output)) == (ErrorCode.GRANT_REFUSED, b""), (role, name)


# What the parameters say and the grant does not.
SWAPS: dict[str, list[dict[str, object]]] = {
    "debug": [{"pod": "storefront"}, {"namespace": "payments"}, {"debug": DebugRequest(capabilities=["SYS_ADMIN"])}],
    "node": [{"node": "worker-2"}, {"debug": DebugRequest(host_write=True)}, {"debug": DebugRequest(image="evil:1")}],
}
SWAPPED_BY_ALL: list[dict[str, object]] = [{"user": "eve"}, {"session": "another"}, {"kind": "exec"}, {"command": ["rm", "-rf", "/"]}]


@pytest.mark.parametrize("kind", ["debug", "node"])
async def test_altered_replayed_and_swapped_grants_make_nothing(cluster: SandboxCluster, link: GatewayEnd, kind: str) -> None:
    first = wanted(kind)
    grant = link.opening_grant(first)
    assert (await link.call(calls.SESSION_OPEN, first, grant)).refusal is None
    viewer = link.attach(first.session, grant=(attach := link.grant("attach", session=first.session)))
    await say(viewer, "here")
    before = made(cluster)
    assert code_of((await link.call(calls.SESSION_OPEN, first, grant)).refusal) is ErrorCode.GRANT_REFUSED, "replayed"
    for place in range(0, len(grant), 11):  # one bit, anywhere in it
        altered = bytearray(link.opening_grant(other := wanted(kind)))
        altered[min(place, len(altered) - 1)] ^= 1
        reply = await link.call(calls.SESSION_OPEN, other, bytes(altered))
        assert code_of(reply.refusal) is ErrorCode.GRANT_REFUSED, f"bit at {place}"
    for change in [*SWAPS[kind], *SWAPPED_BY_ALL]:
        asked = wanted(kind)
        swapped = msgspec.structs.replace(asked, **change)
        reply = await link.call(calls.SESSION_OPEN, swapped, link.opening_grant(asked))
        assert code_of(reply.refusal) is ErrorCode.GRANT_REFUSED, change
    for thief in (
        link.attach(first.session, grant=attach),
        link.attach(first.session, grant=link.grant("attach", session=first.session, user="eve")),
    ):
        await until_answered(thief)
        assert (code_of(thief.refusal), bytes(thief.output)) == (ErrorCode.GRANT_REFUSED, b"")
    assert made(cluster) == before
    await close(link, (first, viewer))


CEILINGS: list[tuple[str, dict[str, object], str]] = [
    ("debug", {}, "podDebug"),
    ("debug", {"capabilities": ["SYS_PTRACE"]}, "nodePrivileged"),
    ("node", {}, "nodeShell"),
    ("node", {"mount_host": True}, "hostMount"),
    ("node", {"host_write": True}, "hostWrite"),
    ("node", {"host_pid": True}, "nodePrivileged"),
    ("node", {"enter": True}, "nodePrivileged"),
    ("node", {"seccomp_unconfined": True}, "nodePrivileged"),
    ("node", {"apparmor_unconfined": True}, "nodePrivileged"),
    ("node", {"profile": "host"}, "hostMount"),
    ("node", {"profile": "systemd"}, "nodePrivileged"),
    ("node", {"profile": "trace"}, "nodePrivileged"),
]
FLAGS = {
    Action.POD_DEBUG: "pod_debug", Action.NODE_SHELL: "node_shell", Action.HOST_MOUNT: "host_mount", Action.HOST_WRITE: "host_write",
    Action.NODE_PRIVILEGED: "node_privileged",
}  # fmt: skip


@pytest.mark.parametrize("missing", [*FLAGS], ids=str)
async def test_a_flag_of_the_ceiling_holds_against_a_gateway_that_signs_everything(
    cluster: SandboxCluster, tmp_path: Path, missing: Action
) -> None:
    """Everything else is allowed: each flag counts by itself, is refused by its name, and before anything is made."""
    before = made(cluster)
    async with cheated_agent(tmp_path, cluster, TOOLS, **{**EVERYTHING, FLAGS[missing]: False}) as (link, _):
        cases = [(kind, options) for kind, options, flag in CEILINGS if flag == missing.value]
        assert cases
        for kind, options in cases:
            refused = await link.open(wanted(kind, debug=msgspec.convert(options, DebugRequest)))
            assert isinstance(refused, Refusal), (kind, options)
            assert (refused.code, refused.refused_by) == (ErrorCode.FORBIDDEN_BY_CEILING, RefusedBy.CEILING), refused
            assert refused.details["action"] == missing.value, refused
            assert missing.value in refused.message
    assert made(cluster) == before


@pytest.mark.parametrize("kind", ["debug", "node"])
async def test_an_image_that_is_not_allowed_is_refused_by_name_also_when_it_is_signed(
    cluster: SandboxCluster, link: GatewayEnd, kind: str
) -> None:
    before = made(cluster)
    refused = await link.open(wanted(kind, debug=DebugRequest(image="evil.example/tools:1")))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.details["option"]) == (ErrorCode.FORBIDDEN_BY_CEILING, "image")
    assert "evil.example/tools:1" in refused.message
    assert refused.details["allowed"] == ["tools:1"]
    assert made(cluster) == before


@pytest.mark.parametrize("kind", ["debug", "node"])
async def test_who_names_another_users_holder_as_their_own_gets_a_new_shell(cluster: SandboxCluster, link: GatewayEnd, kind: str) -> None:
    """As after an agent restart: the gateway says which container and which holder the session had."""
    mine = wanted(kind)
    viewer = await running(link, mine)
    viewer.type("SECRET=of''ada\n")
    told = await link.until_fact("opened", mine.session)
    assert told.data["holder"], "this is about shells that are held"
    before = predecessor(link, mine)
    theirs = wanted(kind, user="eve", incarnation=2, predecessor=before)
    thief = await running(link, theirs)
    thief.type("echo secret:$SECRET:\n")
    await thief.until_output(b"secret::")
    assert thief.attached is not None
    place, other = await place_of(link, mine), await place_of(link, theirs)
    assert place != other
    await say(viewer, "still")
    await close(link, (theirs, thief), (mine, viewer))


async def test_who_names_a_container_of_the_pod_as_made_for_them_gets_no_shell_there(cluster: SandboxCluster, link: GatewayEnd) -> None:
    """That would be podExec, and any pod of any namespace, for a gateway that may only debug."""
    pod = cluster.store.get(POD, "shop", "cart-0")
    assert pod is not None
    before = (view := ContainerView.of(cluster)).execs()
    invented = MadeContainer("ephemeral_container", "shop", "cart-0", pod["metadata"]["uid"], "cart")
    session = wanted("debug", incarnation=2, predecessor=Predecessor(pod["metadata"]["uid"], "cart", made=invented))
    viewer = await running(link, session)
    assert (await place_of(link, session))[1] != "cart"
    assert view.execs() == before
    await close(link, (session, viewer))


def predecessor(link: GatewayEnd, opening: OpenSession) -> Predecessor:
    """What a gateway would tell the next agent of a session."""
    opened = next(fact.data for fact in link.facts if (fact.session, fact.kind) == (opening.session, "opened"))
    container = [fact.data for fact in link.facts if (fact.session, fact.kind) == (opening.session, "made")][-1]
    return Predecessor(
        str(opened["pod_uid"]), str(opened["container"]), int(str(opened["sid"])), int(str(opened["start_ticks"])), str(opened["nonce"]),
        str(opened["holder"]), msgspec.convert(container, MadeContainer),
    )  # fmt: skip


async def place_of(link: GatewayEnd, opening: OpenSession) -> tuple[str, str]:
    """The pod and the container that a session's shell runs in."""
    kinds = ("opened", "restarted", "resumed")
    await link.until(lambda: any(f.session == opening.session and f.kind in kinds for f in link.facts), "a shell")
    data = next(fact.data for fact in link.facts if fact.session == opening.session and fact.kind in kinds)
    return str(data["pod"]), str(data["container"])


async def test_nothing_of_these_sessions_is_left(cluster: SandboxCluster, link: GatewayEnd) -> None:
    def left() -> list[str]:
        pods = cluster.store.list(POD)
        statuses = [two for one in pods for two in one["status"].get("ephemeralContainerStatuses", [])]
        jobs = [one["metadata"]["name"] for one in cluster.store.list(JOB)]
        return [*jobs, *(one["name"] for one in statuses if "running" in one["state"])]

    await settled(lambda: not left(), left)
