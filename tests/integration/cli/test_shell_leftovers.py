"""What a killed `kubectl shell` leaves, and who removes it: the next run of the same user, or `gc`, which spares others' shells."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from cli_process import CliTerminal
from shell_process import SHELL, kubectl, names_of_ours, nothing_is_left, run
from test_exec_in_a_terminal import poll

from cli_terminal import kill_with_survivors
from podshell.sandbox.users import ATTACHER, OPERATOR

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (sys.executable, str(Path(__file__).with_name("impatient_shell.py")))
NODE = ["worker-1"]
POD = ["-n", "shop", "pods/cart-0"]


async def phases(env: dict[str, str], names: list[str]) -> list[str]:
    pods = json.loads(await kubectl(env, "get", "pods", "-A", "-o", "json"))["items"]
    return [pod["status"]["phase"] for pod in pods if pod["metadata"]["name"] in names]


async def test_the_next_shell_of_its_user_removes_the_pod_that_a_killed_one_left(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(NODE, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        left = await names_of_ours(cluster_env)
        kill_with_survivors(terminal.process.pid)
        await terminal.process.wait()
    async with asyncio.timeout(60):
        while await phases(cluster_env, left) != ["Succeeded"]:  # its waiter ends it; nobody is there to delete it
            await asyncio.sleep(0.3)
    code, _, errors = await run([*NODE, "--as", OPERATOR, "--", "true"], cluster_env)
    assert (code, await phases(cluster_env, left)) == (0, ["Succeeded"]), errors  # it is not theirs
    code, _, errors = await run([*NODE, "--", "true"], cluster_env)
    assert code == 0, errors
    assert await phases(cluster_env, left) == []
    await nothing_is_left(cluster_env)


async def test_gc_spares_what_another_user_may_be_using(cluster_env: dict[str, str]) -> None:
    async with CliTerminal([*NODE, "--as", OPERATOR], cluster_env, program=(str(SHELL),)) as terminal:
        await poll(lambda: terminal.is_raw)
        (name,) = await names_of_ours(cluster_env)
        code, output, errors = await run(["gc", "--delete", "-o", "json"], cluster_env)
        (listed,) = (one for one in json.loads(output) if one["name"] == name)
        assert (listed["user"], listed["state"]) == (OPERATOR, "running")
        assert (code, f"Pod default/{name} is {OPERATOR}'s and may be in use: --all deletes it, too" in errors) == (1, True), errors
        terminal.type(b"echo st''ill\r")
        await terminal.expect(b"still\r\n")
        code, _, errors = await run(["gc", "--all"], cluster_env)
        assert code == 0, errors
        await terminal.wait()
    await nothing_is_left(cluster_env)


async def test_gc_lists_debug_containers_that_run_and_jobs_only_where_it_may(cluster_env: dict[str, str]) -> None:
    await run([*POD, "--", "true"], cluster_env)
    code, output, errors = await run(["gc", "--as", ATTACHER], cluster_env)
    rows = [line.split() for line in output.decode().splitlines() if line.startswith("Container ")]
    assert any(row[1] == "shop" and row[2].startswith("cart-0/podshell-") and "by itself" in " ".join(row) for row in rows), output
    assert (code, errors) == (0, ""), errors


async def test_detach_keys_leave_a_shell_that_ends_by_itself(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(NODE, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        await terminal.expect(b"# ")
        (name,) = await names_of_ours(cluster_env)
        terminal.type(b"\x10\x11")
        assert await terminal.wait() == 0
        assert terminal.is_restored
        await terminal.expect(b"ends by itself within 60 s")
    async with asyncio.timeout(60):
        while await phases(cluster_env, [name]) != ["Succeeded"]:
            await asyncio.sleep(0.3)
    await run(["gc", "--delete"], cluster_env)
    await nothing_is_left(cluster_env)
