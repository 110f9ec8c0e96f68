"""Grants: altered, foreign, expired and replayed ones are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from podshell.policy.grants import LIFETIME_MS, Grant, GrantRefused, sign_grant, verify_grant

KEY = Ed25519PrivateKey.generate()
KEYS = [KEY.public_key().public_bytes_raw()]
NOW_MS = 1_700_000_000_000
GRANT = Grant("g" * 32, "attach", "ada", "lab", "agent-1", "e1", NOW_MS, NOW_MS + LIFETIME_MS, session="s1")
GOOD: dict[str, Any] = {"operation": "attach", "cluster": "lab", "instance": "agent-1", "epoch": "e1", "now_ms": NOW_MS, "session": "s1"}
SIGNED = sign_grant(GRANT, KEY)


def test_a_grant_is_good_where_and_when_it_was_made_for() -> None:
    assert verify_grant(SIGNED, KEYS, **GOOD) == GRANT


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_any_altered_byte_is_noticed(position: int, change: int) -> None:
    altered = bytearray(SIGNED)
    altered[position] ^= change
    with pytest.raises(GrantRefused):
        verify_grant(bytes(altered), KEYS, **GOOD)


@given(st.binary(max_size=300))
def test_rubbish_is_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(GrantRefused):
        verify_grant(data, KEYS, **GOOD)


@pytest.mark.parametrize(
    "other",
    [
        {"operation": "open"},
        {"operation": "observe"},
        {"cluster": "other"},
        {"instance": "agent-2"},
        {"epoch": "e2"},
        {"session": "s2"},
        {"now_ms": NOW_MS + LIFETIME_MS},
        {"now_ms": NOW_MS - LIFETIME_MS - 1},
    ],
    ids=lambda other: "-".join(map(str, other)),
)
def test_a_grant_is_void_elsewhere_and_at_another_time(other: dict[str, Any]) -> None:
    with pytest.raises(GrantRefused):
        verify_grant(SIGNED, KEYS, **{**GOOD, **other})


def test_a_grant_of_another_gateway_is_refused() -> None:
    foreign = sign_grant(GRANT, Ed25519PrivateKey.generate())
    with pytest.raises(GrantRefused, match="not signed"):
        verify_grant(foreign, KEYS, **GOOD)
    with pytest.raises(GrantRefused):
        verify_grant(SIGNED, [], **GOOD)


def test_a_signature_of_something_else_is_no_grant() -> None:
    payload = msgspec.msgpack.encode(GRANT)
    with pytest.raises(GrantRefused):
        verify_grant(payload + KEY.sign(payload), KEYS, **GOOD)


def test_unknown_fields_are_not_accepted() -> None:
    payload = msgspec.msgpack.encode({**msgspec.structs.asdict(GRANT), "admin": True})
    with pytest.raises(GrantRefused, match="parse"):
        verify_grant(payload + KEY.sign(b"podshell-grant-v1\0" + payload), KEYS, **GOOD)
