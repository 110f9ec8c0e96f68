from __future__ import annotations

import json

import pytest

from podshell.sandbox.streams.channels import (
    Subprotocol,
    describe_exit,
    describe_refusal,
    describe_success,
    negotiate,
)

V5, V4, V1 = (Subprotocol(name) for name in ("v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"))


@pytest.mark.parametrize(
    ("offer", "chosen"),
    [
        (None, ""),
        ("v5.channel.k8s.io, v4.channel.k8s.io", "v5.channel.k8s.io"),
        ("v4.channel.k8s.io, v5.channel.k8s.io", "v5.channel.k8s.io"),
        ("bogus.k8s.io, v5.channel.k8s.io", "v5.channel.k8s.io"),
        ("v4.base64.channel.k8s.io", "v4.base64.channel.k8s.io"),
    ],
)
def test_v5_wins_wherever_it_stands(offer: str | None, chosen: str) -> None:
    assert negotiate(offer) == Subprotocol(chosen)


@pytest.mark.parametrize("offer", ["bogus.k8s.io", "v3.channel.k8s.io, v2.channel.k8s.io"])
def test_what_containerd_does_not_speak_is_refused(offer: str) -> None:
    assert negotiate(offer) is None


def test_the_text_of_an_exit_code_depends_on_the_path() -> None:
    v5, v4 = (json.loads(describe_exit(protocol, ["sh", "-c", "exit 7"], 7)) for protocol in (V5, V4))
    prefix = "command terminated with non-zero exit code: "
    assert v5["message"] == prefix + "command terminated with exit code 7"
    assert v4["message"] == prefix + "error executing command [sh -c exit 7], exit code 7"
    assert v5["details"] == v4["details"] == {"causes": [{"reason": "ExitCode", "message": "7"}]}


def test_a_status_is_escaped_as_go_does() -> None:
    assert rb"echo err \u003e\u00262" in describe_exit(V4, ["echo err >&2"], 1)


def test_only_v5_doubles_the_prefix_of_a_refusal() -> None:
    once, twice = json.loads(describe_refusal(V4, "x")), json.loads(describe_refusal(V5, "x"))
    assert once["message"] == "Internal error occurred: error executing command in container: x"
    assert twice["message"] == "Internal error occurred: " + once["message"]
    assert twice["code"] == 500


def test_v1_says_nothing_on_success() -> None:
    assert describe_success(V1) == b""
    assert describe_success(V5) == b'{"metadata":{},"status":"Success"}'


def test_base64_messages_are_text_with_a_digit() -> None:
    protocol = Subprotocol("v4.base64.channel.k8s.io")
    assert protocol.encode(1, b"out\n") == b"\x81\x091b3V0Cg=="
    assert protocol.decode(b"0aGVsbG8K") == (0, b"hello\n")
    assert protocol.decode(b"0 no base64")[0] == -1
