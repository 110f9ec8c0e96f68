"""`podshell doctor` and `kubectl shell doctor`: what a shell on a target needs, line by line, with a fix for each that is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from podshell.cli.failures import USAGE, CommandFailed
from podshell.cli.shell_command import click_option, exit_with, plain_flags
from podshell.cli.shell_options import OPTIONS, OptionRow, Section, Way
from podshell.cli.shell_targets import ShellTarget, TargetKind, parse_target

if TYPE_CHECKING:
    from podshell.cli.doctor_report import Line
    from podshell.cli.shell_values import Values

# A report with a failed line.
SOMETHING_FAILED = 1
# What decides whether a shell can be had; how it goes on then (--ttl, --detach-keys) does not.
_SECTIONS = (Section.CONTAINER, Section.HOST, Section.IMAGE, Section.GATEWAY, Section.CONNECTION)
ROWS: tuple[OptionRow, ...] = tuple(row for row in OPTIONS if row.section in _SECTIONS and row.key != "attach")


class DoctorCommand(click.Command):
    """Flags in Go's way, as the shell's own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, plain_flags(args))


def _callback(words: tuple[str, ...], output: str, config: str | None, **flags: object) -> None:
    exit_with(lambda: _run(words, output, flags, config))


def _run(words: tuple[str, ...], output: str, flags: dict[str, object], config: str | None) -> int:
    import os

    from podshell.cli.doctor_report import Verdict, as_json, as_table
    from podshell.cli.shell_values import read_values

    values = read_values(flags, os.environ, config)
    target = parse_target(words) if words else None
    gateway = bool(values.text("gateway"))
    check_rows(values, target, Way.GATEWAY if gateway else Way.DIRECT)
    lines = _check_through_gateway(values, target) if gateway else _check_directly(values, target)
    click.echo(as_json(lines) if output == "json" else as_table(lines))
    return SOMETHING_FAILED if any(line.verdict is Verdict.FAILED for line in lines) else 0


def check_rows(values: Values, target: ShellTarget | None, way: Way) -> None:
    """Refuse what has no meaning for the target or the way, as the shell itself would.

    Raises:
        CommandFailed: without a target: it has a meaning for neither kind.
    """
    from podshell.cli.shell_values import check_meaning

    kinds = list(TargetKind) if target is None else [target.kind]
    refused = []
    for kind in kinds:
        try:
            check_meaning(values, kind, way)
        except CommandFailed as failed:
            refused.append(failed)
    if len(refused) == len(kinds):
        raise refused[0]


def _check_directly(values: Values, target: ShellTarget | None) -> list[Line]:
    from podshell.cli import connections
    from podshell.cli.doctor_direct import DirectDoctor

    connection = connections.load(values, terminal=True)

    async def check() -> list[Line]:
        async with connections.make_client(connection, values) as client:
            return await DirectDoctor(client, values, target).check()

    return asyncio.run(check())


def _check_through_gateway(values: Values, target: ShellTarget | None) -> list[Line]:
    import os
    from pathlib import Path

    from podshell.cli.doctor_gateway import check_through_gateway
    from podshell.cli.doctor_report import Line, Verdict
    from podshell.cli.gateways import find_gateway
    from podshell.cli.shell_gateway import CURRENT, open_body

    url = values.text("gateway")
    token_file = Path(values.text("token_file")) if values.text("token_file") else None
    body = open_body(values, target, None) if target is not None else None
    try:
        gateway = find_gateway(None if url == CURRENT else url, token_file, os.environ)
    except CommandFailed as failed:
        if failed.code == USAGE:
            raise
        return [Line("gateway", Verdict.FAILED, failed.lines[0], "; ".join(failed.lines[1:]) or "name another with --gateway=URL")]
    return asyncio.run(check_through_gateway(gateway, body, values.text("cluster")))


doctor_command = DoctorCommand(
    "doctor",
    callback=_callback,
    help="Check what a shell on TARGET (or on any) needs, and say how to get what is missing. Reads only; creates nothing. It takes the"
    " options of the shell itself, and judges what they ask for; with --gateway it asks the gateway and the cluster's agent.",
    params=[
        click.Argument(["words"], nargs=-1, metavar="[NODE | pods/POD]"),
        click.Option(
            ["-o", "--output"], type=click.Choice(["table", "json"]), default="table", show_default=True, help="Format of the report."
        ),
        *map(click_option, ROWS),
        click.Option(["--config"], metavar="FILE", default=None, help="Configuration file, as the shell reads it."),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)
