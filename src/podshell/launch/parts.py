"""`podshell gateway`, `podshell agent`, `podshell sandbox`: the parts alone, each from its own list of options."""

from __future__ import annotations

import asyncio
import errno
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from podshell.agent.main import StateUnusable, run_agent
from podshell.agent.settings import AgentSettings
from podshell.gateway.app import Gateway
from podshell.gateway.keys import KeyUnusable
from podshell.gateway.origins import OriginInvalid
from podshell.gateway.settings import GatewaySettings
from podshell.kube.errors import KubeconfigError
from podshell.launch.clusters import LaunchError
from podshell.launch.loops import run_loop
from podshell.launch.secret_files import write_secret
from podshell.launch.stops import stop_on_signals
from podshell.options import OptionError, add_options, load
from podshell.sandbox.main import sandbox_command

__all__ = ["agent_command", "gateway_command", "sandbox_command"]

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def _run(name: str, start: Callable[[], Awaitable[None]]) -> None:
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)

    async def until_stopped() -> None:
        stopped = stop_on_signals()
        running = asyncio.ensure_future(start())
        stopping = asyncio.ensure_future(stopped.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            stopping.cancel()
        running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()

    try:
        run_loop(until_stopped())
    except (LaunchError, KubeconfigError, StateUnusable, KeyUnusable, OriginInvalid) as error:
        click.echo(f"podshell {name}: {error}", err=True)
        sys.exit(2)


@click.command("gateway", help="Run the gateway alone. Prints a one-time sign-in link.")
@click.option("--cli-token-file", type=Path, default=None, metavar="FILE", help="Write a bearer token for the command line there (0600).")
@click.option(
    "--enrol", multiple=True, metavar="CLUSTER=FILE", help="Write a one-time token with which an agent joins CLUSTER to FILE (0600)."
)
def gateway_command(cli_token_file: Path | None, enrol: tuple[str, ...], **flags: object) -> None:
    try:
        settings = load(GatewaySettings, "gateway", flags)
        enrolments = [_enrolment(word) for word in enrol]
    except OptionError as error:
        click.echo(f"podshell gateway: {error}", err=True)
        sys.exit(2)
    _run("gateway", lambda: _gateway(settings, cli_token_file, enrolments))


def _enrolment(word: str) -> tuple[str, Path]:
    cluster, _, path = word.partition("=")
    if not cluster or not path:
        raise OptionError(f"--enrol {word!r} is not of the form CLUSTER=FILE")
    return cluster, Path(path)


async def _gateway(settings: GatewaySettings, cli_token_file: Path | None, enrolments: list[tuple[str, Path]]) -> None:
    gateway = Gateway(settings)
    try:
        await gateway.start()
        if cli_token_file is not None:
            await gateway.write_cli_token(cli_token_file)
        for cluster, path in enrolments:
            write_secret(path, (await gateway.make_enrolment(cluster)).encode())
        click.echo(f"gateway at {gateway.url}")
        click.echo(f"sign in (once, within 5 minutes): {await gateway.make_signin_link()}")
        await asyncio.get_running_loop().create_future()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(f"port {settings.port} is taken; choose another one with --port, or 0 for any") from error
        raise LaunchError(f"cannot use {error.filename or settings.state_dir}: {error.strerror or error}") from error
    finally:
        await gateway.stop()


add_options(GatewaySettings, "gateway")(gateway_command)


@click.command("agent", help="Run the agent of one cluster alone.")
def agent_command(**flags: object) -> None:
    try:
        settings = load(AgentSettings, "agent", flags)
        for name in ("gateway_urls", "cluster"):
            if not getattr(settings, name):
                raise OptionError(f"--{name.replace('_', '-')} is needed")
    except OptionError as error:
        click.echo(f"podshell agent: {error}", err=True)
        sys.exit(2)
    _run("agent", lambda: _agent(settings))


async def _agent(settings: AgentSettings) -> None:
    try:
        await run_agent(settings, started=lambda: click.echo(f"agent of {settings.cluster}: linked"))
    except OSError as error:
        raise LaunchError(f"cannot use {error.filename or settings.state_dir}: {error.strerror or error}") from error
    except ValueError as error:
        raise LaunchError(str(error)) from error


add_options(AgentSettings, "agent")(agent_command)
