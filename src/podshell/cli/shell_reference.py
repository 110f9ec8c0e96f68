"""Writes docs/reference/shell.md from the rows of shell_options.py: `python -m podshell.launch.reference shell`. Pure."""

from __future__ import annotations

from podshell.cli.shell_command import metavar, shown_default
from podshell.cli.shell_options import BOTH, OPTIONS, Kind, OptionRow, Section, Way

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
    return "\n".join(lines) + "\n"


def _row(row: OptionRow) -> str:
    value = "" if row.kind is Kind.FLAG else f" {metavar(row)}".replace("|", "\\|")
    flags = "<br>".join(f"`{flag}`" for flag in (f"{f'-{row.short}, ' if row.short else ''}{row.flag}{value}", *row.old_flags))
    environment = "<br>".join(f"`{name}`" for name in row.environment)
    default = f"`{shown_default(row)}`" if shown_default(row) else ""
    target = "both" if row.targets == BOTH else " ".join(sorted(row.targets))
    way = "both" if row.ways == frozenset(Way) else " ".join(sorted(row.ways))
    what = f"Not accepted: {row.refused}." if row.refused else row.help
    return f"| {flags} | {environment} | {default} | {target} | {way} | {what} |"
