"""A pod seen closely and the events of objects, through the real agent from a sandbox cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from link_gateway import GatewayEnd, GatewayServer
from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.resources import POD
from podshell.wire import calls
from podshell.wire.calls import WatchInventory
from podshell.wire.errors import ErrorCode
from sandbox_fixtures import MakeSandboxCluster
from troubled_content import troubled_content


@pytest.fixture
async def cluster(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster(content=troubled_content)


@pytest.fixture
async def look(cluster: SandboxCluster, gateway: GatewayServer, tmp_path: Path) -> AsyncIterator[GatewayEnd]:
    """A link to an agent that may do nothing but read."""
    kubeconfig = tmp_path / "kubeconfig"
    cluster.write_kubeconfig(kubeconfig, users.AGENT)
    settings = AgentSettings(
        gateway_urls=(gateway.url,), cluster="east", state_dir=tmp_path / "agent", kubeconfig=kubeconfig, ceiling=Ceiling()
    )
    async with Agent(dataclasses.replace(settings, reconnect_base_seconds=0.1)):
        yield await gateway.next_link()


def pod_name(cluster: SandboxCluster, prefix: str) -> str:
    return next(one["metadata"]["name"] for one in cluster.store.list(POD) if one["metadata"]["name"].startswith(prefix))


async def test_a_crashing_pod_is_followed_through_its_restarts(look: GatewayEnd, cluster: SandboxCluster) -> None:
    name = pod_name(cluster, "crasher")
    view = look.watch("pod", "shop", name)
    await view.until(lambda: view.complete and view.rows, "the pod")
    (pod,) = view.rows.values()
    seen = pod.containers[0].restarts

    def restarted() -> bool:
        (now,) = view.rows.values()
        last = now.containers[0].last_termination
        return now.containers[0].restarts > seen and last is not None and last.exit_code == 3

    await view.until(restarted, "another restart, and how the run before ended")
    (pod,) = view.rows.values()
    await view.until(lambda: [one.kind for one in next(iter(view.rows.values())).owners] == ["ReplicaSet", "Deployment"], "its owners")
    assert pod.name == name


async def test_a_deleted_pod_is_taken_away_and_one_that_never_was_is_complete_and_empty(look: GatewayEnd, cluster: SandboxCluster) -> None:
    view, none = look.watch("pod", "shop", "lonely"), look.watch("pod", "shop", "nobody")
    await view.until(lambda: view.complete and view.rows, "the pod")
    await none.until(lambda: none.complete, "the end of an empty list")
    assert not none.rows
    cluster.store.delete(POD, "shop", "lonely")
    await view.until(lambda: not view.rows, "that it is gone")


async def test_events_of_a_pull_that_fails_come_and_go_on(look: GatewayEnd, cluster: SandboxCluster) -> None:
    name = pod_name(cluster, "missing")
    view = look.watch("events", "shop", name, "Pod")
    await view.until(lambda: {"Failed", "BackOff", "Scheduled"} <= {row.reason for row in view.rows.values()}, "the events of the pull")
    failed = [row for row in view.rows.values() if row.reason == "Failed"]
    assert all((row.type, row.object_name, row.container) == ("Warning", name, "main") for row in failed)
    assert {row.object_name for row in view.rows.values()} == {name}


async def test_events_of_a_workload_are_its_own(look: GatewayEnd) -> None:
    view = look.watch("events", "shop", "crasher", "Deployment")
    await view.until(lambda: any(row.reason == "ScalingReplicaSet" for row in view.rows.values()), "its scaling")
    assert {(row.object_kind, row.object_name) for row in view.rows.values()} == {("Deployment", "crasher")}


async def test_what_is_no_name_never_becomes_part_of_a_selector(look: GatewayEnd) -> None:
    for wanted in (
        WatchInventory("pod", "shop", "web,metadata.namespace!=shop"),
        WatchInventory("pod", "shop", ""),
        WatchInventory("pod", "../kube-system", "web"),
        WatchInventory("events", "shop", "web,type=Normal", "Pod"),
        WatchInventory("events", "shop", "web", "Secret"),
        WatchInventory("events", "shop", "web", ""),
    ):
        reply = await look.call(calls.INVENTORY_WATCH, wanted, look.grant("view", params=msgspec.msgpack.encode(wanted)))
        assert reply.refusal is not None, wanted
        assert reply.refusal.code is ErrorCode.BAD_REQUEST


async def test_a_missing_right_is_named(look: GatewayEnd, cluster: SandboxCluster) -> None:
    cluster.authority.unbind(users.AGENT_READ)
    view = look.watch("events", "shop", "crasher", "Deployment")
    await view.until(lambda: view.refusal, "a refusal")
    assert view.refusal is not None
    assert (view.refusal.code, view.refusal.details["resource"]) == (ErrorCode.FORBIDDEN_BY_KUBERNETES, "events")
