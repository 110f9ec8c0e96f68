"""`podshell gateway` and `podshell agent`: the parts alone, each from its own list of options. Each imports only itself."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import click

from podshell.agent.settings import AgentSettings
from podshell.cli.plain_text import visible
from podshell.gateway.settings import GatewaySettings
from podshell.launch.failures import LaunchError, file_failures, gateway_failures
from podshell.launch.logs import log_to_stderr
from podshell.launch.loops import run_loop
from podshell.launch.secret_files import write_secret
from podshell.launch.stops import stop_on_signals
from podshell.options import OptionError, add_options, load

# Libraries that tell of every connection and migration what nobody asks for.
_TALKATIVE = ("alembic", "picows", "uvicorn")


def _run(start: Callable[[], Coroutine[object, object, None]]) -> None:
    log_to_stderr(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)

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

    run_loop(until_stopped())


@click.command("gateway", help="Run the gateway alone. Prints a one-time sign-in link.")
@click.option("--cli-token-file", type=Path, default=None, metavar="FILE", help="Write a bearer token for the command line there (0600).")
@click.option(
    "--enrol", multiple=True, metavar="CLUSTER=FILE", help="Write a one-time token with which an agent joins CLUSTER to FILE (0600)."
)
def gateway_command(cli_token_file: Path | None, enrol: tuple[str, ...], **flags: object) -> None:
    try:
        settings = load(GatewaySettings, "gateway", flags)
        enrolments = [_enrolment(word) for word in enrol]
        _run(lambda: _gateway(settings, cli_token_file, enrolments))
    except (OptionError, LaunchError) as error:
        click.echo(f"podshell gateway: {error}", err=True)
        sys.exit(2)


def _enrolment(word: str) -> tuple[str, Path]:
    cluster, _, path = word.partition("=")
    if not cluster or not path:
        raise OptionError(f"--enrol {word!r} is not of the form CLUSTER=FILE")
    return cluster, Path(path)


async def _gateway(settings: GatewaySettings, cli_token_file: Path | None, enrolments: list[tuple[str, Path]]) -> None:
    from podshell.gateway.app import Gateway

    gateway = Gateway(settings)
    try:
        with gateway_failures(settings):
            await gateway.start()
        if cli_token_file is not None:
            with file_failures(str(cli_token_file)):
                await gateway.write_cli_token(cli_token_file)
        for cluster, path in enrolments:
            token = await gateway.make_enrolment(cluster)
            with file_failures(str(path)):
                write_secret(path, token.encode())
        click.echo(f"gateway at {gateway.url}")
        click.echo(f"sign in (once, within 5 minutes): {await gateway.make_signin_link()}")
        await asyncio.get_running_loop().create_future()
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
        _run(lambda: _agent(settings))
    except (OptionError, LaunchError) as error:
        click.echo(f"podshell agent: {visible(str(error))}", err=True)
        sys.exit(2)


async def _agent(settings: AgentSettings) -> None:
    from podshell.agent.main import StateUnusable, run_agent
    from podshell.kube.errors import KubeconfigError

    try:
        with file_failures(str(settings.gateway_ca_file or settings.state_dir)):
            await run_agent(settings, started=lambda: click.echo(f"agent of {settings.cluster}: linked"))
    except (KubeconfigError, StateUnusable, ValueError) as error:
        raise LaunchError(str(error)) from error


add_options(AgentSettings, "agent")(agent_command)
