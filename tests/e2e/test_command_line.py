"""`podshell exec` as a process, on the cluster under test."""

from __future__ import annotations

import asyncio
import os

import pytest
from cluster_pods import NAMESPACE
from running_podshell import CLUSTER, COMMAND, RunningPodshell

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def run(podshell: RunningPodshell, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """Run `podshell exec` and return its code, output and errors."""
    way = ("exec", "--gateway", podshell.url, "--token-file", str(podshell.token_file), "--cluster", CLUSTER, "-n", NAMESPACE)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *way, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": str(podshell.folder)},
    )  # fmt: skip
    async with asyncio.timeout(90):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out, err


async def test_a_command_gives_its_output_and_its_exit_code(podshell: RunningPodshell, pod: str) -> None:
    code, out, err = await run(podshell, f"pods/{pod}", "-c", "side", "--", "sh", "-c", "echo role:$ROLE; exit 7")
    assert (code, out) == (7, b"role:side\n"), err


async def test_piped_input_reaches_the_command_and_its_end_ends_it(podshell: RunningPodshell, pod: str) -> None:
    code, out, err = await run(podshell, f"pods/{pod}", "-c", "main", "--", "sort", stdin=b"b\nc\na\n")
    assert (code, out) == (0, b"a\nb\nc\n"), err


async def test_a_container_that_was_not_chosen_is_asked_for(podshell: RunningPodshell, pod: str) -> None:
    code, out, err = await run(podshell, f"pods/{pod}", "--", "true")
    assert code != 0
    assert out == b""
    assert b"main" in err
    assert b"side" in err
