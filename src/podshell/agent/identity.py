"""Who this agent is, and whose grants it believes: two files below its state folder that nobody else may read.

The key is made at the first start and proves the agent at every connect. The grant keys are those of the first WELCOME; later a set
counts only if it holds one that is pinned already (design.md 4).
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from podshell.wire.messages import Challenge, hello_proof

log = logging.getLogger(__name__)

_KEY_BYTES = 32
_LIMIT_PINS = 2


class StateUnusable(Exception):
    """A file of the agent's state must not or cannot be used; one sentence that names it and what to do."""


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """One life of one agent instance. `epoch` is new at each start."""

    cluster: str
    instance: str
    epoch: str
    key: Ed25519PrivateKey

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def prove(self, challenge: Challenge) -> bytes:
        """Sign what HELLO claims, for this connection."""
        return self.key.sign(hello_proof(challenge, self.cluster, self.instance, self.epoch, self.public_key))


def load_identity(state_dir: Path, cluster: str, instance: str = "") -> AgentIdentity:
    """Read the agent's key, or make one, and begin a new epoch.

    Raises:
        StateUnusable: the folder cannot be used, or others may read the key.
    """
    raw = _load_key(state_dir)
    key = Ed25519PrivateKey.from_private_bytes(raw)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return AgentIdentity(cluster, instance or f"agent-{hashlib.sha256(public).hexdigest()[:12]}", secrets.token_hex(8), key)


def _load_key(state_dir: Path) -> bytes:
    path = state_dir / "agent.key"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write(path, os.urandom(_KEY_BYTES))
        if path.stat().st_mode & 0o077:
            raise StateUnusable(f"{path} can be read by others: run chmod 600 {path}, or remove it and enrol the agent anew")
        raw = path.read_bytes()
    except OSError as error:
        raise StateUnusable(f"cannot use {path}: {error.strerror or error}") from error
    if len(raw) != _KEY_BYTES:
        raise StateUnusable(f"{path} holds no key: remove it and enrol the agent anew")
    return raw


def _write(path: Path, content: bytes) -> None:
    """Write a file that only we can read, whole or not at all."""
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class GrantPins:
    """The gateway's public keys whose grants count."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "grant-keys"
        self.keys: tuple[bytes, ...] = ()
        try:
            self.keys = tuple(bytes.fromhex(line) for line in self._path.read_text("ascii").split())
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            raise StateUnusable(f"cannot read {self._path}: {error}; remove it to trust the gateway's keys anew") from error

    def accept(self, keys: list[bytes]) -> bool:
        """Take the keys of a WELCOME; False when they are a stranger's."""
        wanted = tuple(keys[:_LIMIT_PINS])
        if wanted == self.keys:
            return True
        if not wanted or (self.keys and not set(wanted) & set(self.keys)):
            log.error(
                "the gateway's grant keys have changed and none is known: its grants are refused; if that is right, remove %s and restart",
                self._path,
            )
            return False
        _write(self._path, "\n".join(key.hex() for key in wanted).encode())
        log.info("the gateway's grant keys are pinned", extra={"keys": len(wanted), "first": not self.keys})
        self.keys = wanted
        return True
