"""The objects of debug and node shells: golden files for every profile and option, and what must hold for all of them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from podshell.kube import manifests as m
from podshell.kube.debug_options import DebugKind, DebugOptions, ResolvedOptions, resolve
from podshell.kube.windows_shells import waiting_command

GOLDEN = Path(__file__).parent / "golden"
MAKING = m.Making("5e5510", "ada", ("sh", "-c", "wait"), 1_800_000_000.0, key="k3y")
ATTACHED = m.Making("5e5510", "ada", ("sh", "-c", "shell"), 1_800_000_000.0, attached=True, tty=True)
WINDOWS = m.Making("5e5510", "ada", waiting_command(14_400), 1_800_000_000.0, attached=True)
NODE = m.NodeFacts("worker-01", "containerd://2.1.9", "v1.36.2", 36)
NODE_CASES: dict[str, dict[str, object]] = {
    "plain": {},
    "capabilities": {"capabilities": ("NET_ADMIN", "NET_RAW")},
    "mount": {"mount_host": True},
    "write": {"host_write": True},
    "host-pid": {"host_pid": True},
    "enter": {"enter": True},
    "unconfined": {"seccomp_unconfined": True, "apparmor_unconfined": True},
    "pull": {"pull_policy": "Always", "pull_secret": "mine", "ttl_seconds": 600},
    "windows": {"os": "windows"},
    **{f"profile-{name}": {"profile": name} for name in ("net", "host", "systemd", "trace")},
}
DEBUG_CASES: dict[str, dict[str, object]] = {
    "plain": {},
    "capabilities": {"capabilities": ("SYS_PTRACE",)},
    "target": {"target": "web"},
    "profile-net": {"profile": "net"},
    "profile-restricted": {"profile": "restricted"},
}


def options(kind: DebugKind, fields: dict[str, object]) -> ResolvedOptions:
    resolved = resolve(kind, DebugOptions(**{"image": "example.com/tools:1", **fields}))  # type: ignore[arg-type]  # fields by name
    assert isinstance(resolved, ResolvedOptions), resolved
    return resolved


def node_pod(fields: dict[str, object], node: m.NodeFacts = NODE, making: m.Making = MAKING) -> dict[str, Any]:
    return m.node_pod(options(DebugKind.NODE, fields), making, node, name="podshell-worker-01-x2x4z", namespace="podshell")


def debug_container(fields: dict[str, object], *, non_root: bool = False, making: m.Making = MAKING) -> dict[str, Any]:
    return m.ephemeral_container(options(DebugKind.DEBUG, fields), making, name="podshell-x2x4z", pod_runs_as_non_root=non_root)


def golden_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, fields in NODE_CASES.items():
        if name != "windows":
            yield f"node-{name}", node_pod(fields)
    for name, fields in DEBUG_CASES.items():
        yield f"debug-{name}", debug_container(fields)
    yield "node-windows", node_pod({"os": "windows"}, making=WINDOWS)
    yield "node-attached", node_pod({}, making=ATTACHED)
    yield "debug-attached", debug_container({}, making=ATTACHED)
    yield "debug-non-root", debug_container({}, non_root=True)
    yield "job", m.node_job(options(DebugKind.NODE, {}), MAKING, NODE, name="podshell-worker-01-x2x4z", namespace="podshell")
    yield "node-old-apparmor", node_pod({"apparmor_unconfined": True}, m.NodeFacts("worker-01", server_minor=29))


@pytest.mark.parametrize(("name", "made"), list(golden_cases()), ids=lambda value: value if isinstance(value, str) else "")
def test_manifests_are_as_agreed(name: str, made: dict[str, Any]) -> None:
    """PODSHELL_GOLDEN=write writes them anew; read the difference before you commit it."""
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("PODSHELL_GOLDEN") == "write":
        path.write_text(yaml.safe_dump(made, sort_keys=False))
    assert yaml.safe_load(path.read_text()) == yaml.safe_load(yaml.safe_dump(made))


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == {name for name, _ in golden_cases()}


@pytest.mark.parametrize("fields", NODE_CASES.values(), ids=NODE_CASES)
def test_every_host_path_is_read_only_unless_writing_was_asked(fields: dict[str, object]) -> None:
    spec = node_pod(fields)["spec"]
    volumes = {volume["name"] for volume in spec.get("volumes", []) if "hostPath" in volume}
    mounts = [mount for mount in spec["containers"][0].get("volumeMounts", []) if mount["name"] in volumes]
    assert {mount["name"] for mount in mounts} == volumes
    for mount in mounts:
        if fields.get("host_write"):
            assert mount["mountPropagation"] == "HostToContainer"
            assert "recursiveReadOnly" not in mount
        elif mount["mountPath"].startswith("/host/run/"):
            assert mount["readOnly"] is True
        else:
            assert (mount["readOnly"], mount["recursiveReadOnly"], mount["mountPropagation"]) == (True, "IfPossible", "None")


@pytest.mark.parametrize("fields", NODE_CASES.values(), ids=NODE_CASES)
def test_a_node_pod_brings_no_token_ends_by_itself_and_can_be_found(fields: dict[str, object]) -> None:
    pod = node_pod(fields)
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["activeDeadlineSeconds"] == fields.get("ttl_seconds", 14_400)
    assert spec["terminationGracePeriodSeconds"] == 0
    assert pod["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "podshell", "podshell.dev/kind": "node", "podshell.dev/session": "5e5510"
    }  # fmt: skip
    assert "ownerReferences" not in pod["metadata"]
    assert not spec["containers"][0].get("tty")


def test_a_container_that_is_attached_to_takes_input_once_and_is_nobodys_to_use_again() -> None:
    container = debug_container({}, making=ATTACHED)
    assert (container["stdin"], container["stdinOnce"], container["tty"]) == (True, True, True)
    assert container["env"][0] == {"name": m.KEY_VARIABLE, "value": ""}
    piped = node_pod({}, making=replace(ATTACHED, tty=False))["spec"]["containers"][0]
    assert (piped["stdin"], piped["stdinOnce"], "tty" in piped) == (True, True, False)


def test_only_what_was_asked_is_added_to_no_capability_at_all() -> None:
    for name, fields in NODE_CASES.items():
        if name != "windows":
            capabilities = node_pod(fields)["spec"]["containers"][0]["securityContext"]["capabilities"]
            assert capabilities["drop"] == ["ALL"]
            assert tuple(capabilities.get("add", ())) == options(DebugKind.NODE, fields).capabilities
    assert debug_container({})["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_names_are_valid_whatever_the_node_is_called() -> None:
    for node in ("worker-01", "ip-10-0-0-1.eu-central-1.compute.internal", "a" * 253, "Node_1"):
        name = m.node_pod_name(node, m.random_suffix())
        assert len(name) <= 57
        assert name.startswith("podshell-")
        assert all((part and part.isalnum() and part.islower()) or part.isdigit() for part in name.split("-"))


def test_a_debug_container_is_used_again_for_the_same_only() -> None:
    plain = options(DebugKind.DEBUG, {})
    key = m.debug_key(plain, "ada")
    assert key == m.debug_key(plain, "ada")
    others = [
        m.debug_key(plain, "bob"),
        m.debug_key(dataclasses.replace(plain, image="tools@sha256:" + "1" * 64), "ada"),
        m.debug_key(options(DebugKind.DEBUG, {"target": "web"}), "ada"),
    ]
    others += [m.debug_key(options(DebugKind.DEBUG, {"profile": "net"}), "ada")]
    assert len({key, *others}) == 5


@pytest.mark.parametrize(
    ("fields", "user", "expected"),
    [
        ({"target": "web"}, m.TargetUser(1000, 3000), (1000, 3000)),
        ({"target": "web"}, m.TargetUser(1000), (1000, None)),
        ({"target": "web"}, m.TargetUser(0, 3000), (65532, 65532)),
        ({"target": "web", "profile": "restricted"}, m.TargetUser(1000, 3000), (1000, 3000)),
        ({}, m.TargetUser(1000, 3000), (65532, 65532)),
    ],
)
def test_the_variant_without_root_runs_as_its_targets_user(
    fields: dict[str, object], user: m.TargetUser, expected: tuple[int, int | None]
) -> None:
    """Another user can neither signal the target's processes nor look into /proc/1/root."""
    made = m.ephemeral_container(options(DebugKind.DEBUG, fields), MAKING, name="n", pod_runs_as_non_root=True, target_user=user)
    security: dict[str, Any] = made["securityContext"]  # type: ignore[assignment]  # a manifest
    assert security["runAsNonRoot"] is True
    assert (security["runAsUser"], security.get("runAsGroup")) == expected


def test_capabilities_in_a_pod_need_root_and_a_pod_that_forbids_root_gets_another_user() -> None:
    assert debug_container({"profile": "net"}, non_root=True)["securityContext"]["runAsUser"] == 0
    assert debug_container({}, non_root=True)["securityContext"]["runAsNonRoot"] is True
