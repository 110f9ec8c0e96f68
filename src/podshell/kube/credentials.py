"""Sources of bearer tokens that are not plugins: fixed, and from a file that rotates.

`exec_plugin.py` has the plugins. Tokens are kept in memory only and never logged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from podshell.kube.errors import KubeconfigError

# Projected tokens are renewed at 80 % of their life, which is an hour: once a minute is early enough, and what client-go does.
TOKEN_FILE_SECONDS = 60.0


class StaticToken:
    """A token that never changes."""

    def __init__(self, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}

    async def headers(self) -> Mapping[str, str]:
        """Return the token's header."""
        return self._headers

    def invalidate(self) -> None:
        """Do nothing: there is no other."""


class TokenFile:
    """A token in a file, read again every 60 s and after a 401.

    `on_read` is called at each new look at the file, for what rotates together with it.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_read: Callable[[], None] | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._on_read = on_read
        self._token = ""
        self._read_at: float | None = None

    async def headers(self) -> Mapping[str, str]:
        """Return the header of the newest token that could be read.

        Raises:
            KubeconfigError: nothing was ever read.
        """
        now = self._clock()
        if self._read_at is None or now - self._read_at >= TOKEN_FILE_SECONDS:
            self._read(now)
        return {"Authorization": f"Bearer {self._token}"}

    def invalidate(self) -> None:
        """Read the file again at the next request."""
        self._read_at = None

    def _read(self, now: float) -> None:
        if self._on_read is not None:
            self._on_read()
        try:
            token = self._path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            # In the middle of a rotation the old token is still good.
            if self._token:
                return
            raise KubeconfigError(
                f"cannot read the token file {self._path} ({_cause(error)}): make it readable, or name another one"
            ) from error
        if not token and not self._token:
            raise KubeconfigError(f"the token file {self._path} is empty: write a token into it, or name another one")
        self._token = token or self._token
        self._read_at = now


def _cause(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not text"
    return error.strerror or type(error).__name__
