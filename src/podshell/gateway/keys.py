"""The grant key: an Ed25519 private key in a 0600 file, never in the database (design.md 4). Agents pin its public half."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_RAW_BYTES = 32


class KeyUnusable(Exception):
    """The key file is there but must not be used. The text says why."""


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """Read the key of 32 raw bytes, or make it when there is no file.

    Raises:
        KeyUnusable: others may read it, or it is no key.
        OSError: it cannot be read or written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _load_key(path)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes_raw())
        file.flush()
        os.fsync(file.fileno())
    return key


def _load_key(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise KeyUnusable(f"{path} can be read by others: run chmod 600 {path}, or remove it to make a new key")
    raw = path.read_bytes()
    if len(raw) != _RAW_BYTES:
        raise KeyUnusable(f"{path} holds no key: remove it to make a new one")
    return Ed25519PrivateKey.from_private_bytes(raw)


def public_bytes(key: Ed25519PublicKey) -> bytes:
    """Return the 32 raw bytes of a public key."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
