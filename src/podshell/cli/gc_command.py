"""`kubectl shell gc`: what shells of ours left behind, listed, and with --delete removed. Only what carries our label.

Another user's shell that may still be in use is deleted with --all only.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from podshell.cli.doctor_command import DoctorCommand as FlagsCommand
from podshell.cli.failures import FAILED, CommandFailed
from podshell.cli.plain_text import visible, visible_json
from podshell.cli.shell_command import click_option, exit_with
from podshell.cli.shell_options import CONNECTION

if TYPE_CHECKING:
    from podshell.cli.leftovers import Leftover
    from podshell.kube.rest import Client

# Something could not be deleted.
SOMETHING_FAILED = 1


def _callback(delete: bool, everything: bool, output: str, config: str | None, **flags: object) -> None:
    exit_with(lambda: _run(delete or everything, everything, output, flags, config))


def _run(delete: bool, everything: bool, output: str, flags: dict[str, object], config: str | None) -> int:
    import os

    from podshell.cli import connections
    from podshell.cli.shell_values import read_values
    from podshell.kube.errors import KubeError

    values = read_values(flags, os.environ, config)
    connection = connections.load(values, terminal=True)
    client = connections.make_client(connection, values)
    try:
        found, failed = asyncio.run(_collect(client, values.text("namespace"), delete=delete, everything=everything))
    except KubeError as error:
        raise CommandFailed(FAILED, str(error), "name a namespace in which you may list pods: -n") from error
    click.echo(_json(found) if output == "json" else _table(found, delete))
    for line in failed:
        click.echo(f"podshell: {visible(line)}", err=True)
    return SOMETHING_FAILED if failed else 0


async def _collect(client: Client, namespace: str, *, delete: bool, everything: bool) -> tuple[list[Leftover], list[str]]:
    from podshell.cli.leftovers import CONTAINER, find_leftovers, remove_leftover
    from podshell.kube.errors import KubeError
    from podshell.kube.self_review import own_name

    async with client:
        user = await own_name(client) or client.connection.user_name
        found, failed = await find_leftovers(client, namespace)
        for one in found if delete else ():
            if one.kind == CONTAINER:
                continue
            if not (everything or one.is_over() or one.user == user):
                failed.append(
                    f"{one.kind} {one.namespace}/{one.name} is {one.user or 'somebody'}'s and may be in use: --all deletes it, too"
                )
                continue
            try:
                await remove_leftover(client, one)
            except KubeError as error:
                failed.append(f"{one.kind} {one.namespace}/{one.name} was not deleted: {error}")
        return found, failed


def _json(found: list[Leftover]) -> str:
    import msgspec

    return visible_json(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _table(found: list[Leftover], delete: bool) -> str:
    if not found:
        return "nothing of ours is left"
    rows = [
        ("KIND", "NAMESPACE", "NAME", "NODE", "USER", "STATE", "AGE", "ENDS"),
        *([visible(word) for word in one.row()] for one in found),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if not delete:
        lines.append("a shell that is in use is listed, too; --delete ends your own, --all everybody's")
    return "\n".join(lines)


gc_command = FlagsCommand(
    "gc",
    callback=_callback,
    help="List the node pods, Jobs and debug containers that shells of Podshell made and that are still there. Without -n: in all"
    " namespaces. Debug containers cannot be removed from their pods, and end by themselves.",
    params=[
        click.Option(["--delete"], is_flag=True, help="Delete what is over, and your own."),
        click.Option(["--all", "everything"], is_flag=True, help="Delete others' as well, also shells that are in use."),
        click.Option(
            ["-o", "--output"], type=click.Choice(["table", "json"]), default="table", show_default=True, help="Format of the list."
        ),
        *map(click_option, CONNECTION),
        click.Option(["--config"], metavar="FILE", default=None, help="Configuration file, as the shell reads it."),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)
