"""`kubectl shell`, `kubectl podshell`, `podshell shell`: one command, made of the rows of shell_options.py.

Here are words and help only. It must start fast (bench/startup.py): nothing heavy is imported before it is known what to do;
shell_run.py does it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import click

from podshell.cli.durations import format_duration
from podshell.cli.failures import CommandFailed
from podshell.cli.plain_text import visible
from podshell.cli.shell_options import OPTIONS, Kind, OptionRow, Section

SHORT_HELP = "[EXPERIMENTAL] Open a shell on a node, or inside a pod, from an image with tools."
_ABOUT = (
    "[EXPERIMENTAL] Open a shell on a node, or inside a pod's network, from an image with networking and tracing tools. Flags and"
    " behaviour may change."
)
_WHERE = (
    "Without --gateway it uses your own kubeconfig and your own rights. What it creates is removed when you leave, and ends by itself 60 s"
    " after this program is gone."
)
_TARGETS = (
    ("NODE, node/NODE", "a node: its network, and with --profile host or systemd its files and services"),
    ("-n NS pods/POD", "a pod: its network; with --target CONTAINER also that container's processes"),
)
# S2's recipes, in its order. The page docs/how-to/debug-and-node-shells.md has the same.
EXAMPLES = (
    ("a shell on a node (root network namespace)", "{name} node001"),
    ("a shell inside a pod (pod network namespace)", "{name} -n kube-system pods/coredns-d459997b4-7cpzx"),
    ("iptables and nft", "{name} node001 --capabilities NET_ADMIN,NET_RAW"),
    ("the node's files, read-only at /host", "{name} node001 --mount-host-filesystem"),
    ("chroot /host", "{name} node001 --mount-host-filesystem --capabilities SYS_CHROOT"),
    ("chroot /host systemctl status", "{name} node001 --profile systemd"),
    ("bpftool, bpftrace", "{name} node001 --profile trace"),
    ("a root shell in the node itself", "{name} node001 --enter"),
    ("one command, with its exit code", "{name} -n shop pods/cart-0 -- dig +short payments"),
    ("more time to start", "{name} --timeout 10m node001"),
)
SUBCOMMANDS = {
    "doctor": ("podshell.cli.doctor_command", "doctor_command", "Check what a shell needs, and say how to get it."),
    "gc": ("podshell.cli.gc_command", "gc_command", "List what earlier shells left behind; --delete removes it."),
    "completion": ("podshell.cli.completion_command", "completion_command", "Print the completion script for bash, zsh or fish."),
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """What was typed: `command` None means an interactive shell, anything after -- is one command."""

    words: tuple[str, ...]
    command: tuple[str, ...] | None
    flags: Mapping[str, object]
    config: str | None


class ShellCommand(click.Command):
    """The command, with -- and Go's ways of writing flags, and its sub-commands before anything else."""

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object) -> click.Context:
        at = first_word(args)
        if at is not None and args[at] in SUBCOMMANDS:
            return subcommand(args[at]).make_context(f"{info_name} {args[at]}", [*args[:at], *args[at + 1 :]], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before, command = split_command(args)
        ctx.meta["podshell.command"] = command
        return super().parse_args(ctx, plain_flags(before))

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_help(ctx.command_path, formatter)


def subcommand(name: str) -> click.Command:
    """Import a sub-command."""
    import importlib

    module, attribute, _ = SUBCOMMANDS[name]
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    return command


def first_word(args: list[str]) -> int | None:
    """Return where the first word stands that is no flag and no flag's value; None: there is none before --."""
    takes_value = {name for row in OPTIONS if row.kind is not Kind.FLAG for name in (row.flag, f"-{row.short}", *row.old_flags)}
    skip = False
    for at, word in enumerate(args):
        if skip:
            skip = False
        elif word == "--":
            return None
        elif not word.startswith("-") or word == "-":
            return at
        elif word == "--gateway":  # its value is left out (plain_flags), or an address
            skip = at + 1 < len(args) and "://" in args[at + 1]
        else:
            skip = word in takes_value or word == "--config"
    return None


def split_command(args: list[str]) -> tuple[list[str], tuple[str, ...] | None]:
    """Take off what follows the first --."""
    if "--" not in args:
        return args, None
    at = args.index("--")
    return args[:at], tuple(args[at + 1 :])


def plain_flags(args: list[str]) -> list[str]:
    """Turn Go's --flag=true, --flag=false, -x=VALUE and --gateway without a value into what click reads."""
    flags = {row.flag: row for row in OPTIONS if row.kind is Kind.FLAG} | {
        f"-{row.short}": row for row in OPTIONS if row.kind is Kind.FLAG and row.short
    }
    plain: list[str] = []
    for number, word in enumerate(args):
        name, equals, value = word.partition("=")
        row = flags.get(name)
        if word == "--gateway":
            follower = args[number + 1] if number + 1 < len(args) else ""
            plain.append(word if "://" in follower else "--gateway=current")
        elif row is None or not equals:
            plain.append(_without_equals(word))
        elif row.key == "dry_run" and value in ("client", "none"):
            plain.append(_written(row, value == "client"))
        elif value.lower() in ("true", "1", "t"):
            plain.append(_written(row, True))
        elif value.lower() in ("false", "0", "f"):
            plain.append(_written(row, False))
        elif row.key == "dry_run":
            raise click.UsageError(f"--dry-run={value}: only the client's dry run exists here; write --dry-run.")
        else:
            raise click.UsageError(f"{word}: {name} is true or false.")
    return plain


_SHORT = {row.short: row for row in OPTIONS if row.short}


def _without_equals(word: str) -> str:
    """Take out the = between a short flag and its value, also at the end of several: -n=shop, -mc=NET_RAW (pflag, parseSingleShortArg)."""
    if word.startswith("--") or not word.startswith("-"):
        return word
    for at, letter in enumerate(word[1:], 1):
        row = _SHORT.get(letter)
        if row is None:
            return word
        if row.kind is not Kind.FLAG:
            return word[: at + 1] + word[at + 1 :].removeprefix("=")
    return word


def _written(row: OptionRow, value: bool) -> str:
    return row.flag if value else opposite(row)


def opposite(row: OptionRow) -> str:
    """The form of a flag that says no."""
    return f"--{row.name.removeprefix('no-')}" if row.name.startswith("no-") else f"--no-{row.name}"


def click_option(row: OptionRow) -> click.Option:
    """Make the click option of a row; values stay text, shell_values.py reads them."""
    shorts = [f"-{row.short}"] if row.short else []
    if row.kind is Kind.FLAG:
        return click.Option([*shorts, f"{row.flag}/{opposite(row)}", row.key], default=None, help=row.help)
    return click.Option(
        [*shorts, row.flag, *row.old_flags, row.key],
        default=None,
        type=click.STRING,
        multiple=row.kind is Kind.WORDS,
        metavar=metavar(row),
        help=row.help,
    )


def metavar(row: OptionRow) -> str:
    return row.metavar or "|".join(row.choices) or "TEXT"


def shown_default(row: OptionRow) -> str:
    """How a default is written in help and reference; "" for none."""
    if isinstance(row.default, float):
        return format_duration(row.default)
    return row.default if isinstance(row.default, str) else ""


def write_help(name: str, formatter: click.HelpFormatter) -> None:
    """Write the help: targets, options by section, sub-commands, examples, environment."""
    formatter.write_usage(name, "(NODE | node/NODE | -n NAMESPACE pods/POD) [OPTIONS] [-- COMMAND...]")
    for text in (_ABOUT, _WHERE):
        formatter.write_paragraph()
        formatter.write_text(text)
    with formatter.section("Targets"):
        formatter.write_dl(list(_TARGETS))
    with formatter.section("Sub-commands"):
        formatter.write_dl([(f"{name} {word}", text) for word, (_, _, text) in SUBCOMMANDS.items()])
    with formatter.section("Examples"):
        for what, line in EXAMPLES:
            formatter.write(f"{'':{formatter.current_indent}}# {what}\n{'':{formatter.current_indent}}{line.format(name=name)}\n")
    for section in Section:
        with formatter.section(section.value):
            formatter.write_dl([(_declaration(row), _described(row)) for row in OPTIONS if row.section is section and not row.refused])
    with formatter.section("Other"):
        formatter.write_dl(
            [
                ("--config FILE", "YAML file with any of these but those of the connection; default: ~/.config/podshell/shell.yaml."),
                ("-h, --help", "Show this and exit."),
            ]
        )
    formatter.write_paragraph()
    formatter.write_text(
        "A flag counts before its environment variable ($PODSHELL_SHELL_ and its name), that before the file, that before the default."
    )


def _declaration(row: OptionRow) -> str:
    short = f"-{row.short}, " if row.short else ""
    return f"{short}{row.flag}" + ("" if row.kind is Kind.FLAG else f" {metavar(row)}")


def _described(row: OptionRow) -> str:
    default = f" [default: {shown_default(row)}]" if shown_default(row) else ""
    named = f" [env: {row.env}]" if row.env else ""
    return row.help + default + named


def _callback(words: tuple[str, ...], config: str | None, **flags: object) -> None:
    context = click.get_current_context()
    typed = Invocation(words, context.meta["podshell.command"], flags, config)
    exit_with(lambda: _run(typed))


def _run(typed: Invocation) -> int:
    from podshell.cli.shell_run import run

    return run(typed)


def exit_with(work: Callable[[], int]) -> None:
    """Do the work and exit with its code; say why it failed."""
    try:
        code = work()
    except CommandFailed as failed:
        for line in failed.lines:
            click.echo(f"podshell: {visible(line)}", err=True)
        code = failed.code
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    sys.exit(code)


shell_command = ShellCommand(
    "shell",
    callback=_callback,
    params=[
        click.Argument(["words"], nargs=-1, metavar="TARGET"),
        *(click_option(row) for row in OPTIONS),
        click.Option(["--config"], metavar="FILE", default=None),
    ],
    short_help=SHORT_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
