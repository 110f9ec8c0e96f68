"""What the real kubectl leaves behind in a container when it is killed (transcripts/orphans/kubectl-killed-ws-*)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from transcript_lab import ADMIN_TOKEN, Lab
from transcript_replay import TRANSCRIPTS, recorded_processes, seen_processes

from podshell.sandbox.resources import POD
from podshell.sandbox.runtime import Runtime, can_isolate

_KUBECTL = shutil.which("kubectl", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
pytestmark = pytest.mark.skipif(not can_isolate() or _KUBECTL is None, reason="needs namespaces and kubectl")


@pytest.mark.parametrize("name", ["nontty-sh", "nontty-sleep", "tty-sh", "tty-sleep"])
async def test_a_killed_kubectl_leaves_what_was_recorded(name: str, tmp_path: Path) -> None:
    recorded = json.loads((TRANSCRIPTS / f"orphans/kubectl-killed-ws-{name}.json").read_text())
    steps = {step["at"]: sorted(recorded_processes(step["ps"])) for step in recorded["steps"]}
    runtime = Runtime(tmp_path / "runtime")
    await runtime.start()
    lab = Lab(runtime)
    try:
        await lab.start(("lab", "two"), "main")
        lab.server.store.create(POD, _pod())
        container = lab.containers["lab", "two", "main"]
        command = ["sleep", "1000"] if name.endswith("sleep") else ["sh"]
        client, terminal = await _start_kubectl(lab, tmp_path, "-it" if name.startswith("tty") else "-i", command)
        await _see_processes(container.processes, steps["while connected"])
        client.kill()
        await client.wait()
        for descriptor in terminal:
            os.close(descriptor)
        await _see_processes(container.processes, steps["5 s after"], stable=10)
    finally:
        await lab.stop()
        await runtime.stop()


async def _start_kubectl(lab: Lab, folder: Path, flags: str, command: list[str]) -> tuple[asyncio.subprocess.Process, tuple[int, int]]:
    (folder / "ca.pem").write_text(lab.server.ca_pem)
    arguments = ["--server", lab.server.url, "--certificate-authority", str(folder / "ca.pem"), "--token", ADMIN_TOKEN]
    arguments += ["exec", flags, "-n", "lab", "two", "-c", "main", "--", *command]
    master, slave = os.openpty() if flags == "-it" else os.pipe()[::-1]
    process = await asyncio.create_subprocess_exec(
        str(_KUBECTL),
        *arguments,
        stdin=slave,
        stdout=slave if flags == "-it" else asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={"HOME": str(folder), "PATH": os.environ.get("PATH", "")},
        start_new_session=True,
    )
    return process, (master, slave)


async def _see_processes(list_pids: object, wanted: list[tuple[str, bool, bool]], stable: int = 1) -> None:
    """Wait until /proc shows these processes, ``stable`` times in a row."""
    seen = 0
    found: list[tuple[str, bool, bool]] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            while seen < stable:
                found = sorted(seen_processes(list_pids()))  # type: ignore[operator]
                seen = seen + 1 if found == wanted else 0
                await asyncio.sleep(0.05)
    assert found == wanted


def _pod() -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "two", "namespace": "lab"},
        "spec": {"nodeName": "worker-1", "containers": [{"name": "main", "image": "busybox"}]},
        "status": {"phase": "Running"},
    }
