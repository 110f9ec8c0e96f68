"""How long `podshell up --sandbox` takes until its first page: a process of its own each time."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import httpx


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def first_page_after_start(folder: Path) -> float:
    """Start it, ask for the first page until it is there, stop it; returns seconds."""
    folder.mkdir(parents=True)
    port = free_port()
    begin = time.perf_counter()
    environment = {**os.environ, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "podshell.launch.main", "up", "--sandbox", "--no-browser", "--port", str(port),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as client:
            while True:
                try:
                    (await client.get(f"http://127.0.0.1:{port}/")).raise_for_status()
                    return time.perf_counter() - begin
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
