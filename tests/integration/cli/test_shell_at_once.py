"""Debug containers of direct shells that are opened at the same moment, or where only the API server knows the Pod Security level."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from shell_process import SHELL, kubectl, run

from podshell.sandbox import users
from podshell.sandbox.rbac import Binding, Rule
from sandbox_fixtures import SandboxCluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="debug containers want isolated containers")
POD = ["-n", "shop", "pods/cart-0"]


@pytest.fixture
def env(sandbox_cluster: SandboxCluster, cluster_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment in which a cluster of the test's own is found."""
    sandbox_cluster.write_kubeconfig(tmp_path / "config", users.ADMIN)
    return {**cluster_env, "KUBECONFIG": str(tmp_path / "config")}


async def debug_containers(env: dict[str, str]) -> list[str]:
    pod = json.loads(await kubectl(env, "-n", "shop", "get", "pod", "cart-0", "-o", "json"))
    return [one["name"] for one in pod["spec"].get("ephemeralContainers", [])]


async def test_shells_that_are_opened_at_once_share_one_container(env: dict[str, str]) -> None:
    """It stays in its pod for good: three shells must not leave three."""
    results = await asyncio.gather(*(run([*POD, "--", "echo", str(number)], env) for number in range(3)))
    assert [(code, output) for code, output, _ in results] == [(0, b"0\n"), (0, b"1\n"), (0, b"2\n")], results
    assert len(await debug_containers(env)) == 1


async def test_a_container_with_little_time_left_is_not_used_again(env: dict[str, str]) -> None:
    for ttl, count in (("10m", 1), ("10m", 1), ("1h", 2), ("10m", 2)):
        code, _, errors = await run([*POD, "--ttl", ttl, "--", "true"], env)
        assert (code, len(await debug_containers(env))) == (0, count), errors


async def test_a_level_that_may_not_be_read_is_met_by_a_second_try(sandbox_cluster: SandboxCluster, env: dict[str, str]) -> None:
    # said of its container, and so of no other
    safe = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}, "allowPrivilegeEscalation": False}
    safe |= {"capabilities": {"drop": ["ALL"]}}
    spec = {"containers": [{"name": "app", "image": "busybox", "command": ["sleep", "1000"], "securityContext": safe}]}
    made = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "strict", "namespace": "shop"}, "spec": spec})
    code, _, errors = await run(["apply", "-f", "-"], env, program=SHELL.with_name("kubectl"), stdin=made.encode())
    assert code == 0, errors
    await kubectl(env, "wait", "-n", "shop", "--for=condition=Ready", "pod/strict", "--timeout=30s")
    await kubectl(env, "label", "namespace", "shop", "pod-security.kubernetes.io/enforce=restricted", "--overwrite")
    some = (Rule(("get", "list", "watch"), ("",), ("pods", "events")), Rule(("get", "create"), ("",), ("pods/exec",)))
    sandbox_cluster.authority.bind(Binding("blind", "User", "blind", (*some, Rule(("patch",), ("",), ("pods/ephemeralcontainers",)))))
    strict = ["-n", "shop", "pods/strict", "--as", "blind"]
    code, output, errors = await run([*strict, "--", "id", "-u"], env)
    assert (code, "Pod Security refuses it so; once more with the profile restricted" in errors) == (0, True), errors
    assert output.strip() not in (b"", b"0")
    code, _, errors = await run([*strict, "--profile", "net", "--", "true"], env)
    assert (code, "violates PodSecurity" in errors) == (126, True), errors
