"""Debug and node sessions through the whole stack: made, used, refused, ended, and nothing left (issue "debug and node shells")."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from podshell.agent.ceiling import Action, ceiling_of
from podshell.agent.choices import Choices
from podshell.agent.settings import ToolsSettings
from podshell.kube.debug_options import CAPABILITIES
from podshell.sandbox.kubelet.faults import PodFault
from podshell.sandbox.resources import JOB, POD
from podshell.sandbox.resources import NODE as NODE_KIND
from stack import Stack, settled
from terminal_client import ApiError, TerminalClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYTHING = ceiling_of([action.value for action in Action])
TOOLS = ToolsSettings(image_repository="tools", image_version="1", allowed_images=("tools:*", "missing/*", "busybox:*"))
DEBUG: dict[str, object] = {"kind": "debug"}
NODE: dict[str, object] = {"kind": "node", "namespace": "", "pod": "", "container": "", "node": "worker-1"}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
ENTERED = re.compile(rb"in:(mnt:\S+?):(mnt:\S+?):CapEff:\s*([0-9a-f]+):")

CAPABILITY_SET = re.compile(r"CapBnd:\s*([0-9a-f]+)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack that allows everything, for the tests that do not restart anything."""
    async with Stack(tmp_path_factory.mktemp("debug"), ceiling=EVERYTHING, tools=TOOLS) as stack:
        yield stack


