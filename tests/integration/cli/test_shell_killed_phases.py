"""`kubectl shell` left by its keys, or killed with what would clean up after it while its image does not come: what kubectl lists then.

Nothing is cleaned up before it is looked at. The other phases: test_shell_killed.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from cli_process import CliTerminal
from impatient_shell import PATIENCE_SECONDS
from shell_process import kubectl

from cli_terminal import kill_with_survivors
from podshell.sandbox import users
from podshell.sandbox.kubelet.faults import PodFault
from sandbox_fixtures import SandboxCluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (sys.executable, str(Path(__file__).with_name("impatient_shell.py")))
SPACE = "killed-phases"
# What ends a pod whose image never comes: its deadline, --ttl of the shell (tests/e2e waits for one of a minute).
TTL_SECONDS = 60
PHASES = ("pulling", "detached")
# The waiter's patience twice (a lifeline waits for as long, and sees a lost stream after 5 s), and a busy machine.
WITHIN_SECONDS = 2 * PATIENCE_SECONDS + 30


async def pods(env: dict[str, str], space: str, selector: str) -> dict[str, dict]:  # type: ignore[type-arg]  # JSON of the API server
    listed = json.loads(await kubectl(env, "get", "pods", "-n", space, "-l", selector, "-o", "json"))["items"]
    return {one["metadata"]["name"]: one for one in listed}


def states(pod: dict, kind: str) -> list[str]:  # type: ignore[type-arg]  # JSON of the API server
    return [next(iter(one["state"])) for one in pod["status"].get(kind, [])]


@pytest.fixture
async def env(sandbox_cluster: SandboxCluster, cluster_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """A cluster of the test's own, with a pod for each phase of a debug shell."""
    sandbox_cluster.write_kubeconfig(tmp_path / "config", users.ADMIN)
    env = {**cluster_env, "KUBECONFIG": str(tmp_path / "config")}
    await kubectl(env, "create", "namespace", SPACE)
    for phase in PHASES:
        await kubectl(env, "run", phase, "-n", SPACE, "-l", "run=target", "--image", "busybox:1.36", "--", "sleep", "3600")
    await kubectl(env, "wait", "pod", "-n", SPACE, "-l", "run=target", "--for=condition=Ready", "--timeout=30s")
    return env


async def end_in(env: dict[str, str], phase: str, target: str) -> str:
    """Kill a shell in a phase, or leave it; returns what its terminal was shown."""
    life = ["--ttl", f"{TTL_SECONDS}s"] if phase == "pulling" else []
    async with CliTerminal(["-n", SPACE, *life, target], env, program=PROGRAM) as terminal:
        if phase == "pulling":
            await terminal.expect(b"pulling the image")
            kill_with_survivors(terminal.process.pid)
            assert await terminal.wait() == -signal.SIGKILL, "it had given up by itself, so this shows nothing"
        else:
            await terminal.expect(b"# ")
            terminal.type(b"(trap '' HUP; exec sleep 3117) & sleep 3118 & echo up:$((40+2)):\r")
            await terminal.expect(b"up:42:")
            terminal.type(b"\x10\x11")
            assert await terminal.wait() == 0
        return terminal.seen.decode("utf-8", "replace")


async def test_nothing_runs_after_its_patience_and_the_objects_say_how_it_ended(
    env: dict[str, str], sandbox_cluster: SandboxCluster
) -> None:
    shown: list[str] = []
    for phase in ("detached", "pulling"):
        shown += await asyncio.gather(*(end_in(env, phase, place) for place in ("worker-1", f"pods/{phase}")))
        sandbox_cluster.node_faults.add(PodFault(namespace=SPACE, pull_seconds=3600))  # for those that come from now on
    assert sum("ends by itself within 60 s" in one for one in shown) == 2, "who leaves is told what becomes of both"
    selector = "app.kubernetes.io/managed-by=podshell"
    made = await pods(env, SPACE, selector)
    assert sorted(one["status"]["phase"] for one in made.values()) == ["Pending", "Running"]
    ran = (await pods(env, SPACE, "run=target"))["detached"]
    assert states(ran, "ephemeralContainerStatuses") == ["running"]

    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            made, debugged = await pods(env, SPACE, selector), await pods(env, SPACE, "run=target")
            phases = sorted(one["status"]["phase"] for one in made.values())
            if phases == ["Pending", "Succeeded"] and states(debugged["detached"], "ephemeralContainerStatuses") == ["terminated"]:
                break
            await asyncio.sleep(0.5)  # the second client asks, nobody tells it
    pending = next(one for one in made.values() if one["status"]["phase"] == "Pending")
    assert states(pending, "containerStatuses") == ["waiting"]
    assert pending["spec"]["activeDeadlineSeconds"] == TTL_SECONDS
    # what never ran waits for its image, and its waiter finds nobody when that comes; neither can be removed from its pod
    assert states(debugged["pulling"], "ephemeralContainerStatuses") == ["waiting"]
    assert states(debugged["detached"], "containerStatuses") == ["running"], "the pod itself goes on"
