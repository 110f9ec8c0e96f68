"""A client of which nothing is heard while its connections stand: stopped, or behind a network that vanished without a word."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from cli_process import CliTerminal
from shell_process import kubectl, nothing_is_left
from test_exec_in_a_terminal import poll
from unheard_shell import PATIENCE_SECONDS, SILENCE_SECONDS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (sys.executable, str(Path(__file__).with_name("unheard_shell.py")))
NODE = ["worker-1"]


@pytest.mark.slow
async def test_a_stopped_client_finds_its_shell_for_a_while_and_later_says_that_it_is_lost(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(NODE, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        await terminal.expect(b"# ")
        await asyncio.sleep(SILENCE_SECONDS + 1)  # heard all the time
        terminal.type(b"X=ke''pt; echo $X-$X\r")
        await terminal.expect(b"kept-kept")

        terminal.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(SILENCE_SECONDS + 2)
        terminal.process.send_signal(signal.SIGCONT)
        await terminal.expect(b"heard nothing from here")
        await terminal.expect(b"attached again")
        terminal.type(b"echo again-$X\r")
        await terminal.expect(b"again-kept")

        terminal.process.send_signal(signal.SIGSTOP)
        await no_pod_runs(cluster_env)
        terminal.process.send_signal(signal.SIGCONT)
        await terminal.expect(b"heard nothing from here")
        await terminal.expect(b"run the command again")
        assert await terminal.wait() == 125
        assert terminal.is_restored
    await nothing_is_left(cluster_env)


async def no_pod_runs(env: dict[str, str]) -> None:
    """Wait until the pod of ours has ended by itself, as kubectl sees it: silence, the shell's wait, the waiter's."""
    async with asyncio.timeout(SILENCE_SECONDS + 2 * PATIENCE_SECONDS + 15):
        while True:
            pods = json.loads(await kubectl(env, "get", "pods", "-A", "-l", "app.kubernetes.io/managed-by=podshell", "-o", "json"))
            if all(pod["status"].get("phase") in ("Succeeded", "Failed") for pod in pods["items"]):
                return
            await asyncio.sleep(0.5)  # the second client asks, nobody tells it
