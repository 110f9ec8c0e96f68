"""The second client: the plain kubectl, which shares nothing with what is tested. It lists what of ours is there, and what of it runs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# As docs/explanation/debug-and-node-shells.md tells administrators; not taken from the code that is tested.
OURS = "app.kubernetes.io/managed-by=podshell"
DEBUG_PREFIX = "podshell-"
KUBECTL = Path(sys.executable).with_name("kubectl")
_ASK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class SecondClient:
    """kubectl with one kubeconfig."""

    kubeconfig: Path

    async def run(self, *words: str, stdin: bytes = b"") -> str:
        """Run kubectl; returns its output."""
        code, output, errors = await self.try_run(*words, stdin=stdin)
        assert code == 0, errors
        return output

    async def try_run(self, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Run kubectl; returns its exit code, output and errors."""
        process = await asyncio.create_subprocess_exec(
            str(KUBECTL), *words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
        )  # fmt: skip
        async with asyncio.timeout(_ASK_SECONDS):
            output, errors = await process.communicate(stdin)
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()

    async def items(self, kind: str, namespace: str, *words: str) -> list[dict]:  # type: ignore[type-arg]  # JSON of the API server
        return json.loads(await self.run("get", kind, "-n", namespace, "-o", "json", *words))["items"]  # type: ignore[no-any-return]  # JSON

    async def node_pods(self, namespace: str) -> dict[str, str]:
        """The pods of ours in a namespace, with their phases; those that are being deleted are as good as gone."""
        found = await self.items("pods", namespace, "-l", OURS)
        return {one["metadata"]["name"]: one["status"].get("phase", "") for one in found if "deletionTimestamp" not in one["metadata"]}

    async def jobs(self, namespace: str) -> list[str]:
        """The Jobs of ours in a namespace."""
        found = await self.items("jobs", namespace, "-l", OURS)
        return [one["metadata"]["name"] for one in found if "deletionTimestamp" not in one["metadata"]]

    async def running_node_pods(self, namespace: str) -> list[str]:
        """The pods of ours in which a container runs, also when they are being deleted."""
        found = await self.items("pods", namespace, "-l", OURS)
        return [one["metadata"]["name"] for one in found if _running(one, "containerStatuses")]

    async def unfinished_node_pods(self, namespace: str) -> list[str]:
        """The pods of ours that have not ended, also those that never began."""
        return [name for name, phase in (await self.node_pods(namespace)).items() if phase not in ("Succeeded", "Failed")]

    async def debug_containers(self, namespace: str, pods: Sequence[str], *, running: bool = True) -> list[str]:
        """The debug containers of ours in some pods, as POD/CONTAINER; `running`: those that run, else all that were ever added."""
        found = []
        for pod in await self.items("pods", namespace):
            name = pod["metadata"]["name"]
            every = [one["name"] for one in pod["spec"].get("ephemeralContainers", [])]
            names = _running(pod, "ephemeralContainerStatuses") if running else every
            found += [f"{name}/{one}" for one in names if name in pods and one.startswith(DEBUG_PREFIX)]
        return found


def _running(pod: dict, statuses: str) -> list[str]:  # type: ignore[type-arg]  # JSON of the API server
    return [one["name"] for one in pod["status"].get(statuses, []) if "running" in one.get("state", {})]


async def until_none(look: Callable[[], Awaitable[object]], what: str, *, deadline: float) -> None:
    """Ask until nothing is found. `deadline`: of time.monotonic(); whoever asks later finds nothing at once. Nobody tells this client."""
    while found := await look():
        assert time.monotonic() < deadline, f"{what}: {found}"
        await asyncio.sleep(1)
