"""Grants: the gateway's signed, short-lived permission for one operation on one agent instance and epoch (design.md 4).

The gateway signs, the agent verifies; both sides of the format live here. Pure: keys, bytes and the time are arguments. A grant is
msgpack of `Grant` followed by a 64-byte Ed25519 signature over b"podshell-grant-v1\\0" and that msgpack. Its single use is the
verifier's to remember (`Grant.id`, until `expires_ms`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

_CONTEXT = b"podshell-grant-v1\0"
_SIGNATURE_BYTES = 64
# A grant is used at once; 30 s covers a slow link and leaves a thief little.
LIFETIME_MS = 30_000

Name = Annotated[str, Meta(max_length=253)]


class Grant(Struct, frozen=True, forbid_unknown_fields=True):
    """What is permitted, to whom, where, and until when (Unix milliseconds by the gateway's clock).

    `operation`: open, plan, attach, observe, record, close, view, and later kinds of action. `kind`: of the session that is opened
    or planned. `options_sha256` binds the parameters of a call (SHA-256 of its msgpack); empty where there are none.
    """

    id: Annotated[str, Meta(min_length=16, max_length=64)]
    operation: Annotated[str, Meta(max_length=32)]
    user: Name
    cluster: Name
    instance: Name
    epoch: Name
    issued_ms: int
    expires_ms: int
    session: Annotated[str, Meta(max_length=64)] = ""
    kind: Annotated[str, Meta(max_length=16)] = ""
    namespace: Name = ""
    pod: Name = ""
    container: Name = ""
    node: Name = ""
    options_sha256: Annotated[bytes, Meta(max_length=32)] = b""


class GrantRefused(Exception):
    """A grant does not permit what it was shown for. The text says why and is safe to show."""


_DECODER = msgspec.msgpack.Decoder(Grant)


def sign_grant(grant: Grant, key: Ed25519PrivateKey) -> bytes:
    """Build the bytes that travel in Call.grant and Attach.grant."""
    payload = msgspec.msgpack.encode(grant)
    return payload + key.sign(_CONTEXT + payload)


def verify_grant(
    data: bytes, keys: Iterable[bytes], *, operation: str, cluster: str, instance: str, epoch: str, now_ms: int, session: str = ""
) -> Grant:
    """Check a grant for one use here and now. `keys`: raw public keys that count; `now_ms`: our clock, corrected to the gateway's.

    Raises:
        GrantRefused: altered, expired, not yet valid, for something or somewhere else, or signed by nobody we know.
    """
    payload, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    if not any(_signed_by(key, payload, signature) for key in keys):
        raise GrantRefused("the grant is not signed by this agent's gateway")
    try:
        grant = _DECODER.decode(payload)
    except msgspec.DecodeError as error:
        raise GrantRefused("the grant does not parse") from error
    if grant.cluster != cluster or grant.instance != instance or grant.epoch != epoch:
        raise GrantRefused("the grant is for another agent or for an earlier life of this one")
    if grant.operation != operation:
        raise GrantRefused(f"the grant permits {grant.operation}, not {operation}")
    if session and grant.session != session:
        raise GrantRefused("the grant is for another session")
    if now_ms >= grant.expires_ms:
        raise GrantRefused("the grant has expired")
    if grant.issued_ms - now_ms > LIFETIME_MS:
        raise GrantRefused("the grant is from the future: the clocks differ")
    return grant


def _signed_by(key: bytes, payload: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _CONTEXT + payload)
    except (InvalidSignature, ValueError):
        return False
    return True
