"""Deleting a pod, from the request to the cluster: what it takes, what is written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pod_lab import PodLab, running_pods, settled

from podshell.agent.ceiling import Ceiling
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.resources import POD
from sandbox_fixtures import MakeSandboxCluster
from terminal_client import ApiError
from troubled_content import troubled_content


@pytest.fixture
async def cluster(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster(content=troubled_content)


@pytest.fixture
async def pods(cluster: SandboxCluster, tmp_path: Path) -> AsyncIterator[PodLab]:
    async with running_pods(tmp_path, cluster, Ceiling(basic=True)) as lab:
        yield lab


def uid_of(pods: PodLab, pod: str) -> str:
    found = pods.cluster.store.get(POD, "shop", pod)
    return str(found["metadata"]["uid"]) if found is not None else ""


async def test_a_pod_is_deleted_and_the_audit_says_who_which_and_why(pods: PodLab) -> None:
    uid = uid_of(pods, "lonely")
    deleted = await pods.api.call("DELETE", pods.path("lonely", f"?uid={uid}&grace_seconds=1&reason=it%20hangs"))
    assert deleted == {"namespace": "shop", "pod": "lonely"}
    await settled(lambda: uid_of(pods, "lonely") == "", "that it is gone")
    rows = await pods.audit("pod.delete")
    assert [(row.actor, row.outcome, row.pod, row.reason) for row in rows] == [
        ("ada", "allowed", "lonely", "it hangs"), ("ada", "done", "lonely", "it hangs"),
    ]  # fmt: skip
    assert all((row.details["uid"], row.details["grace_seconds"]) == (uid, 1) for row in rows)


async def test_a_pod_of_a_workload_comes_back_under_another_name(pods: PodLab) -> None:
    name = pods.pod_name("missing")
    await pods.api.call("DELETE", pods.path(name, "?grace_seconds=0"))
    await settled(lambda: uid_of(pods, name) == "" and pods.pod_name("missing") != name, "its successor")


async def test_one_that_is_another_by_now_is_left_alone(pods: PodLab) -> None:
    uid = uid_of(pods, "lonely")
    with pytest.raises(ApiError) as refused:
        await pods.api.call("DELETE", pods.path("lonely", "?uid=00000000-0000-4000-8000-000000000000"))
    assert (refused.value.status, refused.value.error["code"]) == (409, "conflict")
    assert uid_of(pods, "lonely") == uid
    assert [row.outcome for row in await pods.audit("pod.delete")] == ["allowed", "refused"]


async def test_what_is_not_there_and_what_is_no_request_is_said(pods: PodLab) -> None:
    for path, status, code in (
        (pods.path("nobody"), 404, "not_found"),
        (pods.path("a%2Fb"), 404, "not_found"),
        (pods.path("Lonely"), 422, "bad_request"),
        (pods.path("lonely", "?grace_seconds=-1"), 422, "bad_request"),
        ("/api/clusters/nowhere/namespaces/shop/pods/lonely", 404, "cluster_unknown"),
    ):
        with pytest.raises(ApiError) as refused:
            await pods.api.call("DELETE", path)
        assert (refused.value.status, refused.value.error["code"]) == (status, code), path


async def test_with_the_ceiling_off_nothing_is_deleted_and_the_flag_is_named(cluster: SandboxCluster, tmp_path: Path) -> None:
    async with running_pods(tmp_path, cluster, Ceiling(pod_exec=True, advanced=True)) as pods:
        uid = uid_of(pods, "lonely")
        with pytest.raises(ApiError) as refused:
            await pods.api.call("DELETE", pods.path("lonely"))
        error = refused.value.error
        assert (refused.value.status, error["code"], error["refused_by"]) == (403, "forbidden_by_ceiling", "ceiling")
        assert error["details"] == {"action": "basic", "helm_value": "actions.basic"}
        assert "--ceiling-basic" in str(error["next_step"])
        assert "--allow basic" in str(error["next_step"])
        assert uid_of(pods, "lonely") == uid
        rows = await pods.audit("pod.delete")
        assert [(row.outcome, row.details.get("refused_by")) for row in rows] == [("allowed", None), ("refused", "ceiling")]


async def test_a_missing_right_is_named(pods: PodLab) -> None:
    pods.cluster.authority.unbind(users.AGENT_BASIC)
    with pytest.raises(ApiError) as refused:
        await pods.api.call("DELETE", pods.path("lonely"))
    assert refused.value.error["code"] == "forbidden_by_kubernetes"
    assert refused.value.error["details"]["verb"] == "delete"  # type: ignore[index]  # JSON of the gateway


async def test_a_page_without_its_token_deletes_nothing(pods: PodLab) -> None:
    browser = await pods.lab.browser()
    uid = uid_of(pods, "lonely")
    bare = await browser.client.delete(pods.path("lonely"), headers={"Origin": pods.lab.url})
    assert bare.status_code in (401, 403)
    assert uid_of(pods, "lonely") == uid
    assert (await browser.client.delete(pods.path("lonely"), headers=browser.headers())).status_code == 200
    await browser.close()
