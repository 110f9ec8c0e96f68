"""Two users who debug one pod with their own kubeconfigs: neither gets the other's container, nor sees what runs in it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cluster_pods import NAMESPACE, ClusterPods
from second_client import SecondClient
from shell_program import FAILED, START_SECONDS, environment, run_shell, shell_terminal, words_of

from cli_terminal import CliTerminal

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

# Of each process its arguments; `[s]leep` is no sleep itself.
LOOK = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null | grep '[s]leep 3116' && echo se''en || echo no''ne"


@pytest.fixture(autouse=True)
def _own_processes(pods: ClusterPods) -> None:
    if pods.sandboxed and os.geteuid() != 0:
        pytest.skip("without root the sandbox's containers see each other's processes")


@asynccontextmanager
async def open_shell(kubeconfig: Path, *words: str) -> AsyncIterator[CliTerminal]:
    """A user's shell, in which a job of theirs runs."""
    async with shell_terminal(words_of(words), environment(kubeconfig)) as terminal:
        await terminal.expect(b"# ", START_SECONDS)
        terminal.type(b"sleep 3116 & echo up:$((40+2)):\r")
        await terminal.expect(b"up:42:")
        yield terminal
        terminal.type(b"exit\r")
        await terminal.wait()


async def test_the_second_user_gets_a_container_of_their_own_and_sees_nothing_of_the_first_ones(
    pods: ClusterPods, second: SecondClient, users: dict[str, Path]
) -> None:
    pod = await pods.create()
    ada, bob = users.values()
    async with open_shell(ada, f"pods/{pod}") as terminal:
        terminal.type(LOOK.encode() + b"\r")
        await terminal.expect(b"seen")  # the look would find it
        code, output, errors = await run_shell(bob, f"pods/{pod}", "--", "sh", "-c", LOOK)
        assert (code, output) == (0, b"none\n"), errors
        assert "again" not in errors
        assert len(await second.debug_containers(NAMESPACE, [pod])) == 2


async def test_with_a_target_the_second_user_is_refused_while_the_first_ones_container_lives(
    pods: ClusterPods, second: SecondClient, users: dict[str, Path]
) -> None:
    pod = await pods.create()
    ada, bob = users.values()
    async with open_shell(ada, "--target", "main", f"pods/{pod}"):
        code, output, errors = await run_shell(bob, "--target", "main", f"pods/{pod}", "--", "true")
        assert (code, output) == (FAILED, b""), errors
        assert "has a debug container of ada" in errors
        assert "with a target: each would see the other's shell" in errors
        assert "open it without a target" in errors
        assert len(await second.debug_containers(NAMESPACE, [pod], running=False)) == 1
        code, output, errors = await run_shell(bob, f"pods/{pod}", "--", "sh", "-c", LOOK)
        assert (code, output) == (0, b"none\n"), errors
