"""Two people whose kubeconfigs call them the same, or who say by --as who they are: to the cluster they are two users.

A kubeconfig's names are its owner's own ("default", "kubernetes-admin"), so they tell nobody from another.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from cluster_pods import NAMESPACE, ClusterPods
from second_client import SecondClient
from shell_program import FAILED, REFUSED, run_shell

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _own_processes(pods: ClusterPods) -> None:
    if pods.sandboxed and os.geteuid() != 0:
        pytest.skip("without root the sandbox's containers see each other's processes")


def called_default(kubeconfig: Path, folder: Path) -> Path:
    """The same kubeconfig, in which its user is called as in many others."""
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"][0]["name"] = config["contexts"][0]["context"]["user"] = "default"
    path = folder / f"default-{kubeconfig.name}"
    path.touch(0o600)
    path.write_text(yaml.safe_dump(config))
    return path


async def test_users_by_as_get_no_container_of_each_other(pods: ClusterPods, second: SecondClient) -> None:
    pod = await pods.create()
    for name in ("ada", "bob"):
        words = ("--as", name, "--as-group", "system:masters", f"pods/{pod}", "--", "true")
        code, _, errors = await run_shell(pods.kubeconfig, *words)
        if code == REFUSED:
            pytest.skip(f"nobody may be impersonated here: {errors.splitlines()[-1]}")
        assert code == 0, errors
    assert len(await second.debug_containers(NAMESPACE, [pod])) == 2


async def test_users_whose_kubeconfigs_call_them_the_same_get_no_container_of_each_other(
    pods: ClusterPods, second: SecondClient, users: dict[str, Path], folder: Path
) -> None:
    pod = await pods.create()
    for kubeconfig in users.values():
        code, _, errors = await run_shell(called_default(kubeconfig, folder), f"pods/{pod}", "--", "true")
        assert code == 0, errors
    assert len(await second.debug_containers(NAMESPACE, [pod])) == 2


async def test_such_a_user_is_refused_at_a_target_that_another_one_has(pods: ClusterPods, users: dict[str, Path], folder: Path) -> None:
    pod = await pods.create()
    ada, bob = (called_default(kubeconfig, folder) for kubeconfig in users.values())
    code, _, errors = await run_shell(ada, "--target", "main", f"pods/{pod}", "--", "true")
    assert code == 0, errors
    code, _, errors = await run_shell(bob, "--target", "main", f"pods/{pod}", "--", "true")
    assert code == FAILED, errors
