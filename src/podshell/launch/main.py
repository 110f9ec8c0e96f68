"""The `podshell` program: its commands, each imported only when it is asked for."""

from __future__ import annotations

import gc
import importlib
import sys

import click

from podshell import __version__

# name -> (module, attribute, one line of help); the line stands here so that `podshell --help` imports nothing else
COMMANDS = {
    "up": ("podshell.launch.up", "up_command", "Run gateway, console and agent for you on this machine."),
    "exec": ("podshell.cli.exec_command", "exec_command", "Open a shell, or run a command, in a running container."),
    "shell": ("podshell.cli.shell_command", "shell_command", "[EXPERIMENTAL] Open a shell on a node, or inside a pod, with tools."),
    "doctor": ("podshell.cli.doctor_command", "doctor_command", "Check what shells need in a cluster, and say how to get it."),
    "completion": ("podshell.cli.completion_command", "completion_command", "Print the completion script for bash, zsh or fish."),
    "gateway": ("podshell.launch.parts", "gateway_command", "Run the gateway alone."),
    "agent": ("podshell.launch.parts", "agent_command", "Run the agent of one cluster alone."),
    "sandbox": ("podshell.sandbox.main", "sandbox_command", "Run sandbox clusters alone."),
}
# Those that run for long. What their start makes stays: the collector would go through all of it again and again (half a second in `up`).
SERVERS = ("up", "gateway", "agent")


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="podshell")
def podshell() -> None:
    """Interactive shells in the pods of Kubernetes clusters, from a browser or a terminal."""


def main() -> None:
    """Run the program; the entry point of the wheel."""
    if sys.argv[1:2] == ["__complete"]:
        from podshell.cli.program_completions import answer_if_asked

        answer_if_asked(podshell, sys.argv[1:])
        return
    if sys.argv[1:2] and sys.argv[1] in SERVERS:
        gc.disable()  # until it has started (loops.py)
    sys.exit(podshell(standalone_mode=True))


if __name__ == "__main__":
    main()
