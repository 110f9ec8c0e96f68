"""What a test can order to go wrong before a container runs: quotas, webhooks, kubelets that refuse, images that take their time."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from api_lab import load
from kubectl_lab import container, pod, worker

from podshell.sandbox import users
from podshell.sandbox.admission import WebhookDenial
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import Content, manifests
from podshell.sandbox.content.nodes import node
from podshell.sandbox.defaults import fill
from podshell.sandbox.kubelet.faults import OUT_OF_CPU, UNEXPECTED_ADMISSION, PodFault, Rejection
from podshell.sandbox.resources import EVENT, JOB, POD, RESOURCEQUOTA
from podshell.sandbox.store import Obj
from sandbox_fixtures import MakeSandboxCluster


def empty_content(_: str, version: str) -> Content:
    nodes = [worker(version), node("worker-win", "192.0.2.3", version=version, windows=True)]
    spaces = ("lab", "lab-q", users.AGENT_NAMESPACE)
    accounts = [manifests.service_account(name, "default") for name in spaces]
    return Content([*nodes, *(manifests.namespace(name) for name in spaces), *accounts])


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster("lab", content=empty_content)


async def call(cluster: SandboxCluster, method: str, path: str, body: Obj | None = None, user: str = users.ADMIN) -> tuple[int, Obj]:
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {cluster.token(user)}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        async with session.request(method, cluster.url + path, headers=headers, data=data, ssl=False) as answer:
            found: Obj = await answer.json()
            return answer.status, found


async def until(cluster: SandboxCluster, name: str, text: str) -> Obj:
    """Wait until the status of a pod in lab says this."""
    changed = asyncio.Event()
    unsubscribe = cluster.store.listen(lambda _: changed.set())
    async with asyncio.timeout(20):
        while text not in str((cluster.store.get(POD, "lab", name) or {}).get("status")):
            changed.clear()
            await changed.wait()
    unsubscribe()
    found = cluster.store.get(POD, "lab", name)
    assert found is not None
    return found


def create(cluster: SandboxCluster, made: Obj) -> None:
    fill(POD, made)
    cluster.store.create(POD, made)


def events_about(cluster: SandboxCluster, name: str) -> list[tuple[str, str]]:
    return [(one["reason"], one["message"]) for one in cluster.store.list(EVENT) if one["involvedObject"]["name"] == name]


class TestQuota:
    @pytest.mark.parametrize(
        ("case", "hard"),
        [(0, {"pods": "0"}), (1, {"requests.cpu": "1", "limits.memory": "1Gi"}), (2, {"requests.cpu": "100m", "limits.memory": "64Mi"})],
    )
    async def test_a_pod_beyond_its_quota_is_refused_as_recorded(self, lab: SandboxCluster, case: int, hard: dict[str, str]) -> None:
        recorded = load("node/quota-bare-pod")["cases"][case]
        metadata = {"name": "no-pods", "namespace": "lab-q"}
        lab.store.create(RESOURCEQUOTA, {"metadata": metadata, "spec": {"hard": hard}})
        _, path, _ = recorded["request"][0].split(" ")
        assert await call(lab, "POST", path, json.loads(recorded["request_body"])) == (403, recorded["body"])

    async def test_a_job_is_accepted_and_says_why_it_has_no_pod(self, lab: SandboxCluster) -> None:
        lab.store.create(RESOURCEQUOTA, {"metadata": {"name": "no-pods", "namespace": "lab-q"}, "spec": {"hard": {"pods": "0"}}})
        made = manifests.job("lab-q", "qj", manifests.template("qj", container("main")))
        fill(JOB, made)
        lab.store.create(JOB, made)
        async with asyncio.timeout(10):
            while not (told := events_about(lab, "qj")):
                await asyncio.sleep(0.01)  # an event has no other sign
        (recorded,) = {(one["reason"], one["message"][-88:]) for one in load("node/quota-job")["events"] if one["kind"] == "Event"}
        assert (told[0][0], told[0][1][-88:]) == recorded
        assert lab.store.list(POD, "lab-q") == []

    async def test_finished_pods_do_not_count(self, lab: SandboxCluster) -> None:
        lab.store.create(RESOURCEQUOTA, {"metadata": {"name": "one", "namespace": "lab"}, "spec": {"hard": {"pods": "1"}}})
        create(lab, pod("lab", "done", container("main", "true"), restartPolicy="Never"))
        await until(lab, "done", "'phase': 'Succeeded'")
        status, _ = await call(lab, "POST", "/api/v1/namespaces/lab/pods", pod("lab", "next", container("main")))
        assert status == 201


class TestWebhook:
    async def test_a_denial_names_the_webhook_until_it_is_taken_back(self, lab: SandboxCluster) -> None:
        remove = lab.server.admission.add(WebhookDenial(message="no tools here", resources=("pods",), namespace="lab"))
        made = pod("lab", "tools", container("main"))
        status, body = await call(lab, "POST", "/api/v1/namespaces/lab/pods", made)
        assert (status, body["message"]) == (403, 'admission webhook "policy.example.com" denied the request: no tools here')
        remove()
        assert (await call(lab, "POST", "/api/v1/namespaces/lab/pods", made))[0] == 201


class TestKubelet:
    @pytest.mark.parametrize("rejection", [OUT_OF_CPU, UNEXPECTED_ADMISSION], ids=lambda one: one.reason)
    async def test_a_pod_that_is_not_admitted_fails_at_once(self, lab: SandboxCluster, rejection: Rejection) -> None:
        lab.node_faults.add(PodFault(pod="debug-", reject=rejection))
        create(lab, pod("lab", "debug-1", container("main"), nodeName="worker-01"))
        refused = await until(lab, "debug-1", "'phase': 'Failed'")
        assert refused["status"]["reason"] == rejection.reason
        assert refused["status"]["message"] == f"Pod was rejected: {rejection.message}"
        assert "containerStatuses" not in refused["status"]
        assert events_about(lab, "debug-1") == [(rejection.reason, rejection.message)]

    async def test_a_windows_node_takes_no_linux_pod(self, lab: SandboxCluster) -> None:
        create(lab, pod("lab", "linux", container("main"), nodeName="worker-win", tolerations=[{"operator": "Exists"}]))
        assert (await until(lab, "linux", "'phase': 'Failed'"))["status"]["reason"] == "PodOSNotSupported"

    async def test_an_image_that_is_pulled_takes_its_time(self, lab: SandboxCluster) -> None:
        lab.node_faults.add(PodFault(pull_seconds=0.3))
        create(lab, pod("lab", "slow", container("main"), nodeName="worker-01"))
        await until(lab, "slow", "'running'")
        reasons = [reason for reason, _ in events_about(lab, "slow")]
        assert reasons == ["Pulling", "Pulled", "Created", "Started"]
        assert "Successfully pulled image" in dict(events_about(lab, "slow"))["Pulled"]

    async def test_a_pod_that_hangs_is_creating_for_ever_and_can_be_deleted(self, lab: SandboxCluster) -> None:
        lab.node_faults.add(PodFault(hang=True))
        create(lab, pod("lab", "stuck", container("main"), nodeName="worker-01"))
        stuck = await until(lab, "stuck", "ContainerCreating")
        assert "podIP" not in stuck["status"]
        assert (await call(lab, "DELETE", "/api/v1/namespaces/lab/pods/stuck?gracePeriodSeconds=0"))[0] == 200
        assert lab.store.get(POD, "lab", "stuck") is None

    async def test_images_that_lack_what_shells_want_run(self, lab: SandboxCluster) -> None:
        create(lab, pod("lab", "tiny", container("main", "sh", "-c", "exec sleep 1000") | {"image": "tiny"}))
        create(
            lab,
            pod("lab", "bash", container("main", "/bin/bash", "-c", "while :; do read -t 60 < <(:); done") | {"image": "bash-only"}),
        )
        create(lab, pod("lab", "other", container("main") | {"image": "nonroot"}, securityContext={"runAsNonRoot": True}))
        for name in ("tiny", "bash", "other"):
            await until(lab, name, "'running'")


class TestRights:
    JOBS = "/apis/batch/v1/namespaces/{}/jobs?dryRun=All"

    def job(self, space: str) -> Obj:
        return manifests.job(space, "node", manifests.template("node", container("main")))

    async def test_the_agent_makes_jobs_in_its_own_namespace_only(self, lab: SandboxCluster) -> None:
        answers = [(await call(lab, "POST", self.JOBS.format(one), self.job(one), users.AGENT))[0] for one in ("podshell", "lab")]
        assert answers == [201, 403]
        lab.authority.unbind(users.AGENT_NODES)
        assert (await call(lab, "POST", self.JOBS.format("podshell"), self.job("podshell"), users.AGENT))[0] == 403

    async def test_people_have_different_rights(self, lab: SandboxCluster) -> None:
        statuses = {
            user: (await call(lab, "POST", self.JOBS.format("lab"), self.job("lab"), user))[0]
            for user in (users.OPERATOR, users.DEVELOPER, users.VIEWER)
        }
        assert statuses == {users.OPERATOR: 201, users.DEVELOPER: 403, users.VIEWER: 403}
