"""`kubectl shell` without a gateway: the connection, the first look, and the run. `--dry-run` prints what would be made."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from podshell import __version__
from podshell.cli import connections
from podshell.cli.failures import FAILED, CommandFailed
from podshell.cli.first_look import FirstLook, node_path, pod_path
from podshell.cli.shell_request import resolve_options
from podshell.cli.shell_targets import ShellTarget, TargetKind
from podshell.cli.shell_values import Values
from podshell.cli.survivor import Survivor
from podshell.kube.entering import entering
from podshell.kube.errors import KubeError
from podshell.kube.objects import Node, Pod

if TYPE_CHECKING:
    from podshell.cli.direct_run import Workplace
    from podshell.cli.local_terminal import Choices
    from podshell.kube.connection import Connection
    from podshell.kube.debug_options import ResolvedOptions
    from podshell.kube.rest import Client


def run_direct(values: Values, target: ShellTarget, command: tuple[str, ...] | None, keys: bytes) -> int:
    """Open a shell of our own and show it; returns the exit code.

    Raises:
        CommandFailed: it cannot be, or failed.
    """
    options = resolve_options(values, target.kind)
    if values.flag("dry_run"):
        sys.stdout.write(dry_run(values, target, options, command or ()))
        return 0
    connection = connections.load(values, terminal=True)
    session = os.urandom(8).hex()
    agent = f"podshell/{__version__} session/{session}"
    seconds = connections.request_seconds(values) or connections.REQUEST_SECONDS
    open_client = partial(connections.make_client, connection, values, session=session)
    survivor = Survivor.fork(open_client, session) if target.kind is TargetKind.NODE else None  # before there are threads
    try:
        try:
            look = _look(connection, target, agent, seconds)
        except KubeError as error:
            raise CommandFailed(FAILED, str(error)) from error
        from podshell.cli.local_terminal import Choices, has_stdin

        choices = Choices(has_stdin(), keys, hints=not values.flag("no_hints"))
        return asyncio.run(_run(_Asked(values, target, command or (), options, session, look, survivor), open_client, choices))
    finally:
        if survivor is not None:
            survivor.close()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one run is about."""

    values: Values
    target: ShellTarget
    command: tuple[str, ...]
    options: ResolvedOptions
    session: str
    look: FirstLook[Node] | FirstLook[Pod]
    survivor: Survivor | None


def _look(connection: Connection, target: ShellTarget, agent: str, seconds: float) -> FirstLook[Node] | FirstLook[Pod]:
    if target.kind is TargetKind.NODE:
        return FirstLook(connection, node_path(target.name), Node, user_agent=agent, seconds=seconds)
    return FirstLook(connection, pod_path(connection.namespace, target.name), Pod, user_agent=agent, seconds=seconds)


async def _run(asked: _Asked, open_client: Callable[[], Client], choices: Choices) -> int:
    from podshell.cli.direct_run import DirectRun
    from podshell.cli.local_terminal import STDIN, STDOUT, LocalTerminal
    from podshell.cli.raw_mode import is_terminal

    tty = choices.stdin and is_terminal(STDIN) and is_terminal(STDOUT)
    async with open_client() as client:
        return await DirectRun(_place(client, asked, tty), LocalTerminal(choices, tty=tty)).run()


def _place(client: Client, asked: _Asked, tty: bool) -> Workplace:
    from podshell.cli.direct_node import NodePlace
    from podshell.cli.direct_place import Wish
    from podshell.cli.direct_pod import PodPlace

    values, options = asked.values, asked.options
    wish = Wish(
        options,
        entering(asked.command) if options.enter else asked.command,
        tty,
        values.seconds("timeout"),
        asked.session,
        keep_on_failure=values.flag("keep_on_failure"),
        attach=values.flag("attach"),
    )
    name, namespace = asked.target.name, client.connection.namespace
    if asked.survivor is not None:
        return NodePlace(client, wish, name, node_namespace(values, namespace), asked.look, asked.survivor)  # type: ignore[arg-type]
    return PodPlace(client, wish, name, namespace, asked.look)  # type: ignore[arg-type]


def node_namespace(values: Values, of_context: str) -> str:
    """Where a node pod is made: --debug-namespace, else -n, else the context's."""
    return values.text("debug_namespace") or of_context


def dry_run(values: Values, target: ShellTarget, options: ResolvedOptions, command: tuple[str, ...]) -> str:
    """Return what would be sent to the API server.

    Nothing is asked: a node's runtime, whose sockets are masked, is not known, nor whether exec is allowed (else as with --attach).
    """
    from podshell.kube import manifests
    from podshell.kube.attached_shells import attached_command
    from podshell.kube.waiter import waiter_command
    from podshell.kube.windows_shells import waiting_command

    try:
        context_namespace = connections.load(values, terminal=False).namespace
    except CommandFailed:
        context_namespace = values.text("namespace") or "default"
    if options.os == "windows":
        making = manifests.Making("SESSION", "USER", waiting_command(options.ttl_seconds), time.time(), attached=True)
    elif values.flag("attach"):
        wanted, tty = entering(command) if options.enter else command, not command
        first = attached_command("NONCE", wanted, ttl_seconds=options.ttl_seconds, tty=tty)
        making = manifests.Making("SESSION", "USER", first, time.time(), attached=True, tty=tty)
    else:
        making = manifests.Making("SESSION", "USER", waiter_command(options.ttl_seconds), time.time(), key="KEY")
    if target.kind is TargetKind.NODE:
        name = manifests.node_pod_name(target.name, manifests.random_suffix())
        facts = manifests.NodeFacts(target.name)
        made = manifests.node_pod(options, making, facts, name=name, namespace=node_namespace(values, context_namespace))
    else:
        made = manifests.ephemeral_patch(manifests.ephemeral_container(options, making, name=manifests.debug_container_name()))
    if values.text("output") == "json":
        import msgspec

        return msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"
    import yaml

    return yaml.safe_dump(made, sort_keys=False, default_flow_style=False)
