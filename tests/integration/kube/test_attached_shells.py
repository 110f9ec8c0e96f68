"""What whoever may attach and not exec finds out: which way is open, and how the container's process has ended."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from podshell.kube.access_reviews import StreamWay, is_allowed, stream_way
from podshell.kube.attached_shells import exit_code
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.kubeconfig import load_connection
from podshell.kube.objects import Pod
from podshell.kube.rest import Client
from podshell.kube.workloads import PODS
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.rbac import Rule

EXEC = Rule(("get", "create"), ("",), ("pods/exec",))
ATTACH = Rule(("get", "create"), ("",), ("pods/attach",))


def client_of(lab: SandboxCluster, folder: Path, *rules: Rule) -> Client:
    """Return the client of a new user with these rights."""
    name = secrets.token_hex(4)
    lab.add_user(name, secrets.token_urlsafe(24), rules)
    path = folder / name
    lab.write_kubeconfig(path, name)
    return Client(load_connection(files=[path], environ={}))


@pytest.mark.parametrize(
    ("rules", "way"),
    [
        ((EXEC, ATTACH), StreamWay.EXEC),
        ((ATTACH,), StreamWay.ATTACH),
        ((EXEC,), StreamWay.EXEC),
        ((), StreamWay.EXEC),  # the API server then says what is missing
        ((Rule(("get",), ("",), ("pods/exec",)), ATTACH), StreamWay.ATTACH),  # from 1.35 on exec needs both verbs
        ((Rule(("create",), ("",), ("pods/attach",)),), StreamWay.EXEC),  # half a right is none
    ],
    ids=["both", "attach", "exec", "none", "half of exec", "half of attach"],
)
async def test_attach_is_for_who_may_not_exec(
    sandbox_cluster: SandboxCluster, tmp_path: Path, rules: tuple[Rule, ...], way: StreamWay
) -> None:
    async with client_of(sandbox_cluster, tmp_path, *rules) as client:
        assert await stream_way(client, "shop") is way


async def test_a_server_that_does_not_say_is_tried_with_exec(sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    async with client_of(sandbox_cluster, tmp_path, ATTACH) as client:
        await sandbox_cluster.server.stop()
        assert await is_allowed(client, "create", "pods/exec", "shop") is None
        assert await stream_way(client, "shop") is StreamWay.EXEC


async def test_the_exit_code_is_read_by_who_may_only_get_pods(sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    lab = sandbox_cluster
    container = {"name": "main", "image": "localhost/busybox:1.38", "command": ["sh", "-c", "sleep 1; exit 7"]}
    spec = {"restartPolicy": "Never", "containers": [container]}
    lab.write_kubeconfig(tmp_path / "admin", users.ADMIN)
    async with (
        Client(load_connection(files=[tmp_path / "admin"], environ={})) as admin,
        client_of(lab, tmp_path, Rule(("get",), ("",), ("pods",))) as client,
    ):
        await admin.create(PODS.path("shop"), {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ends"}, "spec": spec}, Pod)
        assert await exit_code(client, ExecTarget("shop", "ends", "main")) == 7
        assert await exit_code(admin, ExecTarget("shop", "ends", "main")) == 7
        assert await exit_code(client, ExecTarget("shop", "cart-0", "cart"), seconds=0.5) is None  # it runs on
        assert await exit_code(client, ExecTarget("shop", "no-such-pod", "main")) is None
