"""`podshell up`: gateway, console and agents for one user on this machine, in one process (docs/adr/0005).

It owns everything it starts and stops it in the reverse order within 2 s. State (keys, database) stays below the state folder, so that a
browser stays signed in over restarts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from podshell import __version__
from podshell.launch.browser import Redirect
from podshell.launch.failures import LaunchError, file_failures, gateway_failures
from podshell.launch.logs import log_to_stderr
from podshell.launch.loops import run_loop
from podshell.launch.secret_files import write_secret
from podshell.launch.stops import stop_on_signals
from podshell.options import OptionError, add_options, load

if TYPE_CHECKING:
    from podshell.agent.main import Agent
    from podshell.gateway.app import Gateway
    from podshell.launch.clusters import Served

KINDS = ("podExec", "basic", "advanced", "podDebug", "nodeShell", "hostMount", "hostWrite", "nodePrivileged")
AGENT_START_SECONDS = 10.0


def default_state_dir() -> Path:
    """Where state lives when nobody says otherwise: $XDG_STATE_HOME/podshell, by default ~/.local/state/podshell."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "podshell"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpSettings:
    """Settings of `podshell up`."""

    port: int = field(default=8642, metadata={"help": "port of the console on 127.0.0.1; 0 takes a free one"})
    context: str = field(default="", metadata={"help": "context of the kubeconfig; the current one when empty"})
    kubeconfig: Path | None = field(default=None, metadata={"help": "kubeconfig file; without one, $KUBECONFIG and ~/.kube/config"})
    sandbox: bool = field(default=False, metadata={"help": "start the two built-in clusters, whatever the kubeconfig says"})
    allow: tuple[str, ...] = field(
        default=(), metadata={"help": f"what the clusters allow at most (the ceiling) beside podExec: {', '.join(KINDS)}"}
    )
    image_repo: str = field(
        default_factory=lambda: os.environ.get("PODSHELL_IMAGE_REPO", ""),
        metadata={
            "help": "repository of the tools image for debug and node shells; sandbox clusters have their own",
            "default": "$PODSHELL_IMAGE_REPO",
        },
    )
    image_version: str = field(
        default_factory=lambda: os.environ.get("PODSHELL_IMAGE_VERSION", "") or __version__,
        metadata={"help": "its tag, or its digest (sha256:...)", "default": "$PODSHELL_IMAGE_VERSION, else this version"},
    )
    allowed_images: tuple[str, ...] = field(
        default=(), metadata={"help": "further images that debug and node shells may use, as shell patterns"}
    )
    debug_namespace: str = field(
        default="podshell", metadata={"help": "namespace of the pods of node shells; it must allow privileged pods"}
    )
    browser: bool = field(default=True, metadata={"help": "open the browser on the sign-in link"})
    idle_timeout_seconds: float = field(default=300.0, metadata={"help": "end a shell after so many seconds without typing; 0: never"})
    record: bool = field(default=False, metadata={"help": "record the output of every shell to the state folder"})
    scale_pods: int = field(default=0, metadata={"help": "add so many pods without processes to each sandbox cluster, for load"})
    state_dir: Path | None = field(default=None, metadata={"help": "folder for keys and database; default: ~/.local/state/podshell"})

    @property
    def ceiling(self) -> tuple[str, ...]:
        """What is allowed at most: running shells always is, for one user on their own machine."""
        return tuple(dict.fromkeys(("podExec", *self.allow)))


@click.command("up", help="Run gateway, console and agent for you on this machine.")
def up_command(**flags: object) -> None:
    try:
        settings = load(UpSettings, "up", flags)
        unknown = [kind for kind in settings.allow if kind not in KINDS]
        if unknown:
            raise LaunchError(f"--allow does not know {', '.join(unknown)}; it knows {', '.join(KINDS)}")
        run_loop(_main(settings))
    except (OptionError, LaunchError) as error:
        click.echo(f"podshell up: {error}", err=True)
        sys.exit(2)


add_options(UpSettings, "up")(up_command)


