"""How long `kubectl shell` takes until its help, beside kubectl's own, and until it asks the API server for the first time.

A process of its own each time, and the server is a socket here: what is measured is the start of the program, not a cluster.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from pathlib import Path

from bench.figures import Figure, median

BIN = Path(sys.executable).parent
KUBECTL = shutil.which("kubectl", path=str(BIN)) or "kubectl"
PLUGIN = str(BIN / "kubectl-shell")


async def run_seconds(*command: str) -> float:
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    await process.wait()
    return time.perf_counter() - begin


async def first_request_seconds(folder: Path) -> float:
    """From the start of the process to the first byte of its first request."""
    asked: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if not asked.done():
            asked.set_result(time.perf_counter())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "HOME": str(folder), "KUBECONFIG": str(folder / "none")}
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        PLUGIN, "--server", f"http://127.0.0.1:{port}", "--image", "tools:1", "node1", env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            return await asked - begin
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        server.close()


async def plugin_start(folder: Path, rounds: int = 15) -> list[Figure]:
    """Help and first request, and kubectl's `version --client`, in turn."""
    times: dict[str, list[float]] = {"kubectl": [], "help": [], "request": []}
    for number in range(rounds + 1):
        kubectl = await run_seconds(KUBECTL, "version", "--client")
        own = await run_seconds(PLUGIN, "--help")
        request = await first_request_seconds(folder / "home")
        if number:  # the first one of each reads the disk
            times["kubectl"].append(kubectl)
            times["help"].append(own)
            times["request"].append(request)
    raw: dict[str, object] = {f"{name}_ms": [value * 1e3 for value in values] for name, values in times.items()}
    return [
        Figure("kubectl shell --help / kubectl version --client", median(times["help"]) / median(times["kubectl"]), "x", 3, raw=raw),
        Figure("kubectl shell --help", median(times["help"]) * 1e3, "ms"),
        Figure("kubectl shell: first request after", median(times["request"]) * 1e3, "ms", 500),
    ]
