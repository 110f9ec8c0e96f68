"""`kubectl-shell` as a process of its own, against the sandbox: with pipes, or on a pty."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from warm_programs import start_program

BIN = Path(sys.executable).parent
SHELL = BIN / "kubectl-shell"
_OURS = ("PODSHELL_", "RETINA_", "KUBECONFIG")


def clean_environment(kubeconfig: Path, home: Path) -> dict[str, str]:
    """An environment in which only this kubeconfig is known, and our programs are on the PATH, as kubectl wants its plugins."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**env, "KUBECONFIG": str(kubeconfig), "HOME": str(home), "XDG_CONFIG_HOME": str(home), "PATH": path, "TERM": "xterm-256color"}


async def run(words: Sequence[str], env: Mapping[str, str], *, stdin: bytes = b"", program: Path = SHELL) -> tuple[int, bytes, str]:
    """Run it with pipes; returns exit code, standard output and standard error."""
    process = await start_program(program, words, env)
    try:
        async with asyncio.timeout(60):
            output, errors = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output, errors.decode()


async def kubectl(env: Mapping[str, str], *words: str) -> str:
    """Run the real kubectl, the second and independent client; returns its output."""
    code, output, errors = await run(words, env, program=BIN / "kubectl")
    assert code == 0, errors
    return output.decode()


async def names_of_ours(env: Mapping[str, str]) -> list[str]:
    """The pods in all namespaces that carry our label, and do not end already."""
    pods = json.loads(await kubectl(env, "get", "pods", "-A", "-l", "app.kubernetes.io/managed-by=podshell", "-o", "json"))
    return [pod["metadata"]["name"] for pod in pods["items"] if "deletionTimestamp" not in pod["metadata"]]


async def nothing_is_left(env: Mapping[str, str]) -> None:
    """Wait until no pod of ours is left."""
    left = ["?"]
    for _ in range(50):
        left = await names_of_ours(env)
        if not left:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"left behind: {left}")
