"""Why Podshell cannot start, in one sentence: the commands print it and end with code 2."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podshell.gateway.settings import GatewaySettings


class LaunchError(Exception):
    """Podshell cannot start; the text is one clear sentence. Ends with code 2."""


@contextmanager
def file_failures(what: str) -> Iterator[None]:
    """Turn an error of the file system into one that names the file, or `what` when the system does not name it.

    Raises:
        LaunchError: the block raised OSError.
    """
    try:
        yield
    except OSError as error:
        raise LaunchError(f"cannot use {error.filename or what}: {error.strerror or error}") from error


@contextmanager
def gateway_failures(settings: GatewaySettings) -> Iterator[None]:
    """Turn what a gateway's start can raise into one sentence.

    Raises:
        LaunchError: the port, the address, a file, the key or the database cannot be used.
    """
    from alembic.util.exc import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    from podshell.gateway.keys import KeyUnusable
    from podshell.gateway.origins import OriginInvalid

    port = settings.port
    try:
        yield
    except (KeyUnusable, OriginInvalid) as error:
        raise LaunchError(str(error)) from error
    except (SQLAlchemyError, CommandError) as error:
        why = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise LaunchError(
            f"the database {settings.database_path} cannot be used ({why}): move it away to begin a new one, or choose another --state-dir"
        ) from error
    except OverflowError as error:
        raise LaunchError(f"port {port} is none: choose one from 1 to 65535 with --port, or 0 for any") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(f"port {port} is taken; choose another one with --port, or 0 for any") from error
        if error.filename is None:  # files have a name in their errors, addresses none
            raise LaunchError(
                f"cannot listen at {settings.host} port {port} ({error.strerror or error}): choose another address or --port"
            ) from error
        raise LaunchError(f"cannot use {error.filename}: {error.strerror or error}") from error
