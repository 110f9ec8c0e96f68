"""The agent against a sandbox cluster and a gateway's end of the link: shells open, work and leave nothing behind."""

from __future__ import annotations

import dataclasses

from agent_lab import open_shell, opening

from link_gateway import GatewayEnd, GatewayServer
from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.controllers.owners import delete_pod
from podshell.sandbox.resources import POD
from podshell.wire.calls import OpenedSession
from podshell.wire.errors import ErrorCode, Refusal
from podshell.wire.messages import Position


async def test_a_shell_opens_answers_and_tells_its_exit_code(link: GatewayEnd) -> None:
    viewer = await open_shell(link, cols=101, rows=37)
    viewer.type("stty size; echo $((40+2))\n")
    output = await viewer.until_output(b"\r\n42\r\n")
    assert b"37 101\r\n" in output
    assert b"\x1e" not in output
    viewer.type("exit 7\n")
    end = await viewer.until_end()
    assert (end.reason, end.exit_code, end.left, end.unkilled) == ("exited", 7, [], [])


async def test_input_is_delivered_once_over_a_lost_link(link: GatewayEnd, gateway: GatewayServer) -> None:
    viewer = await open_shell(link)
    viewer.type("echo one\n")
    await viewer.until_output(b"\rone\r\n")
    attached = await viewer.until_attached()
    seen = viewer.received
    await gateway.cut(link)
    again = await gateway.next_link(after=1)
    back = again.attach(attached.session, viewer=viewer.viewer, resume=Position(attached.epoch, seen))
    resumed = await back.until_attached()
    assert (resumed.start, resumed.reset, resumed.lost, resumed.input_taken) == (seen, False, False, len("echo one\n"))
    back.type("echo two\n")
    output = await back.until_output(b"\rtwo\r\n")
    assert b"one" not in output


async def test_a_quick_command_is_heard_to_its_end_by_a_late_terminal(link: GatewayEnd) -> None:
    wanted = opening(command=["sh", "-c", "echo done; exit 3"])
    assert isinstance(await link.open(wanted), OpenedSession)
    await link.until_fact("ended", wanted.session)
    viewer = link.attach(wanted.session)
    end = await viewer.until_end()
    assert (bytes(viewer.output), end.exit_code) == (b"done\r\n", 3)


async def test_a_command_without_a_terminal_keeps_its_bytes_as_they_are(link: GatewayEnd) -> None:
    wanted = opening(command=["sh", "-c", "printf 'a\\nb\\000c'; exit 4"], tty=False)
    assert isinstance(await link.open(wanted), OpenedSession)
    viewer = link.attach(wanted.session)
    end = await viewer.until_end()
    assert (bytes(viewer.output), end.exit_code) == (b"a\nb\x00c", 4)


async def test_a_container_without_any_shell_says_so_in_the_runtimes_words(link: GatewayEnd) -> None:
    wanted = opening(namespace="payments", pod=await pod_named(link, "payments", "gateway-"), container="")
    opened = await link.open(wanted)
    assert isinstance(opened, OpenedSession), opened
    end = await link.attach(wanted.session).until_end()
    assert end.reason == "failed"
    assert end.refusal is not None
    assert end.refusal.code is ErrorCode.SHELL_MISSING
    assert "no such file or directory" in end.message or "executable file not found" in end.message
    assert "debug container" in end.next_step


async def test_a_pod_that_does_not_run_says_so_in_the_servers_words(link: GatewayEnd) -> None:
    wanted = opening(namespace="reports", pod=await pod_named(link, "reports", "forecast"), container="")
    assert isinstance(await link.open(wanted), OpenedSession)
    end = await link.attach(wanted.session).until_end()
    assert end.refusal is not None
    assert end.refusal.code is ErrorCode.NOT_RUNNING
    assert "does not have a host assigned" in end.message


async def test_several_containers_ask_for_a_choice_and_a_missing_pod_is_named(link: GatewayEnd) -> None:
    several = await link.open(opening(container=""))
    assert isinstance(several, Refusal)
    assert (several.code, several.details["containers"]) == (ErrorCode.CONTAINER_REQUIRED, ["cart", "exporter"])
    missing = await link.open(opening(pod="nobody"))
    assert isinstance(missing, Refusal)
    assert (missing.code, missing.message) == (ErrorCode.NOT_FOUND, 'pods "nobody" not found')


async def test_the_ceiling_closes_what_the_gateway_permits(settings: AgentSettings, gateway: GatewayServer) -> None:
    async with Agent(dataclasses.replace(settings, ceiling=Ceiling())):
        link = await gateway.next_link()
        refused = await link.open(opening())
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.FORBIDDEN_BY_CEILING
    assert "--ceiling-pod-exec" in refused.next_step


async def test_missing_rights_are_named(link: GatewayEnd, sandbox_cluster: SandboxCluster) -> None:
    sandbox_cluster.authority.unbind(users.AGENT_EXEC)
    wanted = opening()
    assert isinstance(await link.open(wanted), OpenedSession)
    end = await link.attach(wanted.session).until_end()
    assert end.refusal is not None
    assert end.refusal.code is ErrorCode.FORBIDDEN_BY_KUBERNETES
    assert "pods/exec" in end.next_step


async def test_the_inventory_is_sent_and_kept_up_to_date(link: GatewayEnd, sandbox_cluster: SandboxCluster) -> None:
    view = link.watch("pods")
    await view.until(lambda: view.complete, "the whole list")
    row = next(row for row in view.rows.values() if row.name == "cart-0")
    assert (row.status, row.ready, [c.name for c in row.containers], row.shell_refusal) == ("Running", "2/2", ["cart", "exporter"], "")
    pending = next(row for row in view.rows.values() if row.name.startswith("forecast"))
    assert pending.shell_refusal != ""
    front = next(row for row in view.rows.values() if row.name.startswith("storefront"))
    assert front.owner_kind == "Deployment"
    cart = sandbox_cluster.store.get(POD, "shop", "cart-0")
    assert cart is not None
    delete_pod(sandbox_cluster.store, cart)
    await view.until(lambda: row.uid not in view.rows, "the pod to go")


async def pod_named(link: GatewayEnd, namespace: str, prefix: str) -> str:
    """Find a pod by the beginning of its name, as a console does."""
    view = link.watch("pods", namespace)
    await view.until(lambda: view.complete, "the list")
    return next(row.name for row in view.rows.values() if row.name.startswith(prefix))
