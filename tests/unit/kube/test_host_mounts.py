"""Which read-only mounts are so at their top alone is read off the pod's status."""

from __future__ import annotations

import msgspec
import pytest

from podshell.kube.debug_options import DebugKind, DebugOptions, ResolvedOptions, resolve
from podshell.kube.host_mounts import MountedPod, mounts_text, read_only_paths, shallow, shallow_text


def pod_with(*mounts: dict[str, object], told: bool = True) -> MountedPod:
    status = {"name": "shell", **({"volumeMounts": list(mounts)} if told else {})}
    return msgspec.convert({"status": {"containerStatuses": [{"name": "other", "volumeMounts": [HOST]}, status]}}, MountedPod)


HOST = {"name": "host", "mountPath": "/host", "readOnly": True, "recursiveReadOnly": "Enabled"}
BPF = {"name": "bpffs", "mountPath": "/sys/fs/bpf", "readOnly": True, "recursiveReadOnly": "Disabled"}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (pod_with(HOST, {**BPF, "recursiveReadOnly": "Enabled"}), []),
        (pod_with(HOST, BPF), ["/sys/fs/bpf"]),
        (pod_with({**HOST, "recursiveReadOnly": "Disabled"}, BPF), ["/", "/sys/fs/bpf"]),
        (pod_with({"name": "host", "mountPath": "/host", "readOnly": True}, BPF), ["/", "/sys/fs/bpf"]),
        (pod_with(told=False), ["/", "/sys/fs/bpf"]),
    ],
)
def test_only_what_the_node_says_to_be_recursive_is(pod: MountedPod, expected: list[str]) -> None:
    assert shallow(pod, "shell", ["/", "/sys/fs/bpf"]) == expected


def test_nothing_that_was_not_asked_for_is_told_of() -> None:
    assert shallow(pod_with(BPF), "shell", []) == []


def test_the_text_names_the_places_as_the_shell_sees_them() -> None:
    assert shallow_text(["/", "/sys/fs/bpf"]).startswith("/host, /sys/fs/bpf: read-only at the top only")


@pytest.mark.parametrize(
    ("paths", "open_below", "text"),
    [
        ([], [], ""),
        (["/"], [], "/host: read-only, with all that is mounted below it"),
        (["/", "/sys/fs/bpf"], [], "/host, /sys/fs/bpf: read-only, with all that is mounted below them"),
    ],
)
def test_that_all_below_is_read_only_is_said_as_well(paths: list[str], open_below: list[str], text: str) -> None:
    assert mounts_text(paths, open_below) == text


def test_of_several_mounts_each_is_told_as_it_is() -> None:
    text = mounts_text(["/", "/sys/fs/bpf"], ["/sys/fs/bpf"])
    assert text.startswith("/sys/fs/bpf: read-only at the top only")
    assert text.endswith("; /host: read-only, with all that is mounted below it")


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({}, []),
        ({"mount_host": True}, ["/"]),
        ({"host_write": True}, []),
        ({"profile": "trace"}, ["/", "/sys/kernel/debug", "/sys/kernel/tracing", "/sys/fs/bpf"]),
    ],
)
def test_all_read_only_mounts_of_a_profile_are_asked_after(fields: dict[str, object], paths: list[str]) -> None:
    options = resolve(DebugKind.NODE, DebugOptions(image="tools:1", **fields))  # type: ignore[arg-type]  # fields by name
    assert isinstance(options, ResolvedOptions)
    assert read_only_paths(options) == paths
