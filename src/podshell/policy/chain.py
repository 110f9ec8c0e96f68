"""The hash chain of the audit: each row's hash covers its content and the hash before it, so that a change shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

# What the first row has as its previous hash.
GENESIS = "0" * 64

_ENCODER = msgspec.json.Encoder(order="sorted")


def chain_hash(previous_hash: str, content: Mapping[str, object]) -> str:
    """Return the hash of a row (hex SHA-256) from the hash before it and its other columns."""
    return hashlib.sha256(b"podshell-audit-v1\0" + previous_hash.encode() + b"\0" + _ENCODER.encode(content)).hexdigest()


def first_break(rows: Iterable[Mapping[str, object]], previous_hash: str = GENESIS) -> int | None:
    """Return the sequence of the first row that does not follow the one before it; None when the chain holds.

    Rows are ordered by `sequence` and have all columns, `previous_hash` and `hash` among them.
    """
    expected: int | None = None
    for row in rows:
        sequence = row["sequence"]
        assert isinstance(sequence, int)
        content = {name: value for name, value in row.items() if name not in ("hash", "previous_hash")}
        missing = expected is not None and sequence != expected
        if missing or row["previous_hash"] != previous_hash or row["hash"] != chain_hash(previous_hash, content):
            return sequence
        previous_hash = str(row["hash"])
        expected = sequence + 1
    return None
