"""Which gateway the command line talks to, and the token it shows there.

In order: `--gateway` and `--token-file`, `$PODSHELL_GATEWAY` and `$PODSHELL_TOKEN_FILE`, and what `podshell up` wrote to
`current.json` in the state folder. A token goes to the gateway it was made for and to no other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from podshell.cli.failures import FAILED, USAGE, CommandFailed

_MAX_FILE_BYTES = 64 * 1024
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway's address, such as http://127.0.0.1:8642, and our token. `repr` does not show the token."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"Gateway({self.url!r})"


class _Current(Struct):
    gateway: str
    token_file: str


class _TokenFile(Struct):
    token: str
    gateway: str = ""


def find_gateway(url: str | None, token_file: Path | None, environ: Mapping[str, str]) -> Gateway:
    """Find the gateway and the token for it.

    Raises:
        CommandFailed: none is known, a file cannot be read, or the token is for another gateway.
    """
    named = url or environ.get("PODSHELL_GATEWAY", "")
    file = token_file or (Path(environ["PODSHELL_TOKEN_FILE"]) if environ.get("PODSHELL_TOKEN_FILE") else None)
    token_gateway = ""
    if file is None:
        current = _read_current(environ)
        file, token_gateway = Path(current.token_file), current.gateway
    token = _read_token(file)
    token_gateway = token.gateway or token_gateway
    wanted = _normal(named or token_gateway)
    if token_gateway and _normal(token_gateway) != wanted:
        raise CommandFailed(
            USAGE, f"the token in {file} is for {token_gateway}, not for {wanted}", "name the file with the token for it: --token-file"
        )
    return Gateway(wanted, token.token)


def _read_current(environ: Mapping[str, str]) -> _Current:
    state = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".local" / "state")
    path = Path(state) / "podshell" / "current.json"
    try:
        return msgspec.json.decode(path.read_bytes()[:_MAX_FILE_BYTES], type=_Current)
    except FileNotFoundError:
        raise CommandFailed(
            FAILED, "no gateway is known on this machine", "start one with podshell up, or name one with --gateway and --token-file"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise CommandFailed(FAILED, f"{path} cannot be read: {error}", "start podshell up again") from error


def _read_token(path: Path) -> _TokenFile:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise CommandFailed(FAILED, f"the token file {path} cannot be read: {error.strerror}", "is podshell up running?") from error
    if mode & 0o077:
        raise CommandFailed(FAILED, f"other users may read the token file {path}", f"make it private: chmod 600 {path}")
    try:
        if data.lstrip().startswith(b"{"):
            return msgspec.json.decode(data, type=_TokenFile)
        text = data.decode("ascii").strip()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandFailed(FAILED, f"the token file {path} holds no token") from error
    if not text or len(text.split()) != 1:
        raise CommandFailed(FAILED, f"the token file {path} holds no token")
    return _TokenFile(text)


def _normal(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.path not in ("", "/"):
        raise CommandFailed(USAGE, f"{url!r} is not the address of a gateway", "it looks like https://podshell.example.com")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise CommandFailed(USAGE, f"{url} would send your token unencrypted", "use https")
    return f"{parts.scheme}://{parts.netloc.lower()}"
