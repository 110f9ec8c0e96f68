"""`kubectl shell` as a process, on the cluster under test: with pipes, or on a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from cluster_pods import IMAGE, NAMESPACE, TOOLS_IMAGE, ClusterPods

from cli_terminal import CliTerminal
from warm_programs import start_program

SHELL = Path(sys.executable).parent / "kubectl-shell"
IMAGE_OF_SHELLS = TOOLS_IMAGE or IMAGE
# No registry listens there, on no node: the image never comes, and no network is asked.
NEVER = "127.0.0.1:1/podshell-e2e/never:1"
# One that a busy registry of this machine answers for: it is asked again and again.
BUSY_IMAGES = "127.0.0.1:*/podshell-e2e/busy:1"
# Of the program (docs/reference/exit-codes.md).
FAILED, REFUSED, NO_PROGRAM = 125, 126, 127
# A node may have to pull the image first.
START_SECONDS = 120
DETACH_KEYS = b"\x10\x11"
_NAMES = ("PODSHELL_", "RETINA_", "KUBECONFIG")


def environment(kubeconfig: Path) -> dict[str, str]:
    """An environment in which only this kubeconfig is known."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_NAMES)}
    return {**env, "KUBECONFIG": str(kubeconfig), "TERM": "xterm-256color"}


def words_of(words: Sequence[str], *, image: str = IMAGE_OF_SHELLS, namespace: str = NAMESPACE) -> list[str]:
    return ["--image", image, "-n", namespace, "--timeout", f"{START_SECONDS}s", *words]


async def run_shell(
    kubeconfig: Path, *words: str, stdin: bytes = b"", image: str = IMAGE_OF_SHELLS, namespace: str = NAMESPACE
) -> tuple[int, bytes, str]:
    """Run `kubectl shell` with pipes; returns exit code, output and errors."""
    return await _run(words_of(words, image=image, namespace=namespace), kubeconfig, stdin)


async def run_gc(pods: ClusterPods, namespace: str, *words: str) -> str:
    """Run `kubectl shell gc`; returns what it prints."""
    code, output, errors = await _run(["gc", "-n", namespace, *words], pods.kubeconfig, b"")
    assert code == 0, errors
    return output.decode()


async def _run(words: Sequence[str], kubeconfig: Path, stdin: bytes) -> tuple[int, bytes, str]:
    process = await start_program(SHELL, words, environment(kubeconfig))
    try:
        async with asyncio.timeout(START_SECONDS + 60):
            output, errors = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output, errors.decode()


async def permitted_shell(pods: ClusterPods, *words: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
    """As `run_shell`; a refusal by the cluster skips the test."""
    code, output, errors = await run_shell(pods.kubeconfig, *words, stdin=stdin)
    if code == REFUSED and "refused by" in errors:
        pytest.skip(f"the cluster does not permit it: {errors.splitlines()[-1]}")
    return code, output, errors


def shell_terminal(words: Sequence[str], env: Mapping[str, str]) -> CliTerminal:
    """The program on a terminal; `async with` it."""
    return CliTerminal(words, env, program=(str(SHELL),))


@contextlib.contextmanager
def busy_registry() -> Iterator[str]:
    """A registry on this machine that always says 503, in a thread of its own; yields the image that it never gives."""

    class Busy(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(503)

        do_GET = do_HEAD

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield BUSY_IMAGES.replace("*", str(server.server_address[1]))
        server.shutdown()
