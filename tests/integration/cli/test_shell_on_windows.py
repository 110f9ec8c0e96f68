"""`kubectl shell --os windows` on a node of the sandbox that says it is Windows, and has programs that go by the names of Windows' ones.

No Windows is here: what is shown is the way, not that the programs of Windows behave like this.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from shell_process import SHELL, clean_environment, nothing_is_left, run

from cli_terminal import kill_with_survivors
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import Content, manifests
from podshell.sandbox.content.nodes import node
from podshell.sandbox.resources import POD
from sandbox_fixtures import MakeSandboxCluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
# It waits for the end of its input as our waiting process does, or is a shell that knows one command.
POWERSHELL = """#!/bin/busybox sh
case "$*" in *-Command*) exec /bin/busybox cat >/dev/null;; esac
printf 'PS> '
while read -r line; do
  case $line in "exit "*) exit "${line#exit }";; esac
  printf 'ran %s\\nPS> ' "$line"
done
"""
WORDS = ["win-1", "--os", "windows", "--image", "of-windows:1"]


def content(_: str, version: str) -> Content:
    return Content([node("win-1", "192.0.2.1", version=version, windows=True), manifests.namespace("default")])


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster, tmp_path: Path) -> SandboxCluster:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("it needs a static busybox")
    root = tmp_path / "of-windows"
    (root / "bin").mkdir(parents=True)
    shutil.copy(busybox, root / "bin/busybox")
    (root / "bin/powershell.exe").write_text(POWERSHELL)
    (root / "bin/powershell.exe").chmod(0o755)
    cluster = await make_sandbox_cluster("windows", content=content)
    cluster.runtime.images.register("of-windows", root, ("powershell.exe",))
    return cluster


@pytest.fixture
def env(lab: SandboxCluster, tmp_path: Path) -> dict[str, str]:
    lab.write_kubeconfig(tmp_path / "kubeconfig")
    return clean_environment(tmp_path / "kubeconfig", tmp_path)


def ours(lab: SandboxCluster) -> list[str]:
    """The phases of our pods."""
    return [pod["status"]["phase"] for pod in lab.store.list(POD)]


async def test_the_first_shell_that_is_there_is_opened_and_its_code_passed_on(lab: SandboxCluster, env: dict[str, str]) -> None:
    code, output, errors = await run(WORDS, env, stdin=b"dir\nexit 5\n")
    assert (code, b"ran dir\n" in output) == (5, True), (output, errors)
    assert "untested" in errors
    assert "HostProcess container runs as SYSTEM" in errors
    await nothing_is_left(env)


async def test_the_pod_ends_with_a_program_that_was_killed(lab: SandboxCluster, env: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        str(SHELL), *WORDS, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert await process.stdout.readexactly(4) == b"PS> "
    assert ours(lab) == ["Running"]
    ended = asyncio.Event()
    lab.store.listen(lambda event: ended.set() if ours(lab) == ["Succeeded"] else None)
    kill_with_survivors(process.pid)
    await process.wait()
    async with asyncio.timeout(20):
        await ended.wait()
