"""`podshell exec`: a shell, or one command, in a running container, through the gateway. Options here; the work is in exec_session.py."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from podshell.cli.api import OpenBody


@click.command(
    "exec",
    help="Open a shell, or run a command, in a running container. (Windows containers: untested.)",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("target", metavar="pods/POD", required=False)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.option("--cluster", metavar="CLUSTER", default="", help="Cluster; needed when several have the pod.")
@click.option("-n", "--namespace", metavar="NAMESPACE", default="default", show_default=True, help="Namespace of the pod.")
@click.option("-c", "--container", metavar="CONTAINER", default="", help="Container; needed when the pod has several.")
@click.option("-i/-I", "--stdin/--no-stdin", "stdin", default=None, help="Pass standard input on; by default when there is one.")
@click.option("-t/-T", "--tty/--no-tty", "tty", default=None, help="Give the command a terminal; by default when we have one.")
@click.option("--reason", metavar="TEXT", default="", help="Why; kept in the audit.")
@click.option("--session", metavar="ID", default="", help="Come back to a session that was left running.")
@click.option("--detach-keys", metavar="KEYS", default="ctrl-p,ctrl-q", show_default=True, help='Keys that leave it running; "" for none.')
@click.option("--gateway", metavar="URL", default=None, help="Gateway; default: $PODSHELL_GATEWAY, or what podshell up runs.")
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=None,
    help="Bearer token for it; default: $PODSHELL_TOKEN_FILE.",
)
def exec_command(
    target: str | None,
    command: tuple[str, ...],
    cluster: str,
    namespace: str,
    container: str,
    stdin: bool | None,
    tty: bool | None,
    reason: str,
    session: str,
    detach_keys: str,
    gateway: str | None,
    token_file: Path | None,
) -> None:
    from podshell.cli.api import OpenBody
    from podshell.cli.failures import CommandFailed
    from podshell.cli.plain_text import visible

    if bool(target) == bool(session):
        raise click.UsageError("Name a pod, or a session with --session; not both.")
    try:
        body = OpenBody(cluster, namespace, _pod(target), container=container, command=list(command), reason=reason)
        code = asyncio.run(_run(body, session, stdin, tty, _keys(detach_keys), gateway, token_file))
    except CommandFailed as failed:
        for line in failed.lines:
            click.echo(f"podshell: {visible(line)}", err=True)
        code = failed.code
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    sys.exit(code)


def _pod(target: str | None) -> str:
    from podshell.cli.targets import pod_name

    return pod_name(target) if target else ""


def _keys(text: str) -> bytes:
    from podshell.cli.detach_keys import BadKeys, parse_keys

    try:
        return parse_keys(text)
    except BadKeys as error:
        raise click.UsageError(str(error)) from error


async def _run(
    body: OpenBody, session: str, stdin: bool | None, tty: bool | None, keys: bytes, gateway_url: str | None, token_file: Path | None
) -> int:
    from podshell.cli.api import Api, Refused, Unreachable
    from podshell.cli.exec_session import ExecSession
    from podshell.cli.exits import failure_of
    from podshell.cli.failures import FAILED, CommandFailed
    from podshell.cli.gateways import find_gateway
    from podshell.cli.local_terminal import STDIN, STDOUT, Choices, has_stdin
    from podshell.cli.raw_mode import is_terminal, terminal_size
    from podshell.cli.targets import ask_on_pod

    gateway = find_gateway(gateway_url, token_file, os.environ)
    api = Api(gateway)
    try:
        if session:
            row, ticket = await api.session(session), None
        else:
            body.tty = tty if tty is not None else stdin is not False and is_terminal(STDIN) and is_terminal(STDOUT)
            body.cols, body.rows = (terminal_size(STDOUT, STDIN) if body.tty else None) or (80, 24)
            opened = await ask_on_pod(api, body, api.open_session)
            row, ticket = opened.session, opened.ticket
    except Refused as error:
        raise failure_of(error.refusal) from error
    except Unreachable as error:
        raise CommandFailed(FAILED, str(error), "is podshell up, or the gateway, running?") from error
    choices = Choices(stdin if stdin is not None else has_stdin(), keys)
    return await ExecSession(api, gateway, row, choices, ticket=ticket, joining=bool(session)).run()
