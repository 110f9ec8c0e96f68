"""What may come next after `podshell`: its commands, their flags, and for `shell` what completions.py knows."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from podshell.cli.completions import NO_FILES, Candidates, complete

# The word that the scripts of completion_command.py call the program with, as cobra's do.
HIDDEN_COMMAND = "__complete"


def complete_program(program: click.Command, words: Sequence[str]) -> Candidates:
    """Return what the last of `words`, all after the program's name, may become."""
    if not isinstance(program, click.Group):
        return complete(words, dict(os.environ))
    with click.Context(program) as context:
        if len(words) <= 1:
            names = program.list_commands(context)
            return Candidates(names, NO_FILES).starting_with(words[0] if words else "")
        if words[0] == "shell":
            return complete(words[1:], dict(os.environ))
        command = program.get_command(context, words[0])
    if command is None or not words[-1].startswith("-"):
        return Candidates(directive=0)
    flags = [flag for param in command.params if isinstance(param, click.Option) for flag in (*param.opts, *param.secondary_opts)]
    return Candidates([flag for flag in flags if flag.startswith("--")]).starting_with(words[-1])


def answer_if_asked(program: click.Command, arguments: Sequence[str]) -> bool:
    """Answer `PROGRAM __complete WORDS...`; returns whether that was it."""
    if not arguments or arguments[0] != HIDDEN_COMMAND:
        return False
    for line in complete_program(program, arguments[1:]).lines():
        sys.stdout.write(line + "\n")
    return True
