"""Which debug container serves another shell: whose, how long it may still live, whether it is there yet; and who is kept from whom."""

from __future__ import annotations

import dataclasses

import pytest

from podshell.kube.debug_containers import (
    EquippedPod,
    ToolsContainer,
    _Variable,
    joinable,
    life_until,
    may_reuse,
    reusable,
    seconds_of,
    sharing_problem,
)
from podshell.kube.debug_options import DebugKind, DebugOptions, ResolvedOptions, resolve
from podshell.kube.errors import Conflict, Forbidden
from podshell.kube.objects import ObjectMeta, Pod, PodSpec
from podshell.kube.pod_security import stricter

NOW = seconds_of("2026-07-01T12:00:00Z")
PSA = 'pods "cart-0" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true (container "x" must set ...)'


def options(**fields: object) -> ResolvedOptions:
    found = resolve(DebugKind.DEBUG, DebugOptions(image="tools:1", **fields))  # type: ignore[arg-type]  # its fields
    assert isinstance(found, ResolvedOptions)
    return found


def container(name: str, *, key: str = "key", user: str = "ada", expires: str = "2026-07-01T16:00:00Z", target: str = "") -> ToolsContainer:
    env = (_Variable("PODSHELL_KEY", key), _Variable("PODSHELL_USER", user), _Variable("PODSHELL_EXPIRES", expires))
    return ToolsContainer(name, "tools:1", target, env)


def pod(*running: ToolsContainer, starting: tuple[ToolsContainer, ...] = (), **spec: object) -> EquippedPod:
    return EquippedPod(Pod(ObjectMeta("cart-0", "shop"), PodSpec(**spec)), running, starting)  # type: ignore[arg-type]  # its fields


@pytest.mark.parametrize(
    ("expires", "serves"),
    [("2026-07-01T16:00:00Z", True), ("2026-07-01T14:00:00Z", True), ("2026-07-01T13:59:59Z", False), ("", False), ("soon", False)],
)
def test_a_container_serves_as_long_as_it_has_half_of_the_life_that_is_asked_for(expires: str, serves: bool) -> None:
    until = life_until(options(ttl_seconds=4 * 3600), NOW)
    one = container("podshell-a", expires=expires)
    assert reusable(pod(one), "key", until) == ("podshell-a" if serves else "")
    assert joinable(pod(starting=(one,)), "key", until) == ("podshell-a" if serves else "")


def test_one_that_starts_is_joined_and_not_used_before_it_runs() -> None:
    found = pod(starting=(container("podshell-a"),))
    assert (reusable(found, "key", NOW), joinable(found, "key", NOW)) == ("", "podshell-a")
    assert joinable(found, "another", NOW) == ""


def test_where_the_image_is_to_be_pulled_anew_no_earlier_container_serves() -> None:
    assert may_reuse(options())
    assert not may_reuse(options(pull_policy="Always"))
    assert may_reuse(dataclasses.replace(options(pull_policy="Always"), image="tools@sha256:" + "1" * 64))


@pytest.mark.parametrize("where", ["running", "starting"])
@pytest.mark.parametrize(
    ("spec", "ours", "theirs", "kept_out"),
    [
        ({}, "", "", False),
        ({}, "cart", "", False),
        ({}, "", "cart", False),
        ({}, "cart", "cart", True),
        ({"share_process_namespace": True}, "", "", True),
        ({"share_process_namespace": False}, "", "", False),
        ({"host_pid": True}, "", "", True),
        ({"host_pid": True}, "cart", "", True),
    ],
)
def test_two_users_who_would_see_each_others_processes_are_kept_apart(
    spec: dict[str, object], ours: str, theirs: str, kept_out: bool, where: str
) -> None:
    one = container("podshell-a", user="bob", target=theirs)
    found = pod(one, **spec) if where == "running" else pod(starting=(one,), **spec)
    problem = sharing_problem(found, ours, "ada")
    assert (problem is not None and "bob" in problem.message) is kept_out
    assert sharing_problem(found, ours, "bob") is None


def test_what_pod_security_refuses_is_tried_once_more_as_the_strictest_level_would_have_it() -> None:
    fitted = stricter(options(), Forbidden(PSA))
    assert fitted is not None
    assert fitted.restricted
    assert stricter(fitted, Forbidden(PSA)) is None
    assert stricter(options(profile="net"), Forbidden(PSA)) is None  # with its capabilities it would be another shell
    assert stricter(options(), Forbidden('User "ada" cannot patch resource "pods/ephemeralcontainers"')) is None
    assert stricter(options(), Conflict(PSA, status_code=409)) is None
