"""A sandbox cluster as a whole: how quickly it is up, and that nothing is left of it."""

import asyncio
import time
from pathlib import Path

from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import full_content
from podshell.sandbox.resources import DEPLOYMENT, NODE, POD
from sandbox_fixtures import MakeSandboxCluster


def processes_of(cluster: SandboxCluster) -> list[int]:
    """Host pids of every process in a container of the cluster, read from /proc."""
    pods = cluster.store.list(POD)
    ids = [
        one["containerID"].removeprefix("containerd://")
        for pod in pods
        for one in pod["status"].get("containerStatuses", [])
        if one.get("containerID")
    ]
    containers = [cluster.runtime.container(one) for one in ids]
    return [pid for one in containers if one is not None for pid in one.processes()]


def is_alive(pid: int) -> bool:
    """Whether a process is there and not only waiting for its parent to look at it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_small_cluster_is_up_at_once_and_leaves_no_process(make_sandbox_cluster: MakeSandboxCluster) -> None:
    started = time.monotonic()
    cluster = await make_sandbox_cluster()
    # 1.5 s is the promise on an idle machine; this one may be loaded.
    assert time.monotonic() - started < 10
    pids = processes_of(cluster)
    assert len(pids) >= 4
    await cluster.stop()
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)  # the kernel tells nobody when somebody else's child is gone
    assert [pid for pid in pids if is_alive(pid)] == []


async def test_the_whole_content_has_a_pod_in_every_state(make_sandbox_cluster: MakeSandboxCluster) -> None:
    cluster = await make_sandbox_cluster(content=full_content)
    pods = {one["metadata"]["name"].rsplit("-", 2)[0]: one for one in cluster.store.list(POD)}
    waiting = {
        one["state"]["waiting"]["reason"]
        for pod in pods.values()
        for one in pod["status"].get("containerStatuses", [])
        if "waiting" in one["state"]
    }
    assert waiting >= {"ImagePullBackOff"}
    assert {one["status"]["phase"] for one in pods.values()} == {"Running", "Pending", "Succeeded"}
    assert [name for name, one in pods.items() if "deletionTimestamp" in one["metadata"]] == ["export"]
    assert sorted({len(one["spec"]["containers"]) for one in pods.values()}) == [1, 2, 4]
    ready = {
        one["metadata"]["name"]: {condition["type"]: condition["status"] for condition in one["status"]["conditions"]}["Ready"]
        for one in cluster.store.list(NODE)
    }
    assert ready == {"control-1": "True", "worker-1": "True", "worker-2": "Unknown", "worker-3": "True", "worker-win": "True"}
    pricing = cluster.store.get(DEPLOYMENT, "shop", "pricing")
    assert pricing is not None  # its rollout is stuck: the old pods are up, the new one has no image
    assert (pricing["status"]["updatedReplicas"], pricing["status"]["readyReplicas"]) == (1, 2)


async def test_two_clusters_hold_the_same_pod_name_with_processes_of_their_own(
    make_sandbox_cluster: MakeSandboxCluster,
) -> None:
    east, west = await make_sandbox_cluster("demo-east"), await make_sandbox_cluster("demo-west")
    environments = []
    for cluster in (east, west):
        pod = cluster.store.get(POD, "shop", "cart-0")
        assert pod is not None
        container = cluster.runtime.container(pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2])
        assert container is not None
        environments.append(Path(f"/proc/{container.pid}/environ").read_bytes().split(b"\0"))
    assert b"CLUSTER=demo-east" in environments[0]
    assert b"CLUSTER=demo-west" in environments[1]
    assert east.url != west.url


async def test_pods_for_load_are_running_without_processes(make_sandbox_cluster: MakeSandboxCluster) -> None:
    cluster = await make_sandbox_cluster(scale_pods=500)
    load = [one for one in cluster.store.list(POD) if one["metadata"]["namespace"].startswith("load-")]
    assert len(load) == 500
    assert {one["status"]["phase"] for one in load} == {"Running"}
    assert len(processes_of(cluster)) < 20


async def test_the_agents_token_is_known_and_its_rights_can_be_taken_away(sandbox_cluster: SandboxCluster) -> None:
    from podshell.sandbox.rbac import Attributes

    agent = sandbox_cluster.authority.authenticate(f"Bearer {sandbox_cluster.token(users.AGENT)}")
    assert agent is not None
    wanted = Attributes("create", "", "pods", "exec", "shop", "cart-0")
    assert sandbox_cluster.authority.decide(agent, wanted).allowed
    sandbox_cluster.authority.unbind(users.AGENT_EXEC)
    assert not sandbox_cluster.authority.decide(agent, wanted).allowed


async def test_without_namespaces_the_pods_run_as_plain_processes_and_end_with_the_cluster(
    make_sandbox_cluster: MakeSandboxCluster,
) -> None:
    cluster = await make_sandbox_cluster(isolated=False)
    cart = cluster.store.get(POD, "shop", "cart-0")
    assert cart is not None
    assert cart["status"]["phase"] == "Running"
    pids = processes_of(cluster)
    assert len(pids) >= 4
    await cluster.stop()
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert [pid for pid in pids if is_alive(pid)] == []
