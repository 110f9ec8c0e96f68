"""HTTP answers to typed errors."""

from __future__ import annotations

import pytest
from recordings import load, names

from podshell.kube.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from podshell.kube.status import error_from_response, parse_status


def error_of(name: str) -> ApiError:
    recording = load(name)
    return error_from_response(recording.status_code, recording.body)


def test_the_long_403_names_user_verb_resource_and_namespace() -> None:
    error = error_of("rbac/exec-none.v5")
    assert isinstance(error, Forbidden)
    assert error.user == "system:serviceaccount:lab:none"
    assert (error.verb, error.resource, error.group, error.namespace) == ("get", "pods/exec", "", "lab")


def test_a_cluster_wide_403_has_no_namespace() -> None:
    text = 'nodes is forbidden: User "u" cannot list resource "nodes" in API group "" at the cluster scope'
    error = error_from_response(403, text.encode())
    assert isinstance(error, Forbidden)
    assert (error.verb, error.resource, error.namespace) == ("list", "nodes", "")


@pytest.mark.parametrize("name", names("rbac", "getonly.v4", "getonly.v5"))
def test_the_short_403_gives_what_it_has(name: str) -> None:
    error = error_of(name)
    assert isinstance(error, Forbidden)
    assert (error.resource, error.verb) == ("pods", "")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, Gone),
        (422, Invalid),
        (429, TooManyRequests),
        (500, ServerError),
        (503, ServerError),
        (415, ApiError),
    ],
)
def test_each_code_has_its_class_with_and_without_a_status(code: int, kind: type[ApiError]) -> None:
    for body in (b"", b"plain words", b'{"status":"Failure","message":"plain words","reason":"R"}', b"\xff\xfe"):
        error = error_from_response(code, body)
        assert type(error) is kind
        assert error.status_code == code
        assert error.message
    assert error.message


def test_text_of_the_kubelet_is_the_message() -> None:
    assert error_of("refused/pod-completed.v5").message == 'container not found ("main")'


def test_retry_after_comes_from_the_header_or_the_status() -> None:
    by_header = error_from_response(429, b"", {"Retry-After": "3"})
    by_status = error_from_response(503, b'{"status":"Failure","details":{"retryAfterSeconds":5}}')
    assert isinstance(by_header, TooManyRequests)
    assert isinstance(by_status, ServerError)
    assert (by_header.retry_after_seconds, by_status.retry_after_seconds) == (3, 5)


def test_not_found_tells_a_missing_object_from_a_missing_feature() -> None:
    missing, unknown = error_of("refused/pod-not-found.v5"), error_from_response(404, b"404 page not found")
    assert isinstance(missing, NotFound)
    assert isinstance(unknown, NotFound)
    assert (missing.name, unknown.name) == ("nope", "")


def test_an_endless_message_is_cut() -> None:
    assert len(error_from_response(500, b"x" * 100_000).message) <= 4096


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"status":{}}', b"null", b'{"status":"Maybe"}', b"\xff"])
def test_what_is_no_status_is_none(body: bytes) -> None:
    assert parse_status(body) is None
