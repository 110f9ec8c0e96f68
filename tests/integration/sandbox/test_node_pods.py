"""Pods on nodes as recorded: `kubectl debug node`, what may not be combined in a mount, static pods that take no debug container."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
import pytest
from api_lab import load
from kubectl_lab import container, pod, worker
from kubectl_replay import Kubectl, masked

from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import Content, manifests
from podshell.sandbox.defaults import fill
from podshell.sandbox.resources import POD
from podshell.sandbox.runtime import can_isolate
from podshell.sandbox.store import Obj
from sandbox_fixtures import MakeSandboxCluster


def empty_content(_: str, version: str) -> Content:
    return Content([worker(version), manifests.namespace("lab"), manifests.service_account("lab", "default")])


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster("lab", content=empty_content)


async def post(cluster: SandboxCluster, path: str, body: Obj) -> tuple[int, Obj]:
    return await send(cluster, "POST", path, json.dumps(body), "application/json")


async def send(cluster: SandboxCluster, method: str, path: str, body: str, media: str) -> tuple[int, Obj]:
    headers = {"Authorization": f"Bearer {cluster.token(users.ADMIN)}", "Content-Type": media}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, cluster.url + path, headers=headers, data=body, ssl=False) as answer,
    ):
        found: Obj = await answer.json()
        return answer.status, found


def told(pod_created: Obj) -> Obj:
    """The spec without the token's volume: the recorded cluster put one source more into it."""
    spec: Obj = json.loads(json.dumps(pod_created["spec"]))
    spec["volumes"] = [one for one in spec.get("volumes", []) if not one["name"].startswith("kube-api-access-")]
    for one in spec["containers"]:
        one["volumeMounts"] = [mount for mount in one.get("volumeMounts", []) if not mount["name"].startswith("kube-api-access-")]
    return spec


async def test_kubectl_debug_node_makes_the_recorded_pods(lab: SandboxCluster, tmp_path: Path) -> None:
    kubectl = Kubectl(lab, tmp_path / "kubectl")
    for case in load("node/kubectl-debug-node-profiles")["cases"]:
        before = {one["metadata"]["name"] for one in lab.store.list(POD, "lab")}
        outcome = await kubectl.run(case["cmd"])
        assert (outcome.exit_code, named(outcome.stdout)) == (case["rc"], named(case["stdout"]))
        (created,) = [one for one in lab.store.list(POD, "lab") if one["metadata"]["name"] not in before]
        assert told(created) == told(case["pod_created"]), case["profile"]


def named(text: str) -> str:
    return re.sub(r"node-debugger-worker-01-\w{5}", "NAME", masked(text))


@pytest.mark.skipif(not can_isolate(), reason="needs namespaces")
async def test_a_shell_of_kubectl_debug_is_on_the_node(lab: SandboxCluster, tmp_path: Path) -> None:
    kubectl = Kubectl(lab, tmp_path / "kubectl")
    image = "--image=bash --image-pull-policy=IfNotPresent --profile=sysadmin --attach=false"
    made = await kubectl.run(f"kubectl debug node/worker-01 -n lab {image} -- sleep 1000")
    name = made.stdout.split()[3]
    assert (await kubectl.run(f"kubectl wait -n lab --for=condition=Ready pod/{name} --timeout=30s")).exit_code == 0
    outcome = await kubectl.run(f"kubectl exec -n lab {name} -- chroot /host bash -c 'cat /etc/hostname; head -1 /etc/resolv.conf'")
    assert outcome.stdout == "worker-01\nnameserver 127.0.0.53\n"


async def test_a_mount_that_is_recursively_read_only_may_not_follow_the_host(lab: SandboxCluster) -> None:
    (recorded,) = [one for one in load("node/job-hostpath-mounts")["cases"] if one["variant"] == "ro-rro-hosttocontainer"]
    mount = {
        "name": "host",
        "mountPath": "/host",
        "readOnly": True,
        "recursiveReadOnly": "IfPossible",
        "mountPropagation": "HostToContainer",
    }
    pods = manifests.template("x", container("shell", volumeMounts=[mount]), volumes=[{"name": "host", "hostPath": {"path": "/"}}])
    made = manifests.job("lab", "nd-ro-rro-hosttocontainer", pods)
    status, body = await post(lab, "/apis/batch/v1/namespaces/lab/jobs?dryRun=All", made)
    assert status == 422
    why = recorded["apply"]["stderr"].strip().partition("is invalid: ")[2]
    assert body["message"].partition("is invalid: ")[2] == why


async def test_a_static_pod_takes_no_debug_container(lab: SandboxCluster) -> None:
    made = pod("lab", "mirror", container("main"))
    made["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    fill(POD, made)
    lab.store.create(POD, made)
    recorded = load("ephemeral/mirror-pod")
    path, media = "/api/v1/namespaces/lab/pods/mirror/ephemeralcontainers", "application/strategic-merge-patch+json"
    assert await send(lab, "PATCH", path, recorded["request_body"], media) == (422, recorded["body"])
