"""`kubectl shell` whose image does not come: a timeout tells what the cluster said, a signal leaves nothing, what is kept is named."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from cli_process import CliTerminal
from shell_process import SHELL, names_of_ours, nothing_is_left, run
from test_exec_in_a_terminal import poll

from podshell.sandbox import users
from podshell.sandbox.kubelet.faults import PodFault
from sandbox_fixtures import SandboxCluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (str(SHELL),)
NODE = ["worker-1"]


@pytest.fixture
def env(sandbox_cluster: SandboxCluster, cluster_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment in which a cluster is found whose nodes pull our image for a minute."""
    sandbox_cluster.node_faults.add(PodFault(pod="podshell-", pull_seconds=60))
    sandbox_cluster.write_kubeconfig(tmp_path / "config", users.ADMIN)
    return {**cluster_env, "KUBECONFIG": str(tmp_path / "config")}


async def test_d2_a_timeout_tells_the_events_and_leaves_nothing(env: dict[str, str]) -> None:
    begin = time.monotonic()
    code, _, errors = await run([*NODE, "--timeout", "2s", "--", "true"], env)
    assert (code, time.monotonic() - begin < 20) == (124, True), errors
    assert "waiting for container shell to start" in errors
    assert 'event: Pulling: Pulling image "tools:1"' in errors
    assert "The timeout can be increased by setting --timeout." in errors
    await nothing_is_left(env)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_a_signal_leaves_nothing(env: dict[str, str], number: signal.Signals) -> None:
    async with CliTerminal(NODE, env, program=PROGRAM) as terminal:
        await terminal.expect(b"Starting host networking pod")
        terminal.process.send_signal(number)
        assert await terminal.wait() == 128 + number
        assert terminal.is_restored
    await nothing_is_left(env)


async def test_a_pod_that_is_to_be_kept_is_named_also_when_its_start_is_given_up(env: dict[str, str]) -> None:
    async with CliTerminal([*NODE, "--keep-on-failure"], env, program=PROGRAM) as terminal:
        await terminal.expect(b"the container is being created")
        (name,) = await names_of_ours(env)
        terminal.type(b"\x03")
        assert await terminal.wait() == 130
        await poll(lambda: f"kept: kubectl describe pod -n default {name}".encode() in terminal.seen)
    assert await names_of_ours(env) == [name]
    await run(["gc", "--delete"], env)
    await nothing_is_left(env)