def made_objects(stack: Stack) -> list[str]:
    """What the API server has of ours in the debug namespace, read past everything that is tested."""
    objects = [*stack.cluster.sandbox.store.list(JOB), *stack.cluster.sandbox.store.list(POD)]
    ours = [one["metadata"] for one in objects if one["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "podshell"]
    return [one["name"] for one in ours]


@pytest.mark.parametrize("image", ["busybox:1.36", "tools:1"])
@pytest.mark.parametrize("place", [pytest.param(NODE, marks=needs_root, id="node"), pytest.param({**DEBUG, "container": ""}, id="debug")])
async def test_a_terminal_is_told_when_its_image_cannot_hold_its_shell(stack: Stack, place: dict[str, object], image: str) -> None:
    async with stack.shell(**place, debug={"image": image}) as terminal:
        await terminal.type(b"echo in:$((6*7)):\r")
        await terminal.wait_output(b"in:42:")
        told = image.startswith("busybox") or shutil.which("dtach") is None
        if told:
            assert "begins anew" in str((await terminal.wait_notice("unheld")).data["text"])
        assert len(terminal.notices_of("unheld")) == told
        await terminal.close_session()
        await terminal.wait_end()


async def test_a_node_session_is_made_used_and_removed_with_its_pod(stack: Stack) -> None:
    async with stack.shell(**NODE) as terminal:
        await terminal.type(b"echo in:$((6*7)):node\r")
        await terminal.wait_output(b"in:42:node")
        made = await stack.made(terminal.session)
        assert made_objects(stack)
        await terminal.close_session()
        end = await terminal.wait_end()
        assert (end.reason, end.unkilled) == ("closed", [])
    assert made["object"] == "job"
    await settled(lambda: not made_objects(stack), lambda: made_objects(stack))


async def test_a_debug_session_is_made_in_the_pod(stack: Stack) -> None:
    async with stack.shell(container="", **DEBUG) as terminal:
        await terminal.type(b"echo in:$((6*7)):pod\r")
        await terminal.wait_output(b"in:42:pod")
        assert (await stack.made(terminal.session))["object"] == "ephemeral_container"
        await terminal.close_session()
        await terminal.wait_end()


async def test_two_shells_that_are_opened_at_once_share_one_debug_container(stack: Stack) -> None:
    """It stays in the pod for good: the second one must not leave another."""
    wanted: dict[str, object] = {"container": "", **DEBUG, "debug": {"capabilities": ["NET_BIND_SERVICE"]}}
    (first, first_ticket), (second, second_ticket) = await asyncio.gather(stack.open_session(**wanted), stack.open_session(**wanted))
    async with TerminalClient(stack.api, first, first_ticket) as one, TerminalClient(stack.api, second, second_ticket) as other:
        for terminal in (one, other):
            await terminal.type(b"echo in:$((6*7)):pod\r")
            await terminal.wait_output(b"in:42:pod")
        names = [(await stack.made(session))["container"] for session in (first, second)]
        assert names[0] == names[1]
        await one.close_session()
        await one.wait_end()
        await other.type(b"echo still:$((6*7)):\r")
        await other.wait_output(b"still:42:")
        await other.close_session()
        await other.wait_end()


# What the audit says of each kind (features F69), beside the reason, and the pod and image as the cluster knows them.
FACTS: list[tuple[dict[str, object], dict[str, object], dict[str, object]]] = [
    (
        {**NODE, "debug": {"profile": "systemd", "capabilities": ["NET_RAW"]}},
        {"profile": "systemd", "capabilities": ["NET_RAW"]},
        {"object": "job", "namespace": "podshell", "node": "worker-1", "profile": "systemd", "capabilities": ["SYS_CHROOT", "NET_RAW"],
         "mounts": ["/:ro"], "host_pid": True, "container": "shell", "target": ""},
    ),
    (
        {**NODE, "debug": {"mount_host": True, "seccomp_unconfined": True, "ttl_seconds": 900}},
        {"mount_host": True, "seccomp_unconfined": True, "ttl_seconds": 900},
        {"object": "job", "node": "worker-1", "profile": "", "capabilities": [], "mounts": ["/:ro"], "host_pid": False},
    ),
    (
        {**DEBUG, "container": "", "debug": {"target": "exporter", "capabilities": ["SYS_CHROOT"]}},
        {"target": "exporter", "capabilities": ["SYS_CHROOT"]},
        {"object": "ephemeral_container", "namespace": "shop", "pod": "cart-0", "node": "worker-1", "capabilities": ["SYS_CHROOT"],
         "mounts": [], "host_pid": False, "target": "exporter"},
    ),
]  # fmt: skip


async def made_and_running(stack: Stack, session: str) -> dict[str, object]:
    """The newest row of what was made, once it has what is known when the container runs."""
    await stack.wait_audit(session, "session.made")
    async with asyncio.timeout(30):
        while not (row := (await stack.audit(session, "session.made"))[-1])["details"]["image_id"]:  # type: ignore[index]  # details
            await asyncio.sleep(0.03)  # the audit tells nobody of its rows
    return row


@pytest.mark.parametrize(("where", "asked", "facts"), FACTS, ids=["node", "node without the rest", "debug"])
async def test_the_audit_says_what_was_asked_and_what_was_made_with_every_fact(
    stack: Stack, where: dict[str, object], asked: dict[str, object], facts: dict[str, object]
) -> None:
    async with stack.shell(**where, reason="INC-7: the disk is full") as terminal:
        await terminal.type(b"echo in:$((6*7)):\r")
        await terminal.wait_output(b"in:42:")
        opened = await stack.wait_audit(terminal.session, "session.open")
        made = await made_and_running(stack, terminal.session)
        details = dict(made["details"])  # type: ignore[call-overload]  # details
        assert {name: opened["details"][name] for name in asked} == asked  # type: ignore[index]  # details
        assert {name: details[name] for name in facts} == facts
        for row in (opened, made):
            assert (row["actor"], row["reason"]) == ("ada", "INC-7: the disk is full")
            assert row["details"]["kind"] == where["kind"]  # type: ignore[index]  # details
        pod = stack.cluster.sandbox.store.get(POD, details["namespace"], details["pod"])
        assert pod is not None
        assert details["pod_uid"] == pod["metadata"]["uid"]
        statuses = [*pod["status"]["containerStatuses"], *pod["status"].get("ephemeralContainerStatuses", [])]
        status = next(one for one in statuses if one["name"] == details["container"])
        assert (details["image"], details["image_id"]) == ("tools:1", status["imageID"])
        assert "sha256:" in details["image_id"]
        session = {"kind": where["kind"], **await stack.made(terminal.session)}
        # that the shell is held is known only once it runs: one of the two may be from before
        assert {name: value for name, value in details.items() if value or name in session} | {"held": True} == {**session, "held": True}
        await terminal.close_session()
        await terminal.wait_end()
    await settled(lambda: not made_objects(stack), lambda: made_objects(stack))


@pytest.mark.parametrize("kind", [DEBUG, NODE], ids=["debug", "node"])
async def test_a_plan_shows_what_would_be_made_and_makes_nothing(stack: Stack, kind: dict[str, object]) -> None:
    body = {"cluster": stack.cluster.name, "namespace": "shop", "pod": "cart-0", **kind}
    plan = await stack.api.call("POST", "/api/sessions/plan", body)
    assert "tools:1" in str(plan["manifest"])
    assert plan["risks"]
    assert plan["refusal"] is None
    assert not made_objects(stack)


@pytest.mark.parametrize(
    ("allowed", "kind", "options", "missing"),
    [
        ((), DEBUG, {}, "podDebug"),
        (("podDebug",), DEBUG, {"capabilities": ["SYS_PTRACE"]}, "nodePrivileged"),
        ((), NODE, {}, "nodeShell"),
        (("nodeShell",), NODE, {"mount_host": True}, "hostMount"),
        (("nodeShell", "hostMount"), NODE, {"host_write": True}, "hostWrite"),
        (("nodeShell",), NODE, {"host_pid": True}, "nodePrivileged"),
        (("nodeShell",), NODE, {"enter": True}, "nodePrivileged"),
    ],
)
async def test_what_the_ceiling_does_not_allow_is_refused_before_anything_is_made(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    allowed: tuple[str, ...],
    kind: dict[str, object],
    options: dict[str, object],
    missing: str,
) -> None:
    agent = stack.cluster.agent
    assert agent is not None
    lower = Choices(agent.settings.tools, ceiling_of(allowed))
    monkeypatch.setattr(agent.tools, "_choices", lower)
    with pytest.raises(ApiError) as refused:
        await stack.open_session(**{"container": "", **kind}, debug=options)
    assert (refused.value.status, refused.value.error["code"]) == (403, "forbidden_by_ceiling")
    assert refused.value.error["details"]["action"] == missing  # type: ignore[index]  # details
    plan = await stack.api.call(
        "POST", "/api/sessions/plan", {"cluster": stack.cluster.name, "namespace": "shop", "pod": "cart-0", **kind, "debug": options}
    )
    assert plan["refusal"]["details"]["action"] == missing  # type: ignore[index]  # a Refusal
    assert not made_objects(stack)


async def test_a_node_that_is_not_there_is_refused_at_once(stack: Stack) -> None:
    with pytest.raises(ApiError) as refused:
        await stack.open_session(**{**NODE, "node": "worker-9"})
    assert (refused.value.status, refused.value.error["code"]) == (404, "not_found")


async def test_an_image_that_is_not_there_ends_the_session_with_the_reason_and_nothing_stays(stack: Stack) -> None:
    agent = stack.cluster.agent
    assert agent is not None
    async with stack.shell(**NODE, debug={"image": "missing/nothing:1"}) as terminal:
        end = await terminal.wait_end()
        assert end.reason == "failed"
        assert end.refusal is not None
        assert (end.refusal.code, end.next_step) != ("", "")
        assert "missing/nothing:1" in end.message
    await settled(lambda: not made_objects(stack), lambda: made_objects(stack))


async def test_on_an_old_cluster_a_host_mount_is_said_to_be_read_only_at_the_top_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It drops `recursiveReadOnly` without a word (before 1.30); whoever comes late hears of it, too, and the audit knows."""
    async with (
        Stack(tmp_path_factory.mktemp("old"), ceiling=EVERYTHING, tools=TOOLS, server_version=(1, 29)) as stack,
        stack.shell(**NODE, debug={"mount_host": True}) as terminal,
        TerminalClient(stack.api, terminal.session) as late,
    ):
        for one in (terminal, late):
            await one.wait_output(b"# ")
            told = await one.wait_notice("target")
            assert str(told.data["text"]).startswith("/host: read-only at the top only")
        assert (await stack.made(terminal.session))["mounts"] == ["/:ro-shallow"]
        rows = [row["details"]["mounts"] for row in await stack.audit(terminal.session, "session.made")]  # type: ignore[index]  # details
        assert rows[-1] == ["/:ro-shallow"]
        await terminal.close_session()
        await terminal.wait_end()


async def test_where_it_is_read_only_all_the_way_down_that_is_said_too(stack: Stack) -> None:
    """As a step of the start, and to who comes late or shows no steps as a notice that is no warning."""
    text = "/host: read-only, with all that is mounted below it"
    heal = stack.cluster.sandbox.node_faults.add(PodFault(namespace="podshell", pull_seconds=1.0))  # the terminal is there when it is said
    try:
        async with stack.shell(**NODE, debug={"mount_host": True}) as terminal:
            await terminal.wait_attached()
            await terminal.wait_output(b"# ")
            assert text in [notice.data["text"] for notice in terminal.notices_of("progress")]
            async with TerminalClient(stack.api, terminal.session) as late:
                for one in (terminal, late):
                    assert (await one.wait_notice("mounts")).data["text"] == text
                    assert not one.notices_of("target")
            assert (await stack.made(terminal.session))["mounts"] == ["/:ro"]
            await terminal.close_session()
            await terminal.wait_end()
    finally:
        heal()


@pytest.fixture
def node_of(stack: Stack) -> Iterator[Callable[[str], None]]:
    """Let the node say that it has this runtime, for the time of a test."""

    def run(runtime: str) -> str:
        def change(node: dict[str, Any]) -> None:
            node["status"]["nodeInfo"]["containerRuntimeVersion"] = runtime

        node = stack.cluster.sandbox.store.get(NODE_KIND, None, "worker-1")
        assert node is not None
        stack.cluster.sandbox.store.modify(NODE_KIND, None, "worker-1", change)
        return str(node["status"]["nodeInfo"]["containerRuntimeVersion"])

    before: list[str] = []
    yield lambda runtime: before.append(run(runtime))
    run(before[0])


async def test_runtime_sockets_that_cannot_be_masked_are_said_to_be_open(stack: Stack, node_of: Callable[[str], None]) -> None:
    """In the plan, at the start, and in the audit."""
    node_of("homemade://1")
    text = "runtime sockets on this node are not masked: its runtime is unknown"
    plan = await stack.api.call("POST", "/api/sessions/plan", {"cluster": stack.cluster.name, **NODE, "debug": {"mount_host": True}})
    risks: list[str] = plan["risks"]  # type: ignore[assignment]  # texts
    assert text in risks[: int(str(plan["dangers"]))]
    async with stack.shell(**NODE, debug={"mount_host": True}) as terminal:
        await terminal.wait_output(b"# ")
        assert text in str((await terminal.wait_notice("target")).data["text"])
        assert (await stack.made(terminal.session))["mounts"] == ["/:ro", "sockets:unmasked"]
        await terminal.close_session()
        await terminal.wait_end()


@needs_root
async def test_a_mask_without_a_socket_below_does_not_keep_the_shell_from_starting(stack: Stack, node_of: Callable[[str], None]) -> None:
    """Nothing can be mounted there: the node is asked once more without it, and its user is told."""
    node_of("cri-o://1.33")
    async with stack.shell(**NODE, debug={"mount_host": True}) as terminal:
        await terminal.wait_output(b"# ")
        assert "where its runtime usually does" in str((await terminal.wait_notice("target")).data["text"])
        assert (await stack.made(terminal.session))["mounts"] == ["/:ro", "sockets:misplaced"]
        assert len(made_objects(stack)) == 2, "one Job, one pod"
        await terminal.close_session()
        await terminal.wait_end()
    await settled(lambda: not made_objects(stack), lambda: made_objects(stack))


async def test_a_debug_namespace_that_is_not_there_is_refused_with_what_makes_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a cluster that nobody has prepared: both the form and whoever opens at once hear of it."""
    agent = stack.cluster.agent
    assert agent is not None
    monkeypatch.setattr(agent.tools, "_settings", replace(TOOLS, debug_namespace="nowhere"))
    plan = await stack.api.call("POST", "/api/sessions/plan", {"cluster": stack.cluster.name, **NODE})
    with pytest.raises(ApiError) as refused:
        await stack.open_session(**NODE)
    for refusal in (plan["refusal"], refused.value.error):
        assert "the namespace nowhere" in refusal["message"]  # type: ignore[index]  # a Refusal
        assert "kubectl create namespace nowhere && kubectl label namespace nowhere" in refusal["next_step"]  # type: ignore[index]  # a Refusal


@needs_root
@pytest.mark.parametrize("command", [[], ["sh", "-i"]], ids=["a login shell", "a command"])
async def test_entering_leads_into_the_nodes_own_namespaces_with_all_rights(stack: Stack, command: list[str]) -> None:
    async with stack.shell(**NODE, debug={"enter": True}, command=command) as terminal:
        await terminal.type(b"echo in:$(readlink /proc/self/ns/mnt):$(readlink /proc/1/ns/mnt):$(grep CapEff /proc/self/status):\r")
        await terminal.wait_for(lambda t: ENTERED.search(t.output))
        found = ENTERED.search(terminal.output)
        assert found is not None
        assert found[1] == found[2]
        ours = CAPABILITY_SET.search(Path("/proc/self/status").read_text())  # a machine in a container may have fewer itself
        assert ours is not None
        assert int(found[3], 16) == int(ours[1], 16) & (2 ** len(CAPABILITIES) - 1)
        await terminal.close_session()
        end = await terminal.wait_end()
        assert (end.left, end.unkilled) == ([], [])
