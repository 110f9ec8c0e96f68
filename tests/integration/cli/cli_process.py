"""The command line as a process of its own, with pipes; with a terminal: `CliTerminal`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from cli_terminal import PODSHELL, SECONDS, CliTerminal
from warm_programs import start_program

__all__ = ["PODSHELL", "SECONDS", "CliTerminal", "environment", "run"]


def environment(url: str, token_file: Path) -> dict[str, str]:
    return {**os.environ, "PODSHELL_GATEWAY": url, "PODSHELL_TOKEN_FILE": str(token_file), "TERM": "xterm-256color"}


async def run(words: Sequence[str], env: dict[str, str], *, stdin: bytes = b"") -> tuple[int, bytes, str]:
    """Run `podshell exec` with pipes; returns its exit code, standard output and standard error."""
    process = await start_program(PODSHELL, ["exec", *words], env)
    try:
        async with asyncio.timeout(60):
            output, errors = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output, errors.decode()
