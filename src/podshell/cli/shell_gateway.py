"""`kubectl shell --gateway`: a debug or node session through the gateway, shown by the viewer that `podshell exec` uses."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from podshell.cli.api import Api, DebugBody, OpenBody, Opened, Refused, Unreachable
from podshell.cli.exec_session import ExecSession
from podshell.cli.exits import failure_of
from podshell.cli.failures import FAILED, USAGE, CommandFailed
from podshell.cli.gateways import Gateway, find_gateway
from podshell.cli.local_terminal import STDIN, STDOUT, Choices
from podshell.cli.raw_mode import is_terminal, terminal_size
from podshell.cli.shell_image import choose_image
from podshell.cli.shell_targets import ShellTarget, TargetKind
from podshell.cli.shell_values import Values
from podshell.cli.targets import open_on_pod

# What `--gateway` without a value stands for (shell_command.plain_flags).
CURRENT = "current"


def run_through_gateway(values: Values, target: ShellTarget, command: tuple[str, ...] | None, choices: Choices) -> int:
    """Open the session and show it; returns the exit code.

    Raises:
        CommandFailed: there is no gateway, or it refused.
    """
    url = values.text("gateway")
    token_file = Path(values.text("token_file")) if values.text("token_file") else None
    gateway = find_gateway(None if url == CURRENT else url, token_file, os.environ)
    return asyncio.run(_open_and_show(gateway, open_body(values, target, command), choices))


def open_body(values: Values, target: ShellTarget, command: tuple[str, ...] | None) -> OpenBody:
    """Return what the gateway is asked for: only what was given, the rest is the cluster's own.

    Raises:
        CommandFailed: the image that was named is none.
    """
    is_pod = target.kind is TargetKind.POD
    body = OpenBody(values.text("cluster"), values.text("namespace") or "default" if is_pod else "", target.name if is_pod else "")
    body.kind = "debug" if is_pod else "node"
    body.node = "" if is_pod else target.name
    body.command = list(command or ())
    body.reason = values.text("reason")
    body.debug = _debug(values)
    return body


def _debug(values: Values) -> DebugBody:
    wants_image = any(values.was_given(key) for key in ("image", "image_repo", "image_version"))
    return DebugBody(
        profile=values.text("profile"),
        capabilities=list(values.words("capabilities")),
        image=choose_image(values) if wants_image else "",
        pull_policy=values.text("pull_policy"),
        target=values.text("target"),
        mount_host=values.flag("mount_host_filesystem") or values.flag("allow_host_filesystem_write"),
        host_write=values.flag("allow_host_filesystem_write"),
        host_pid=values.flag("host_pid"),
        enter=values.flag("enter"),
        seccomp_unconfined=values.flag("seccomp_unconfined"),
        apparmor_unconfined=values.flag("apparmor_unconfined"),
        system=values.text("os") if values.was_given("os") else "",
        ttl_seconds=_whole_seconds(values, "ttl"),
        start_seconds=_whole_seconds(values, "timeout"),
    )


def _whole_seconds(values: Values, key: str) -> int | None:
    return max(1, round(values.seconds(key))) if values.was_given(key) else None


async def _open_and_show(gateway: Gateway, body: OpenBody, choices: Choices) -> int:
    api = Api(gateway)
    body.tty = choices.stdin and is_terminal(STDIN) and is_terminal(STDOUT)
    body.cols, body.rows = (terminal_size(STDOUT, STDIN) if body.tty else None) or (80, 24)
    try:
        opened = await (open_on_pod(api, body) if body.pod else _open_on_node(api, body))
    except Refused as error:
        raise failure_of(error.refusal) from error
    except Unreachable as error:
        raise CommandFailed(FAILED, str(error), "is podshell up, or the gateway, running?") from error
    return await ExecSession(api, gateway, opened.session, choices, ticket=opened.ticket).run()


async def _open_on_node(api: Api, body: OpenBody) -> Opened:
    if not body.cluster:
        clusters = [row.name for row in await api.clusters()]
        if not clusters:
            raise CommandFailed(FAILED, "the gateway knows no cluster", "enrol an agent first")
        if len(clusters) > 1:
            raise CommandFailed(USAGE, f"the gateway has several clusters: {', '.join(clusters)}", "choose one with --cluster")
        body.cluster = clusters[0]
    return await api.open_session(body)
