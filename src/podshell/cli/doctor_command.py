"""`podshell doctor` and `kubectl shell doctor`: what a shell on a target needs, line by line, with a fix for each that is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from podshell.cli.failures import FAILED, CommandFailed
from podshell.cli.plain_text import visible, visible_json
from podshell.cli.shell_command import click_option, exit_with, plain_flags
from podshell.cli.shell_options import BY_KEY, CONNECTION, OptionRow

if TYPE_CHECKING:
    from podshell.cli.doctor_checks import Line
    from podshell.cli.shell_targets import ShellTarget
    from podshell.cli.shell_values import Values
    from podshell.kube.rest import Client

# A report with a failed line.
SOMETHING_FAILED = 1
_ROWS: tuple[OptionRow, ...] = (*CONNECTION, *(BY_KEY[key] for key in ("image", "image_repo", "image_version", "debug_namespace")))
_MARKS = {"ok": "ok", "warning": "WARN", "failed": "FAIL", "unknown": "?"}


class DoctorCommand(click.Command):
    """Flags in Go's way, as the shell's own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, plain_flags(args))


def _callback(words: tuple[str, ...], output: str, config: str | None, **flags: object) -> None:
    exit_with(lambda: _run(words, output, flags, config))


def _run(words: tuple[str, ...], output: str, flags: dict[str, object], config: str | None) -> int:
    import os

    from podshell.cli import connections
    from podshell.cli.shell_targets import parse_target
    from podshell.cli.shell_values import read_values
    from podshell.kube.errors import KubeError

    values = read_values(flags, os.environ, config)
    target = parse_target(words) if words else None
    connection = connections.load(values, terminal=True)
    try:
        lines = asyncio.run(_check(connections.make_client(connection, values), values, target))
    except KubeError as error:
        raise CommandFailed(FAILED, str(error)) from error
    click.echo(_json(lines) if output == "json" else _table(lines))
    return SOMETHING_FAILED if any(line.verdict == "failed" for line in lines) else 0


async def _check(client: Client, values: Values, target: ShellTarget | None) -> list[Line]:
    from podshell.cli import doctor_checks as checks
    from podshell.cli.shell_targets import TargetKind

    async with client:
        lines = await checks.check_server(client)
        if lines[0].verdict is checks.Verdict.FAILED:
            return lines
        lines += await checks.check_clock(client)
        namespace = client.connection.namespace
        own = values.text("debug_namespace") or namespace
        wants_pod = target is None or target.kind is TargetKind.POD
        wants_node = target is None or target.kind is TargetKind.NODE
        rights = [(right, namespace) for right in checks.RIGHTS_POD if wants_pod] + [
            (right, own) for right in checks.RIGHTS_NODE if wants_node
        ]
        lines += await checks.check_rights(client, list(dict.fromkeys(rights)))
        lines += await checks.check_namespace(client, namespace, node=False) if wants_pod else []
        lines += await checks.check_namespace(client, own, node=True) if wants_node else []
        image, image_lines = _image(values)
        node = target.name if target is not None else ""
        if target is not None and target.kind is TargetKind.POD:
            pod_lines, node = await checks.check_pod(client, namespace, target.name)
            lines += pod_lines
        lines += image_lines
        return lines + (await checks.check_node(client, node, image) if node else [])


def _image(values: Values) -> tuple[str, list[Line]]:
    from podshell.cli.doctor_checks import Line, Verdict
    from podshell.cli.shell_image import choose_image

    try:
        image = choose_image(values)
    except CommandFailed as failed:
        return "", [Line("image", Verdict.FAILED, failed.lines[0], "; or ".join(failed.lines[1:]))]
    return image, [Line("image", Verdict.OK, f"shells run {image}")]


def _json(lines: list[Line]) -> str:
    import msgspec

    return visible_json(msgspec.json.format(msgspec.json.encode(lines), indent=2).decode())


def _table(lines: list[Line]) -> str:
    width = max(len(line.check) for line in lines)
    rows = []
    for line in lines:
        rows.append(f"{_MARKS[line.verdict]:4}  {line.check:{width}}  {visible(line.text)}")
        if line.fix and line.verdict != "ok":
            rows.append(f"{'':4}  {'':{width}}  -> {visible(line.fix)}")
    return "\n".join(rows)


doctor_command = DoctorCommand(
    "doctor",
    callback=_callback,
    help="Check what a shell on TARGET (or on any) needs, and say how to get what is missing. Reads only; creates nothing.",
    params=[
        click.Argument(["words"], nargs=-1, metavar="[NODE | pods/POD]"),
        click.Option(["-o", "--output"], type=click.Choice(["table", "json"]), default="table", show_default=True),
        *map(click_option, _ROWS),
        click.Option(["--config"], metavar="FILE", default=None),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)
