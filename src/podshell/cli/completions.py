"""What may come next on a command line: `kubectl_complete-shell`, and the shells that `podshell completion` prints a script for.

The protocol is kubectl's for plugins (cobra's `__complete`): the arguments are the words so far, the last one being typed; each line of
output is one candidate, with a tab and a description where there is one; the last line is `:` and a directive. It never says why it knows
nothing: a message in the middle of a prompt helps nobody, and `kubectl shell` itself will tell.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from podshell import __version__
from podshell.cli.failures import CommandFailed
from podshell.cli.shell_command import SUBCOMMANDS, click_option, plain_flags, split_command
from podshell.cli.shell_options import BY_KEY, OPTIONS, Kind, OptionRow
from podshell.cli.shell_values import Values, read_values

if TYPE_CHECKING:
    from podshell.kube.kubeconfig import Kubeconfig

T = TypeVar("T")
# cobra's ShellCompDirective: nothing special; no space after it; do not fall back to file names.
DEFAULT, NO_SPACE, NO_FILES = 0, 2, 4
ANSWER_SECONDS = 3.0
_LIMIT = 500
_FILES = frozenset({"kubeconfig", "certificate_authority", "client_certificate", "client_key", "token_file"})
_CAPABILITIES = (
    "NET_ADMIN", "NET_RAW", "SYS_CHROOT", "SYS_ADMIN", "SYS_PTRACE", "SYS_RESOURCE", "BPF", "PERFMON", "MKNOD", "SYSLOG", "IPC_LOCK",
)  # fmt: skip


class Candidates:
    """An answer: candidates with descriptions, and the directive."""

    def __init__(self, words: Sequence[str] = (), directive: int = NO_FILES, descriptions: dict[str, str] | None = None) -> None:
        self.words = list(words)
        self.directive = directive
        self.descriptions = descriptions or {}

    def starting_with(self, prefix: str) -> Candidates:
        return Candidates([word for word in self.words if word.startswith(prefix)], self.directive, self.descriptions)

    def lines(self) -> list[str]:
        described = self.descriptions
        return [f"{word}\t{described[word]}" if word in described else word for word in self.words] + [f":{self.directive}"]


def complete(words: Sequence[str], environ: dict[str, str]) -> Candidates:
    """Return what the last of `words` may become. Asks the cluster where names of it are wanted."""
    *before, current = words or [""]
    if before and before[0] in SUBCOMMANDS:
        return _complete_subcommand(before, current)
    if "--" in before:
        return Candidates(directive=DEFAULT)  # a command in the container: nobody here knows its files
    if (row := _awaiting(before)) is not None:
        return _complete_value(row, before, current, environ)
    name, equals, value = current.partition("=")
    if equals and name.startswith("--") and (row := BY_KEY.get(name[2:].replace("-", "_"))) is not None:
        found = _complete_value(row, before, value, environ)
        return Candidates([f"{name}={word}" for word in found.words], found.directive)
    if current.startswith("-"):
        flags = {row.flag: row.help for row in OPTIONS if not row.refused}
        return Candidates(list(flags), NO_FILES, flags).starting_with(current)
    return _complete_target(before, current, environ)


def _complete_subcommand(before: Sequence[str], current: str) -> Candidates:
    if before[0] == "completion":
        return Candidates(["bash", "zsh", "fish"]).starting_with(current)
    if current.startswith("-"):
        import click

        from podshell.cli.shell_command import subcommand

        flags = [flag for param in subcommand(before[0]).params if isinstance(param, click.Option) for flag in param.opts]
        return Candidates([flag for flag in flags if flag.startswith("--")]).starting_with(current)
    return Candidates()


def _awaiting(before: Sequence[str]) -> OptionRow | None:
    """The option whose value is being typed."""
    last = before[-1] if before else ""
    for row in OPTIONS:
        if row.kind is not Kind.FLAG and row.key != "gateway" and (last == row.flag or (row.short and last == f"-{row.short}")):
            return row
    return None


def _complete_value(row: OptionRow, before: Sequence[str], current: str, environ: dict[str, str]) -> Candidates:
    if row.choices:
        return Candidates(row.choices).starting_with(current)
    if row.key in _FILES:
        return Candidates(directive=DEFAULT)
    if row.key == "capabilities":
        head, comma, last = current.rpartition(",")
        found = [f"{head}{comma}{one}" for one in _CAPABILITIES if one.startswith(last) and one not in head.split(",")]
        return Candidates(found, NO_FILES | NO_SPACE)
    if (read := _FROM_CLUSTER.get(row.key)) is not None:
        return _quietly(lambda: Candidates(read(_values(before, environ), before))).starting_with(current)
    return Candidates()


def _complete_target(before: Sequence[str], current: str, environ: dict[str, str]) -> Candidates:
    if _positionals(before):
        return Candidates()
    kind, slash, _ = current.partition("/")
    if slash and kind in ("pod", "pods", "po"):
        return _quietly(lambda: Candidates([f"{kind}/{name}" for name in _pods(_values(before, environ), before)])).starting_with(current)
    if slash:
        return _quietly(lambda: Candidates([f"{kind}/{name}" for name in _nodes(_values(before, environ), before)])).starting_with(current)
    kinds = Candidates(["pods/", "node/"], NO_FILES | NO_SPACE).starting_with(current)
    if kinds.words and current:
        return kinds
    nodes = _quietly(lambda: Candidates(_nodes(_values(before, environ), before)))
    described = {} if before else {word: text for word, (_, _, text) in SUBCOMMANDS.items()}
    directive = NO_FILES if current else NO_FILES | NO_SPACE
    return Candidates([*nodes.words, *kinds.words, *described], directive, described).starting_with(current)


def _positionals(before: Sequence[str]) -> list[str]:
    found: list[str] = []
    takes_value = {f for row in OPTIONS if row.kind is not Kind.FLAG for f in (row.flag, f"-{row.short}")} - {"--gateway", "-"}
    skip = False
    for word in before:
        if skip or word.startswith("-"):
            skip = not skip and word in takes_value
        else:
            found.append(word)
    return found


def _values(before: Sequence[str], environ: dict[str, str]) -> Values:
    """The values of the flags so far; what is not complete or wrong yet is left out."""
    import click

    command = click.Command("shell", params=[click.Argument(["words"], nargs=-1), *map(click_option, OPTIONS)])
    command.params.append(click.Option(["--config"], default=None))
    context = command.make_context("shell", plain_flags(split_command(list(before))[0]), resilient_parsing=True)
    return read_values(context.params, environ, context.params.get("config"))


def _quietly(read: Callable[[], Candidates]) -> Candidates:
    import click

    from podshell.kube.errors import KubeError

    try:
        return read()
    except (KubeError, CommandFailed, click.ClickException):
        return Candidates()


def _get(values: Values, path: str, kind: type[T], accept: str) -> T:
    import asyncio

    from podshell.cli.connections import load
    from podshell.kube.quick_read import read_quickly, request_headers

    connection = load(values, terminal=False)
    headers = asyncio.run(request_headers(connection, f"podshell/{__version__}"))
    return read_quickly(connection, headers, path, kind, seconds=ANSWER_SECONDS, accept=accept)


def _names(values: Values, path: str) -> list[str]:
    from podshell.kube.quick_read import METADATA_ONLY, NamedList

    listed = _get(values, f"{path}?limit={_LIMIT}", NamedList, METADATA_ONLY)
    return [item.metadata.name for item in listed.items or ()]


def _nodes(values: Values, before: Sequence[str]) -> list[str]:
    return _names(values, "/api/v1/nodes")


def _namespaces(values: Values, before: Sequence[str]) -> list[str]:
    return _names(values, "/api/v1/namespaces")


def _pods(values: Values, before: Sequence[str]) -> list[str]:
    return _names(values, f"{_namespace_path(values)}/pods")


def _containers(values: Values, before: Sequence[str]) -> list[str]:
    from podshell.kube.objects import Pod

    pods = [word.partition("/")[2] for word in _positionals(before) if word.startswith("po")]
    if len(pods) != 1:
        return []
    pod = _get(values, f"{_namespace_path(values)}/pods/{pods[0]}", Pod, "application/json")
    return [container.name for container in pod.spec.containers]


def _namespace_path(values: Values) -> str:
    from urllib.parse import quote

    from podshell.cli.connections import load

    namespace = values.text("namespace") or load(values, terminal=False).namespace
    return f"/api/v1/namespaces/{quote(namespace, safe='')}"


def _contexts(values: Values, before: Sequence[str]) -> list[str]:
    return list(_kubeconfig(values).contexts)


def _clusters(values: Values, before: Sequence[str]) -> list[str]:
    return list(_kubeconfig(values).clusters)


def _users(values: Values, before: Sequence[str]) -> list[str]:
    return list(_kubeconfig(values).users)


def _kubeconfig(values: Values) -> Kubeconfig:
    from pathlib import Path

    from podshell.kube.kubeconfig import find_files, merge_files

    return merge_files([Path(values.text("kubeconfig"))] if values.text("kubeconfig") else find_files())


_FROM_CLUSTER: dict[str, Callable[[Values, Sequence[str]], list[str]]] = {
    "namespace": _namespaces,
    "debug_namespace": _namespaces,
    "target": _containers,
    "context": _contexts,
    "cluster": _clusters,
    "user": _users,
}


def main() -> None:
    """Answer kubectl; the entry point of `kubectl_complete-shell`."""
    import os

    for line in complete(sys.argv[1:], dict(os.environ)).lines():
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
