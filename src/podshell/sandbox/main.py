"""`podshell sandbox`: runs sandbox clusters until it is stopped. Composition root; holds no logic of its own."""

from __future__ import annotations

import asyncio
import errno
import shutil
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import click

from podshell.options import OptionError, add_options, load
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.kubeconfigs import write_kubeconfig

NAMES = ("demo-east", "demo-west", "demo-north", "demo-south")


def _option(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """Settings of the sandbox."""

    port: int = field(default=0, metadata=_option("port of the first cluster, the others take the next ones; 0: any free ones"))
    folder: Path | None = field(default=None, metadata=_option("folder for images and containers; default: a temporary one"))
    clusters: int = field(default=1, metadata=_option(f"how many clusters to run, 1 to {len(NAMES)}"))
    scale: str = field(default="", metadata=_option("pods=N adds N pods without processes, for load"))
    kubeconfig_out: Path | None = field(default=None, metadata=_option("where to write the kubeconfig; default: in the folder"))


class SandboxError(Exception):
    """The sandbox cannot start; the text is one sentence that says why and what to do."""


def scale_pods(text: str) -> int:
    """How many pods `--scale pods=N` asks for.

    Raises:
        SandboxError: the text is not of that form.
    """
    if not text:
        return 0
    name, _, number = text.partition("=")
    if name != "pods" or not number.isdecimal() or int(number) > 50_000:
        raise SandboxError(f"--scale {text!r} is not of the form pods=N with N up to 50000")
    return int(number)


async def run(settings: SandboxSettings, folder: Path, stopped: asyncio.Event) -> None:
    """Run the clusters until `stopped`.

    Raises:
        SandboxError: bad settings, a port is taken, a file cannot be written.
    """
    if not 1 <= settings.clusters <= len(NAMES):
        raise SandboxError(f"--clusters must be 1 to {len(NAMES)}")
    pods = scale_pods(settings.scale)
    out = settings.kubeconfig_out or folder / "kubeconfig"
    async with AsyncExitStack() as stack:
        clusters = []
        for index, name in enumerate(NAMES[: settings.clusters]):
            cluster = SandboxCluster(name, folder=folder / name, scale_pods=pods)
            stack.push_async_callback(cluster.stop)
            await _start(cluster, settings.port + index if settings.port else 0)
            clusters.append(cluster)
        try:
            write_kubeconfig(out, [one.access() for one in clusters])
        except OSError as error:
            raise SandboxError(f"cannot write the kubeconfig {out}: {error.strerror}") from error
        _tell(out, clusters)
        await stopped.wait()


async def _start(cluster: SandboxCluster, port: int) -> None:
    try:
        await cluster.start(port)
    except OverflowError as error:
        raise SandboxError(f"port {port} is none: choose one from 1 to 65535 with --port, or 0 for any") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SandboxError(f"port {port} is taken; choose another one with --port, or 0 for any") from error
        raise SandboxError(f"cannot start the cluster {cluster.name}: {error.strerror or error}") from error


def _tell(out: Path, clusters: list[SandboxCluster]) -> None:
    for cluster in clusters:
        kind = "isolated containers" if cluster.runtime.isolated else "plain processes (no rights to make namespaces)"
        click.echo(f"cluster {cluster.name} at {cluster.url}, {kind}")
    click.echo(f"kubeconfig: {out}")
    click.echo(f"try: kubectl --kubeconfig {out} exec -it -n shop cart-0 -- bash")


async def _main(settings: SandboxSettings, folder: Path) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await run(settings, folder, stopped)


@click.command("sandbox", help="Run sandbox clusters: Kubernetes without Kubernetes, for trying and testing. Linux only.")
def sandbox_command(**flags: object) -> None:
    try:
        settings = load(SandboxSettings, "sandbox", flags)
        if sys.platform != "linux":
            raise SandboxError("the sandbox runs on Linux only")
        folder = settings.folder or Path(tempfile.mkdtemp(prefix="podshell-sandbox-"))
        try:
            asyncio.run(_main(settings, folder))
        finally:
            if settings.folder is None:
                shutil.rmtree(folder, ignore_errors=True)
    except (OptionError, SandboxError) as error:
        click.echo(f"podshell sandbox: {error}", err=True)
        sys.exit(2)


add_options(SandboxSettings, "sandbox")(sandbox_command)

if __name__ == "__main__":
    sandbox_command()
