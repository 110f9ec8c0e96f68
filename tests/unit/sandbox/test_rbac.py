"""RBAC of the sandbox: who may what, and whom the pre-1.35 rule lets through."""

from __future__ import annotations

import pytest

from podshell.sandbox.paths import parse_request
from podshell.sandbox.rbac import MASTERS, Attributes, Authority, Binding, Rule, refusal


def pods(verb: str, *, sub: str = "", namespace: str = "lab", name: str = "") -> Attributes:
    return Attributes(verb, "", "pods", sub, namespace, name)


def test_rights_are_bound_to_their_namespace() -> None:
    authority = Authority()
    user = authority.add_user("alice", "t")
    authority.bind(Binding("r", "User", "alice", (Rule(("get",), ("",), ("pods",)),), "lab"))
    assert authority.decide(user, pods("get")).allowed
    assert not authority.decide(user, pods("get", namespace="other")).allowed
    assert not authority.decide(user, pods("list")).allowed
    assert not authority.decide(user, pods("get", sub="exec")).allowed


def test_names_restrict_a_rule() -> None:
    authority = Authority()
    user = authority.add_user("alice", "t")
    authority.bind(Binding("r", "User", "alice", (Rule(("get",), ("",), ("pods",), ("two",)),)))
    assert authority.decide(user, pods("get", name="two")).allowed
    assert not authority.decide(user, pods("get", name="three")).allowed
    assert not authority.decide(user, pods("list")).allowed


@pytest.mark.parametrize(("resources", "allowed"), [(("*",), True), (("*/exec",), True), (("pods/*",), False)])
def test_wildcards_are_those_of_kubernetes(resources: tuple[str, ...], allowed: bool) -> None:
    assert Rule(("create",), ("",), resources).covers(pods("create", sub="exec")) is allowed


def test_masters_may_everything_and_an_unbound_user_nothing_but_discovery() -> None:
    authority = Authority()
    admin, nobody = authority.add_user("root", "a", groups=[MASTERS]), authority.add_user("nobody", "b")
    assert authority.decide(admin, Attributes("delete", "x", "y")).allowed
    assert authority.decide(nobody, Attributes("get", path="/version")).allowed
    assert not authority.decide(nobody, Attributes("get", path="/metrics")).allowed
    assert not authority.decide(nobody, pods("get")).allowed


def test_unbinding_takes_rights_back() -> None:
    authority = Authority()
    user = authority.add_user("alice", "t")
    authority.bind(Binding("r", "User", "alice", (Rule(("get",), ("",), ("pods",)),)))
    authority.unbind("r")
    assert not authority.decide(user, pods("get")).allowed


def test_only_a_known_bearer_token_is_a_user() -> None:
    authority = Authority()
    user = authority.add_user("alice", "secret")
    assert authority.authenticate("Bearer secret") is user
    assert authority.authenticate("bearer secret") is user
    for header in (None, "", "secret", "Basic secret", "Bearer other", "Bearer "):
        assert authority.authenticate(header) is None


def test_a_refusal_names_user_verb_resource_and_namespace() -> None:
    user = Authority().add_user("alice", "t")
    error = refusal(user, pods("create", sub="exec", name="two"))
    assert error.message == (
        'pods "two" is forbidden: User "alice" cannot create resource "pods/exec" in API group "" in the namespace "lab"'
    )


@pytest.mark.parametrize(
    ("method", "path", "query", "verb", "resource", "name"),
    [
        ("GET", "/api/v1/namespaces/lab/pods", {}, "list", "pods", ""),
        ("GET", "/api/v1/namespaces/lab/pods", {"watch": "maybe"}, "watch", "pods", ""),
        ("GET", "/api/v1/namespaces/lab/pods", {"watch": "0"}, "list", "pods", ""),
        ("GET", "/api/v1/watch/namespaces/lab/pods", {}, "watch", "pods", ""),
        ("GET", "/api/v1/namespaces/lab", {}, "get", "namespaces", "lab"),
        ("POST", "/api/v1/namespaces/lab/pods/two/exec", {}, "create", "pods/exec", "two"),
        ("DELETE", "/api/v1/namespaces/lab/pods", {}, "deletecollection", "pods", ""),
        ("GET", "/api/v1/pods", {"fieldSelector": "metadata.name=two"}, "list", "pods", "two"),
        ("PUT", "/api/v1/namespaces/lab/status", {}, "update", "namespaces/status", "lab"),
    ],
)
def test_request_lines_are_read_as_the_server_reads_them(
    method: str, path: str, query: dict[str, str], verb: str, resource: str, name: str
) -> None:
    attributes = parse_request(method, path, query).attributes
    assert (attributes.verb, attributes.qualified_resource, attributes.name) == (verb, resource, name)
