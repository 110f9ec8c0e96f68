"""Runs what `kubectl shell` was asked for: reads the values, checks them, and goes the direct way or through the gateway."""

from __future__ import annotations

import os

from podshell.cli.detach_keys import BadKeys, parse_keys
from podshell.cli.failures import USAGE, CommandFailed
from podshell.cli.shell_command import Invocation
from podshell.cli.shell_options import Way
from podshell.cli.shell_targets import parse_target
from podshell.cli.shell_values import Values, check_meaning, read_values


def run(typed: Invocation) -> int:
    """Return the exit code.

    Raises:
        CommandFailed: what was asked cannot be, or failed.
    """
    values = read_values(typed.flags, os.environ, typed.config)
    target = parse_target(typed.words)
    way = Way.GATEWAY if values.text("gateway") else Way.DIRECT
    check_meaning(values, target.kind, way)
    keys = _keys(values)
    if typed.command == ():
        raise CommandFailed(USAGE, "there is no command after --", "name one, or leave out the --")
    if way is Way.GATEWAY:
        from podshell.cli.local_terminal import Choices, has_stdin
        from podshell.cli.shell_gateway import run_through_gateway

        choices = Choices(has_stdin(), keys, hints=not values.flag("no_hints"))
        return run_through_gateway(values, target, typed.command, choices)
    from podshell.cli.direct import run_direct

    return run_direct(values, target, typed.command, keys)


def _keys(values: Values) -> bytes:
    try:
        return parse_keys(values.text("detach_keys"))
    except BadKeys as error:
        raise CommandFailed(USAGE, f"{values.given['detach_keys'].origin}: {error}") from error
