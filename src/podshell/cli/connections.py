"""From kubectl's connection flags to a connection, and back into words when there is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from podshell.cli.durations import BadDuration, parse_duration
from podshell.cli.failures import FAILED, USAGE, CommandFailed
from podshell.cli.shell_values import Values
from podshell.kube.connection import Connection
from podshell.kube.errors import FlagsContradict, KubeconfigError
from podshell.kube.kubeconfig import load_connection
from podshell.kube.overrides import Overrides

if TYPE_CHECKING:
    from podshell.kube.rest import Client

# A request that ends; as the client itself has it.
REQUEST_SECONDS = 30.0


def load(values: Values, *, terminal: bool) -> Connection:
    """Return the connection that flags and kubeconfig describe. `terminal`: a credential plugin may ask the user.

    Raises:
        CommandFailed: there is none, with what to do.
    """
    file = values.text("kubeconfig")
    if file and not Path(file).expanduser().exists():
        raise CommandFailed(FAILED, f"there is no kubeconfig {file}", "correct --kubeconfig")
    try:
        return load_connection(
            files=[Path(file).expanduser()] if file else None,
            context=values.text("context"),
            environ=os.environ,
            terminal=terminal,
            overrides=overrides(values),
        )
    except FlagsContradict as error:
        raise CommandFailed(USAGE, str(error)) from error
    except KubeconfigError as error:
        raise CommandFailed(FAILED, str(error)) from error


def overrides(values: Values) -> Overrides:
    """Return what the flags change of the kubeconfig."""
    return Overrides(
        cluster=values.text("cluster"),
        user=values.text("user"),
        namespace=values.text("namespace"),
        server=values.text("server"),
        certificate_authority=values.text("certificate_authority"),
        tls_server_name=values.text("tls_server_name"),
        insecure_skip_tls_verify=values.flag("insecure_skip_tls_verify"),
        token=values.text("token"),
        client_certificate=values.text("client_certificate"),
        client_key=values.text("client_key"),
        as_user=values.text("as"),
        as_groups=values.words("as_group"),
        as_uid=values.text("as_uid"),
        as_extra=values.words("as_user_extra"),
        proxy_url=values.text("proxy_url"),
    )


def request_seconds(values: Values) -> float | None:
    """Return how long one request may take: --request-timeout as kubectl reads it; None is without limit.

    Raises:
        CommandFailed: it cannot be read.
    """
    text = values.text("request_timeout")
    if not text:
        return REQUEST_SECONDS
    if text in ("0", "0s"):
        return None
    try:
        return parse_duration(f"{text}s" if text.isdigit() else text)
    except BadDuration as error:
        raise CommandFailed(USAGE, f"--request-timeout: {error}", "a bare number is seconds, 0 is without limit") from error


def make_client(connection: Connection, values: Values, *, session: str = "") -> Client:
    """Return a client; `session` goes into the User-Agent, and so into the API server's audit."""
    from podshell.kube.rest import USER_AGENT, Client

    return Client(
        connection,
        user_agent=f"{USER_AGENT} session/{session}" if session else USER_AGENT,
        request_seconds=request_seconds(values),
        compressed=not values.flag("disable_compression"),
    )
