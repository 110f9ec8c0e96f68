"""Which read-only mounts are so at their top alone is read off the pod's status."""

from __future__ import annotations

import msgspec
import pytest

from podshell.kube.host_mounts import MountedPod, shallow, shallow_text


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
