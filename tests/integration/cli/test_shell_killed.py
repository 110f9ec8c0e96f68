"""kill -9 of `kubectl shell` at any moment: its container ends by itself, a second client sees that, and `gc` removes what is listed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from cli_process import CliTerminal
from shell_process import kubectl, nothing_is_left, run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (sys.executable, str(Path(__file__).with_name("impatient_shell.py")))
NODE = ["worker-1"]
POD = ["-n", "shop", "pods/cart-0"]
PROMPT, CREATING = b"# ", b"Starting "


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
        terminal.process.kill()
        await terminal.process.wait()


async def test_nothing_runs_on_after_kill_9(cluster_env: dict[str, str]) -> None:
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
