"""kill -9 of `kubectl shell` at any moment: its pod is removed, or at the least its container ends by itself, as a second client sees."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from cli_process import CliTerminal
from shell_process import SHELL, kubectl, names_of_ours, nothing_is_left, run

from cli_terminal import kill_with_survivors
from podshell.sandbox import users
from podshell.sandbox.kubelet.faults import PodFault
from sandbox_fixtures import SandboxCluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (sys.executable, str(Path(__file__).with_name("impatient_shell.py")))
NODE = ["worker-1"]
POD = ["-n", "shop", "pods/cart-0"]
PROMPT, CREATING, PULLING = b"# ", b"Starting ", b"pulling the image"


async def living(env: dict[str, str]) -> list[str]:
    """The containers of ours that run or may still start, as kubectl lists them."""
    found = []
    for pod in json.loads(await kubectl(env, "get", "pods", "-A", "-o", "json"))["items"]:
        ours = pod["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "podshell"
        if ours and pod["status"].get("phase") not in ("Succeeded", "Failed"):
            found.append(pod["metadata"]["name"])
        ended = {one["name"] for one in pod["status"].get("ephemeralContainerStatuses", []) if "terminated" in one["state"]}
        debug = (one["name"] for one in pod["spec"].get("ephemeralContainers", []))
        found += [f"{pod['metadata']['name']}/{name}" for name in debug if name.startswith("podshell-") and name not in ended]
    return found


async def kill_at(env: dict[str, str], target: list[str], moment: bytes) -> None:
    async with CliTerminal(target, env, program=PROGRAM) as terminal:
        await terminal.expect(moment)
        if moment is PROMPT:
            terminal.type(b"sleep 1000 &\r")
            await terminal.expect(b"[1] ")
            assert await living(env) != []
        kill_with_survivors(terminal.process.pid)
        await terminal.process.wait()


async def test_nothing_runs_on_when_nobody_is_left_to_remove_it(cluster_env: dict[str, str]) -> None:
    """On a node and in a pod, while the container is made and at the prompt."""
    others = set(await living(cluster_env))  # debug containers of earlier tests wait for a minute
    places = ((NODE, CREATING), (NODE, PROMPT), ([*POD, "--target", "exporter"], CREATING), (POD, PROMPT))
    await asyncio.gather(*(kill_at(cluster_env, target, moment) for target, moment in places))
    async with asyncio.timeout(60):
        while set(await living(cluster_env)) - others:
            await asyncio.sleep(0.5)  # the second client asks, nobody tells it
    code, _, errors = await run(["gc", "--delete"], cluster_env)
    assert code == 0, errors
    await nothing_is_left(cluster_env)


@pytest.mark.parametrize("moment", [CREATING, PULLING, PROMPT], ids=["creating", "pulling", "running"])
async def test_a_pod_is_removed_after_kill_9_of_its_program(
    sandbox_cluster: SandboxCluster, cluster_env: dict[str, str], tmp_path: Path, moment: bytes
) -> None:
    """With the whole program's group, as a shell kills a job: not by its waiter, whose patience is a minute here."""
    sandbox_cluster.write_kubeconfig(tmp_path / "config", users.ADMIN)
    env = {**cluster_env, "KUBECONFIG": str(tmp_path / "config")}
    if moment is PULLING:
        sandbox_cluster.node_faults.add(PodFault(namespace="default", pull_seconds=3600))
    async with CliTerminal(NODE, env, program=(str(SHELL),)) as terminal:
        await terminal.expect(moment)
        if moment is not CREATING:
            assert len(await names_of_ours(env)) == 1
        os.killpg(os.getpgid(terminal.process.pid), signal.SIGKILL)
        assert await terminal.wait() == -signal.SIGKILL
    async with asyncio.timeout(20):
        while await names_of_ours(env):
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)  # nor does one come that was on its way
    assert await names_of_ours(env) == []


async def test_an_orderly_end_leaves_no_process(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(NODE, cluster_env, program=(str(SHELL),)) as terminal:
        await terminal.expect(PROMPT)
        (survivor,) = Path(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children").read_text().split()
        terminal.type(b"exit 3\r")
        assert await terminal.wait() == 3
        assert not Path(f"/proc/{survivor}").exists()
    await nothing_is_left(cluster_env)


async def test_detached_shells_are_not_removed(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(NODE, cluster_env, program=(str(SHELL),)) as terminal:
        await terminal.expect(PROMPT)
        (survivor,) = Path(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children").read_text().split()
        (name,) = await names_of_ours(cluster_env)
        terminal.type(b"\x10\x11")
        assert await terminal.wait() == 0
        assert not Path(f"/proc/{survivor}").exists()
    assert await names_of_ours(cluster_env) == [name]
    await kubectl(cluster_env, "delete", "pod", name, "--wait=false")
    await nothing_is_left(cluster_env)
