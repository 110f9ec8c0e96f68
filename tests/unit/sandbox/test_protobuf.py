"""Protobuf bodies: what is in the table is read, what is not is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshell.sandbox import protobuf
from podshell.sandbox.statuses import StatusError


def field(number: int, content: bytes | int) -> bytes:
    """Encode one field; numbers below 128 suffice here."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


def enveloped(kind: bytes, raw: bytes) -> bytes:
    return b"k8s\0" + field(1, field(1, b"v1") + field(2, kind)) + field(2, raw) + field(3, b"") + field(4, b"")


def test_a_pod_is_read_with_its_volumes_maps_and_pointers() -> None:
    security = field(2, 1) + field(7, 0)
    container = field(1, b"debugger") + field(3, b"sh") + field(3, b"-c") + bytes([0x7A]) + bytes([len(security)])
    container += security
    volume = field(1, b"host-root") + field(2, field(1, field(1, b"/")))
    spec = field(1, volume) + field(2, container) + field(12, 1) + field(11, 0)
    labels = field(11, field(1, b"app") + field(2, b"x"))
    decoded = protobuf.decode(enveloped(b"Pod", field(1, field(1, b"p") + labels) + field(2, spec)))
    assert decoded["metadata"] == {"name": "p", "labels": {"app": "x"}}
    assert decoded["spec"]["volumes"] == [{"name": "host-root", "hostPath": {"path": "/"}}]
    assert decoded["spec"]["hostPID"] is True
    assert "hostNetwork" not in decoded["spec"]
    read = decoded["spec"]["containers"][0]
    assert read["command"] == ["sh", "-c"]
    assert read["securityContext"] == {"privileged": True, "allowPrivilegeEscalation": False}


@pytest.mark.parametrize("body", [enveloped(b"Secret", b""), enveloped(b"Pod", field(2, field(15, b"x")))])
def test_what_is_not_in_the_table_is_415(body: bytes) -> None:
    with pytest.raises(StatusError) as caught:
        protobuf.decode(body)
    assert caught.value.code == 415


@given(st.binary(max_size=60))
def test_garbage_is_a_refusal_and_nothing_else(garbage: bytes) -> None:
    for body in (garbage, b"k8s\0" + garbage, enveloped(b"Pod", garbage)):
        try:
            protobuf.decode(body)
        except StatusError as error:
            assert error.code in (400, 415)  # noqa: PT017  # the other outcome, an object, is allowed too
