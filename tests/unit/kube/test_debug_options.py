"""What may be asked of debug and node shells, what is refused, and what each choice needs of the ceiling."""

from __future__ import annotations

import dataclasses

import pytest

from podshell.kube.debug_options import (
    CAPABILITIES,
    PROFILES,
    DebugKind,
    DebugOptions,
    OptionProblem,
    ResolvedOptions,
    fit_level,
    image_allowed,
    image_reference,
    needed_actions,
    resolve,
    risks,
)

IMAGE = "example.com/tools:1"
NODE, DEBUG = DebugKind.NODE, DebugKind.DEBUG


def meant(kind: DebugKind, **fields: object) -> ResolvedOptions:
    resolved = resolve(kind, DebugOptions(**{"image": IMAGE, **fields}))  # type: ignore[arg-type]  # fields by name
    assert isinstance(resolved, ResolvedOptions), resolved
    return resolved


def problems(kind: DebugKind, **fields: object) -> dict[str, OptionProblem]:
    resolved = resolve(kind, DebugOptions(**{"image": IMAGE, **fields}))  # type: ignore[arg-type]  # fields by name
    assert isinstance(resolved, list), resolved
    return {problem.option: problem for problem in resolved}


def test_nothing_asked_gives_nothing() -> None:
    for kind in DebugKind:
        resolved = meant(kind)
        assert (resolved.capabilities, resolved.mount_host, resolved.host_pid, resolved.pull_policy) == ((), False, False, "IfNotPresent")


def test_capabilities_keep_their_order_and_lose_prefix_case_and_repetition() -> None:
    assert meant(NODE, capabilities=("net_raw,CAP_NET_ADMIN", "NET_RAW")).capabilities == ("NET_RAW", "NET_ADMIN")


def test_an_unknown_capability_is_named_with_the_nearest() -> None:
    problem = problems(NODE, capabilities=("NET_ADMINN",))["capabilities"]
    assert "'NET_ADMINN'" in problem.message
    assert problem.next_step == "did you mean NET_ADMIN?"


def test_every_capability_of_the_kernel_is_known_once() -> None:
    assert len(CAPABILITIES) == len(set(CAPABILITIES)) == 41  # CAP_LAST_CAP is 40


@pytest.mark.parametrize("option", ["mount_host", "host_write", "host_pid", "enter", "seccomp_unconfined", "apparmor_unconfined"])
def test_what_is_for_nodes_is_an_error_on_pods_and_never_ignored(option: str) -> None:
    problem = problems(DEBUG, **{option: True})[option]
    assert "does not apply to pods" in problem.message
    assert problem.next_step


def test_a_target_on_a_node_and_a_pull_secret_on_a_pod_are_errors() -> None:
    assert "target" in problems(NODE, target="web")
    assert "pull_secret" in problems(DEBUG, pull_secret="mine")


def test_every_problem_is_told_at_once() -> None:
    assert set(problems(DEBUG, host_pid=True, capabilities=("X",), profile="nope", pull_policy="maybe", ttl_seconds=1)) == {
        *("host_pid", "capabilities", "profile", "pull_policy", "ttl_seconds"),
    }


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
@pytest.mark.parametrize("kind", DebugKind)
def test_a_profile_is_taken_where_it_has_a_meaning_and_refused_elsewhere(kind: DebugKind, profile: object) -> None:
    assert isinstance(profile, type(PROFILES["net"]))
    if kind in profile.kinds:
        assert meant(kind, profile=profile.name).capabilities == profile.capabilities
    else:
        assert "profile" in problems(kind, profile=profile.name)


def test_write_implies_the_mount_and_shows_runtime_sockets() -> None:
    resolved = meant(NODE, host_write=True)
    assert resolved.mount_host
    assert resolved.runtime_sockets
    assert not meant(NODE, mount_host=True).runtime_sockets


def test_entering_makes_a_root_shell_with_all_of_roots_rights() -> None:
    """nsenter alone would do with three capabilities; whoever is in the node keeps what the container had, and no more."""
    resolved = meant(NODE, enter=True)
    assert resolved.host_pid
    assert resolved.apparmor_unconfined
    assert resolved.seccomp_unconfined
    assert resolved.capabilities == CAPABILITIES


def test_windows_takes_no_option_of_linux() -> None:
    assert {"capabilities", "host_pid", "profile"} <= set(
        problems(NODE, os="windows", capabilities=("KILL",), host_pid=True, profile="net")
    )
    assert "os" in problems(DEBUG, os="windows")
    assert meant(NODE, os="windows").os == "windows"


@pytest.mark.parametrize(
    ("image", "good"),
    [
        ("tools:1", True),
        ("example.com:5000/a/b-c__d/tools:v1.2", True),
        ("tools@sha256:" + "a" * 64, True),
        ("example.com/tools:1@sha256:" + "0" * 64, True),
        ("", False),
        ("Tools:1", False),
        ("tools:", False),
        ("tools@sha256:12", False),
        ("tools:1; rm -rf /", False),
        ("-tools", False),
    ],
)
def test_image_references_are_checked(image: str, good: bool) -> None:
    assert isinstance(resolve(NODE, DebugOptions(image=image)), ResolvedOptions) is good