async def _main(settings: UpSettings) -> None:
    log_to_stderr(logging.WARNING)
    stopped = stop_on_signals()
    async with AsyncExitStack() as stack:
        starting = asyncio.ensure_future(_start(settings, stack))
        stopping = asyncio.ensure_future(stopped.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return
        await starting
        await stopping
        with contextlib.suppress(OSError):  # the terminal may be gone: that is why it stops
            click.echo("stopping")


async def _start(settings: UpSettings, stack: AsyncExitStack) -> None:
    from podshell.gateway.app import Gateway
    from podshell.gateway.settings import GatewaySettings
    from podshell.launch.clusters import wants_sandbox

    click.echo(f"Podshell {__version__}")
    state = (settings.state_dir or default_state_dir()).expanduser()
    sandbox = wants_sandbox(settings.sandbox, settings.kubeconfig, settings.context)
    named = None if sandbox else await _named_cluster(settings)
    gateway_settings = GatewaySettings(
        port=settings.port,
        state_dir=state / "gateway",
        idle_timeout_seconds=settings.idle_timeout_seconds,
        record=settings.record,
    )
    gateway = Gateway(gateway_settings)
    stack.push_async_callback(gateway.stop)
    with gateway_failures(gateway_settings):
        await gateway.start()
    # after the gateway, which would start beside all of their pods else
    served = [named] if named is not None else await _sandbox_clusters(settings, stack)
    await _start_agents(served, gateway, settings, state, stack)
    await _tell(gateway, settings, state, stack)


async def _named_cluster(settings: UpSettings) -> Served:
    from podshell.launch.clusters import from_kubeconfig

    one = await from_kubeconfig(settings.kubeconfig, settings.context)
    click.echo(f"cluster  {one.name}: {one.description}")
    return one


async def _sandbox_clusters(settings: UpSettings, stack: AsyncExitStack) -> Sequence[Served]:
    from podshell.launch.clusters import sandbox

    if sys.platform != "linux":
        raise LaunchError("the sandbox runs on Linux only; name a cluster with --kubeconfig or --context")
    if not settings.sandbox:
        click.echo("there is no kubeconfig: starting the built-in sandbox clusters")
    with file_failures(tempfile.gettempdir()):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podshell-sandbox-", ignore_cleanup_errors=True)))
    served = await stack.enter_async_context(sandbox(folder, settings.scale_pods))
    for one in served:
        click.echo(f"cluster  {one.name}: {one.description}")
    return served


async def _start_agents(served: Sequence[Served], gateway: Gateway, settings: UpSettings, state: Path, stack: AsyncExitStack) -> None:
    agents: list[Agent] = []

    async def stop() -> None:
        await asyncio.gather(*(agent.stop() for agent in agents))  # each may need 1.5 s for its shells

    stack.push_async_callback(stop)
    for one in served:
        enrolment = await gateway.make_enrolment(one.name, label=one.label, colour=one.colour)
        agents.append(_make_agent(one, gateway.url, enrolment, settings, state / "agents" / one.name))
        await agents[-1].start()
    waiting = {asyncio.ensure_future(agent.linked.wait()): one.name for agent, one in zip(agents, served, strict=True)}
    try:
        _, late = await asyncio.wait(waiting, timeout=AGENT_START_SECONDS)
    finally:
        for task in waiting:
            task.cancel()
    for name in sorted(waiting[task] for task in late):
        click.echo(f"the agent of {name} has no link to the gateway yet; it goes on trying", err=True)
    for agent in agents:
        if agent.linked.is_set() and agent.settings.enrolment_token_file is not None:
            agent.settings.enrolment_token_file.unlink(missing_ok=True)


def _make_agent(one: Served, url: str, enrolment: str, settings: UpSettings, folder: Path) -> Agent:
    from podshell.agent.ceiling import ceiling_of
    from podshell.agent.main import Agent, StateUnusable
    from podshell.agent.settings import AgentSettings, ToolsSettings

    repository, version = one.tools_image or (settings.image_repo, settings.image_version)
    tools = ToolsSettings(
        image_repository=repository,
        image_version=version,
        allowed_images=settings.allowed_images,
        debug_namespace=settings.debug_namespace,
    )
    token = folder / "enrolment"
    try:
        with file_failures(str(folder)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_secret(token, enrolment.encode())
            agent_settings = AgentSettings(
                gateway_urls=(url,),
                cluster=one.name,
                state_dir=folder,
                enrolment_token_file=token,
                ceiling=ceiling_of(settings.ceiling),
                tools=tools,
                reconnect_base_seconds=0.2,
            )
            return Agent(agent_settings, one.connection)
    except StateUnusable as error:
        raise LaunchError(str(error)) from error


async def _tell(gateway: Gateway, settings: UpSettings, state: Path, stack: AsyncExitStack) -> None:
    token = state / "cli-token.json"
    link = await gateway.make_signin_link()
    with file_failures(str(state)):
        await gateway.write_cli_token(token)
        write_current(default_state_dir() / "current.json", gateway.url, token)
        redirect = Redirect(state / "browser", link)
    stack.callback(redirect.forget)
    click.echo(f"ceiling  {', '.join(settings.ceiling)}")
    click.echo(f"console  {gateway.url}")
    click.echo(f"sign in  {link}")
    click.echo("         (once, within 5 minutes; press Enter here for a new link). Ctrl-C stops everything.")
    if settings.browser:
        redirect.open()
    await stack.enter_async_context(_new_links_on_enter(gateway))


def write_current(path: Path, url: str, token: Path) -> None:
    """Write where command lines find the gateway and their token."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(path, msgspec.json.encode({"gateway": url, "token_file": str(token)}))


@asynccontextmanager
async def _new_links_on_enter(gateway: Gateway) -> AsyncIterator[None]:
    if not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    making: set[asyncio.Task[None]] = set()

    async def make() -> None:
        click.echo(f"sign in  {await gateway.make_signin_link()}")

    def typed() -> None:
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin)
            return
        task = asyncio.ensure_future(make())
        making.add(task)
        task.add_done_callback(making.discard)

    loop.add_reader(sys.stdin, typed)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)
