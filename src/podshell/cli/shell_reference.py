"""Writes docs/reference/shell.md from the rows of shell_options.py and the sub-commands: `python -m podshell.launch.reference shell`."""

from __future__ import annotations

import inspect

import click

from podshell.cli.shell_command import SUBCOMMANDS, metavar, shown_default, subcommand
from podshell.cli.shell_options import BOTH, BY_KEY, OPTIONS, Kind, OptionRow, Section, Way

_HEAD = """# kubectl shell

Made by `python -m podshell.launch.reference shell`. `kubectl shell`, `kubectl podshell` and `podshell shell` are one program;
[how to use it](../how-to/debug-and-node-shells.md), [its exit codes](exit-codes.md).

**EXPERIMENTAL: flags and behaviour may change in future versions.**

A flag counts before its environment variable, that before the configuration file (`--config`, `$PODSHELL_SHELL_CONFIG`, or
`~/.config/podshell/shell.yaml`: YAML, the same names), that before the default. Flags that are true or false have a second form,
`--no-...`, and can be written `--flag=false`. An option that has no meaning for the target, or not with (or without) `--gateway`, is an
error wherever it came from. Names in the second line of a cell are those of `kubectl retina shell`, which are understood too.
"""


def reference_page() -> str:
    """Write the page."""
    lines = [_HEAD.rstrip("\n")]
    for section in Section:
        lines += ["", f"## {section.value}", "", "| flag | environment | default | target | way | what |", "|---|---|---|---|---|---|"]
        lines += [_row(row) for row in OPTIONS if row.section is section]
    lines += ["", "## Sub-commands"]
    for name in SUBCOMMANDS:
        lines += _subcommand_lines(name, subcommand(name))
    return "\n".join(lines) + "\n"


def _subcommand_lines(name: str, command: click.Command) -> list[str]:
    """Write what a sub-command does, its own flags, and which of the shell's it takes, with their meaning there."""
    arguments = [f" {param.make_metavar(click.Context(command))}" for param in command.params if isinstance(param, click.Argument)]
    lines = ["", f"### kubectl shell {name}{''.join(arguments)}", ""]
    about, _, verbatim = inspect.cleandoc(command.help or "").partition("\b\n")
    lines.append(about.strip())
    if verbatim:
        block, _, rest = verbatim.partition("\n\n")
        lines += ["", "```", block.rstrip(), "```", "", rest.strip()]
    options = [param for param in command.params if isinstance(param, click.Option)]
    own = [option for option in options if option.name not in BY_KEY or option.name == "output"]
    if own:
        lines += ["", "| flag | default | what |", "|---|---|---|", *map(_own_row, own)]
    sections = {BY_KEY[option.name].section: None for option in options if option.name in BY_KEY and option not in own}
    lines += ["", "It takes options of the shell, with the same meaning:", ""] if sections else []
    for section in sections:
        taken = [row for row in OPTIONS if row.section is section and row.key in {option.name for option in options}]
        every = len(taken) == len([row for row in OPTIONS if row.section is section])
        flags = "all" if every else ", ".join(f"`{row.flag}`" for row in taken)
        lines += [f"- {section.value}: {flags}"]
    return lines


def _own_row(option: click.Option) -> str:
    choices = "|".join(option.type.choices) if isinstance(option.type, click.Choice) else option.metavar or ""
    value = f" {choices}".replace("|", "\\|") if choices else ""
    default = f"`{option.default}`" if isinstance(option.default, str) else ""
    return f"| `{', '.join(option.opts)}{value}` | {default} | {option.help or ''} |"


def _row(row: OptionRow) -> str:
    value = "" if row.kind is Kind.FLAG else f" {metavar(row)}".replace("|", "\\|")
    flags = "<br>".join(f"`{flag}`" for flag in (f"{f'-{row.short}, ' if row.short else ''}{row.flag}{value}", *row.old_flags))
    environment = "<br>".join(f"`{name}`" for name in row.environment)
    default = f"`{shown_default(row)}`" if shown_default(row) else ""
    target = "both" if row.targets == BOTH else " ".join(sorted(row.targets))
    way = "both" if row.ways == frozenset(Way) else " ".join(sorted(row.ways))
    what = f"Not accepted: {row.refused}." if row.refused else row.help
    return f"| {flags} | {environment} | {default} | {target} | {way} | {what} |"