def test_a_version_may_be_a_digest() -> None:
    assert image_reference("example.com/tools", "v1") == "example.com/tools:v1"
    assert image_reference("example.com/tools", "sha256:" + "a" * 64) == "example.com/tools@sha256:" + "a" * 64


def test_only_named_images_are_allowed() -> None:
    assert image_allowed("example.com/tools:1", ["example.com/*"])
    assert not image_allowed("example.org/tools:1", ["example.com/*"])
    assert not image_allowed("example.com/tools:1", [])


@pytest.mark.parametrize(
    ("kind", "fields", "actions"),
    [
        (DEBUG, {}, ["podDebug"]),
        (DEBUG, {"profile": "net"}, ["podDebug"]),
        (DEBUG, {"capabilities": ("SYS_PTRACE",)}, ["podDebug", "nodePrivileged"]),
        (NODE, {}, ["nodeShell"]),
        (NODE, {"profile": "host"}, ["nodeShell", "hostMount"]),
        (NODE, {"host_write": True}, ["nodeShell", "hostMount", "hostWrite"]),
        (NODE, {"host_pid": True}, ["nodeShell", "nodePrivileged"]),
        (NODE, {"seccomp_unconfined": True}, ["nodeShell", "nodePrivileged"]),
        (NODE, {"profile": "trace"}, ["nodeShell", "hostMount", "nodePrivileged"]),
        (NODE, {"os": "windows"}, ["nodeShell", "nodePrivileged"]),
    ],
)
def test_each_choice_needs_its_action_of_the_ceiling(kind: DebugKind, fields: dict[str, object], actions: list[str]) -> None:
    assert needed_actions(meant(kind, **fields)) == actions


# What is dangerous, as it is asked for; the name is the field of ResolvedOptions that says so.
DANGERS: dict[str, dict[str, object]] = {
    "capabilities": {"capabilities": ("SYS_PTRACE",)},
    "mount_host": {"mount_host": True},
    "host_write": {"host_write": True},
    "host_pid": {"host_pid": True},
    "enter": {"enter": True},
    "runtime_sockets": {"profile": "systemd"},
    "kernel_mounts": {"profile": "trace"},
    "seccomp_unconfined": {"seccomp_unconfined": True},
    "apparmor_unconfined": {"apparmor_unconfined": True},
    "os": {"os": "windows"},
}
HARMLESS = {"kind", "image", "profile", "restricted", "target", "pull_policy", "pull_secret", "ttl_seconds"}


def test_of_every_option_it_is_known_whether_it_is_dangerous() -> None:
    """A new option must be thought of here, and in `risks`."""
    assert {field.name for field in dataclasses.fields(ResolvedOptions)} == DANGERS.keys() | HARMLESS


@pytest.mark.parametrize("option", DANGERS)
def test_a_dangerous_choice_is_said_to_be_one(option: str) -> None:
    assert option in [risk.option for risk in risks(meant(NODE, **DANGERS[option])) if risk.level == "danger"]
    assert option not in [risk.option for risk in risks(meant(NODE)) if risk.level == "danger"]


def test_a_host_mount_is_called_what_it_is() -> None:
    texts = [risk.text for risk in risks(meant(NODE, mount_host=True)) if risk.level == "danger"]
    assert any("equal to root on this node" in text for text in texts)
    assert not any(risk.level == "danger" for risk in risks(meant(DEBUG, profile="net")))


def test_what_is_unconfined_is_named_and_nothing_else() -> None:
    def text(**fields: object) -> str:
        return " ".join(risk.text for risk in risks(meant(NODE, **fields)) if risk.option.endswith("_unconfined"))

    assert "system calls" in text(seccomp_unconfined=True)
    assert "files" not in text(seccomp_unconfined=True)
    assert "system calls" not in text(apparmor_unconfined=True)
    assert "files" in text(apparmor_unconfined=True)


def test_a_restricted_namespace_gets_the_restricted_variant_or_a_reason() -> None:
    fitted = fit_level(meant(DEBUG), "restricted")
    assert isinstance(fitted, ResolvedOptions)
    assert fitted.restricted
    for level, fields in (("restricted", {"profile": "net"}), ("baseline", {"profile": "net"})):
        refused = fit_level(meant(DEBUG, **fields), level)
        assert isinstance(refused, OptionProblem)
        assert level in refused.message
        assert "NET_RAW" in refused.message
    assert fit_level(meant(DEBUG, profile="net"), "privileged") == meant(DEBUG, profile="net")
    assert isinstance(fit_level(meant(NODE), "baseline"), OptionProblem)


def test_the_options_that_resolve_reads_are_all_there_are() -> None:
    """A new option must be thought of in `resolve`: whatever is asked is in what is meant."""
    asked = {field.name for field in dataclasses.fields(DebugOptions)}
    assert asked <= {field.name for field in dataclasses.fields(ResolvedOptions)}
