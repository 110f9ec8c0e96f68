"""Workloads and nodes as their pages show them, through the real agent from a sandbox cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from link_gateway import GatewayEnd, GatewayServer, InventoryView
from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.resources import DEPLOYMENT, POD
from podshell.sandbox.store import Obj
from podshell.wire.calls import NodeRow, WorkloadRow
from sandbox_fixtures import MakeSandboxCluster
from troubled_content import troubled_content


@pytest.fixture
async def cluster(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster(content=troubled_content)


@pytest.fixture
async def look(cluster: SandboxCluster, gateway: GatewayServer, tmp_path: Path) -> AsyncIterator[GatewayEnd]:
    kubeconfig = tmp_path / "kubeconfig"
    cluster.write_kubeconfig(kubeconfig, users.AGENT)
    settings = AgentSettings(
        gateway_urls=(gateway.url,), cluster="east", state_dir=tmp_path / "agent", kubeconfig=kubeconfig, ceiling=Ceiling(),
        reconnect_base_seconds=0.1,
    )  # fmt: skip
    async with Agent(settings):
        yield await gateway.next_link()


def named(view: InventoryView, name: str) -> WorkloadRow:
    found: list[WorkloadRow] = [row for row in view.rows.values() if row.name == name]
    return found[0] if found else WorkloadRow("", "", "", "", "")


async def test_each_workload_says_how_it_is(look: GatewayEnd) -> None:
    view = look.watch("workloads", "shop")
    await view.until(lambda: named(view, "calm").health == "healthy", "the healthy one")
    assert (named(view, "calm").reason, named(view, "calm").images) == ("2 of 2 pods ready", ["busybox:1.36"])
    await view.until(lambda: "ImagePullBackOff" in named(view, "missing").reason, "the one without its image")
    assert (named(view, "missing").health, named(view, "missing").pods) == ("unhealthy", 1)
    await view.until(lambda: "CrashLoopBackOff" in named(view, "crasher").reason, "the one that crashes")
    assert named(view, "crasher").health == "unhealthy"


async def test_the_pods_of_a_workload_are_those_with_its_uid(look: GatewayEnd) -> None:
    workloads, pods = look.watch("workloads", "shop"), look.watch("pods", "shop")
    await workloads.until(lambda: named(workloads, "calm").pods == 2, "its pods")
    uid = named(workloads, "calm").uid
    await pods.until(lambda: pods.complete and sum(row.owner_uid == uid for row in pods.rows.values()) == 2, "its pods by owner")
    assert {row.labels["app"] for row in pods.rows.values() if row.owner_uid == uid} == {"calm"}


async def test_scaling_up_is_progress_until_it_is_done(look: GatewayEnd, cluster: SandboxCluster) -> None:
    view = look.watch("workloads", "shop")
    await view.until(lambda: named(view, "calm").health == "healthy", "the healthy one")
    seen: set[str] = set()

    def grow(obj: Obj) -> None:
        obj["spec"]["replicas"] = 4
        obj["metadata"]["generation"] += 1

    cluster.store.modify(DEPLOYMENT, "shop", "calm", grow)

    def done() -> bool:
        seen.add(named(view, "calm").health)
        return named(view, "calm").reason == "4 of 4 pods ready"

    await view.until(done, "four pods")
    assert seen <= {"healthy", "progressing"}
    assert named(view, "calm").pods == 4


async def test_a_node_counts_its_pods_as_they_come_and_go(look: GatewayEnd, cluster: SandboxCluster) -> None:
    view = look.watch("nodes")
    expected = sum(one["metadata"]["namespace"] == "shop" for one in cluster.store.list(POD))
    await view.until(lambda: view.rows and next(iter(view.rows.values())).pods == expected, "its pods")
    (node,) = view.rows.values()
    assert isinstance(node, NodeRow)
    assert (node.status, node.pressure, node.unschedulable, node.reason) == ("Ready", [], False, "")
    assert node.version
    assert node.runtime
    assert any(address.startswith("InternalIP ") for address in node.addresses)
    cluster.store.delete(POD, "shop", "lonely")
    await view.until(lambda: next(iter(view.rows.values())).pods == expected - 1, "one pod less")
