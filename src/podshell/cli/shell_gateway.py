"""`kubectl shell --gateway`: a debug or node session through the gateway, shown by the viewer that `podshell exec` uses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from podshell.cli.api import Api, DebugBody, OpenBody, Refused, Unreachable
from podshell.cli.exec_session import ExecSession
from podshell.cli.exits import failure_of
from podshell.cli.failures import FAILED, USAGE, CommandFailed
from podshell.cli.gateways import Gateway, find_gateway
from podshell.cli.local_terminal import STDIN, STDOUT, Choices
from podshell.cli.plain_text import visible
from podshell.cli.raw_mode import is_terminal, terminal_size
from podshell.cli.shell_image import choose_image
from podshell.cli.shell_targets import ShellTarget, TargetKind
from podshell.cli.shell_values import Values
from podshell.cli.targets import ask_on_pod

T = TypeVar("T")

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
    body = open_body(values, target, command)
    if values.flag("dry_run"):
        return asyncio.run(_show_plan(gateway, body, values.text("output")))
    return asyncio.run(_open_and_show(gateway, body, choices))


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
    # what the environment and the file say is for one's own kubeconfig: a cluster behind the gateway has an image of its own
    wants_image = any(values.typed(key) for key in ("image", "image_repo", "image_version"))
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


async def _show_plan(gateway: Gateway, body: OpenBody, form: str) -> int:
    """Print what the cluster's agent would make; what it means, and what would refuse it, are said beside.

    Raises:
        CommandFailed: it would be refused, after the manifest is printed; or the gateway does not answer.
    """
    api = Api(gateway)
    with _in_words():
        plan = await (ask_on_pod(api, body, api.plan) if body.pod else _ask_on_node(api, body, api.plan))
    sys.stdout.write(plan.manifest if form == "yaml" else _as_json(plan.manifest))
    sys.stdout.flush()
    for risk in plan.risks:
        sys.stderr.write(f"podshell: {visible(risk)}\n")
    if plan.refusal is not None:
        raise failure_of(plan.refusal)
    return 0


def _as_json(manifest: str) -> str:
    import yaml

    return msgspec.json.format(msgspec.json.encode(yaml.safe_load(manifest)), indent=2).decode() + "\n"


async def _open_and_show(gateway: Gateway, body: OpenBody, choices: Choices) -> int:
    api = Api(gateway)
    body.tty = choices.stdin and is_terminal(STDIN) and is_terminal(STDOUT)
    body.cols, body.rows = (terminal_size(STDOUT, STDIN) if body.tty else None) or (80, 24)
    with _in_words():
        opened = await (ask_on_pod(api, body, api.open_session) if body.pod else _ask_on_node(api, body, api.open_session))
    return await ExecSession(api, gateway, opened.session, choices, ticket=opened.ticket).run()


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise failure_of(error.refusal) from error
    except Unreachable as error:
        raise CommandFailed(FAILED, str(error), "is podshell up, or the gateway, running?") from error


async def _ask_on_node(api: Api, body: OpenBody, ask: Callable[[OpenBody], Awaitable[T]]) -> T:
    if not body.cluster:
        clusters = [row.name for row in await api.clusters()]
        if not clusters:
            raise CommandFailed(FAILED, "the gateway knows no cluster", "enrol an agent first")
        if len(clusters) > 1:
            raise CommandFailed(USAGE, f"the gateway has several clusters: {', '.join(clusters)}", "choose one with --cluster")
        body.cluster = clusters[0]
    return await ask(body)
