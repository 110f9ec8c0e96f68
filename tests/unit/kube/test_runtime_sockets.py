"""Runtime sockets below a host mount are covered where it is known where they are, and where they are not, that is said."""

from __future__ import annotations

import pytest

from podshell.kube.debug_options import DebugKind, DebugOptions, ResolvedOptions, resolve
from podshell.kube.manifests import Making, Manifest, NodeFacts, node_pod
from podshell.kube.node_pods import node_facts
from podshell.kube.objects import Node, NodeInfo, NodeStatus, ObjectMeta
from podshell.kube.runtime_sockets import OpenSockets, open_sockets, risks_on, without_masks

CONTAINERD = NodeFacts("n", "containerd://2.1.9", "v1.36.2")
DOCKER = NodeFacts("n", "docker://27", "v1.33.1")
UNREAD = NodeFacts("n")
SNAP = NodeFacts("n", "containerd://1.7", "v1.33.1", microk8s=True)


def options(**fields: object) -> ResolvedOptions:
    found = resolve(DebugKind.NODE, DebugOptions(**{"image": "tools:1", **fields}))  # type: ignore[arg-type]  # fields by name
    assert isinstance(found, ResolvedOptions), found
    return found


def masked(node: NodeFacts, **fields: object) -> list[str]:
    made: Manifest = node_pod(options(**fields), Making("s1", "ada", ("sh",), 0.0), node, name="p", namespace="podshell")
    mounts = made["spec"]["containers"][0]["volumeMounts"]  # type: ignore[call-overload, index]  # a manifest
    return [mount["mountPath"] for mount in mounts if mount["mountPath"].startswith("/host/")]


@pytest.mark.parametrize(
    ("node", "paths", "left"),
    [
        (CONTAINERD, ["/host/run/containerd"], OpenSockets.NONE),
        (NodeFacts("n", "containerd://1.7", "v1.33.1+k3s1"), ["/host/run/k3s"], OpenSockets.NONE),
        (NodeFacts("n", "containerd://1.7", "v1.33.1+rke2r1"), ["/host/run/k3s"], OpenSockets.NONE),
        (NodeFacts("n", "containerd://1.7", "v1.33.1+k0s"), ["/host/run/k0s"], OpenSockets.NONE),
        (SNAP, ["/host/var/snap/microk8s/common/run"], OpenSockets.NONE),
        (NodeFacts("n", "cri-o://1.33", "v1.33.1"), ["/host/run/crio"], OpenSockets.NONE),
        (DOCKER, ["/host/run/docker.sock", "/host/run/docker"], OpenSockets.SOME),
        (
            NodeFacts("n", "docker://27", "v1.33.1+k3s1"),
            ["/host/run/k3s", "/host/run/docker.sock", "/host/run/docker"],
            OpenSockets.SOME,
        ),
        (NodeFacts("n", "rkt://1", "v1.33.1"), [], OpenSockets.ALL),
        (UNREAD, [], OpenSockets.ALL),
    ],
)
def test_the_sockets_of_the_nodes_own_runtime_are_covered(node: NodeFacts, paths: list[str], left: OpenSockets) -> None:
    assert masked(node, mount_host=True) == paths
    assert masked(node, profile="systemd") == []
    assert open_sockets(options(mount_host=True), node) == left


@pytest.mark.parametrize(
    ("node", "words"), [(CONTAINERD, ""), (UNREAD, "are not masked: its runtime is unknown"), (DOCKER, "containerd and cri-dockerd")]
)
def test_sockets_that_stay_open_are_a_danger_of_that_node(node: NodeFacts, words: str) -> None:
    found = risks_on(options(mount_host=True), node)
    said = [risk for risk in found if "on this node are" in risk.text]
    assert [(risk.level, words in risk.text) for risk in said] == ([("danger", True)] if words else [])
    levels = [risk.level for risk in found]
    assert levels == sorted(levels), "the dangers come first"


@pytest.mark.parametrize("fields", [{}, {"profile": "systemd"}, {"host_write": True}, {"enter": True}])
def test_nothing_is_said_where_no_mask_was_meant(fields: dict[str, object]) -> None:
    assert open_sockets(options(**fields), UNREAD) == OpenSockets.NONE


RUNC = 'error mounting "/dev/null" to rootfs at "/host{0}": create mountpoint for /host{0} mount: make mountpoint: read-only file system'


@pytest.mark.parametrize(
    ("node", "message", "left"),
    [
        (CONTAINERD, RUNC.format("/run/containerd"), []),
        (DOCKER, RUNC.format("/run/docker.sock"), ["/host/run/docker"]),
        (DOCKER, RUNC.format("/run/docker"), ["/host/run/docker.sock"]),
    ],
)
def test_a_mask_that_has_nothing_to_cover_is_left_out_and_that_is_said(node: NodeFacts, message: str, left: list[str]) -> None:
    bare = without_masks(node, message)
    assert bare is not None
    assert masked(bare, mount_host=True) == left
    assert "does not have them where" in " ".join(risk.text for risk in risks_on(options(mount_host=True), bare))


@pytest.mark.parametrize(
    "message",
    [
        RUNC.format("/nowhere"),
        "exec: no such file: /run/containerd",
        RUNC.format("/run/containerd/io.containerd.runtime.v2.task/k8s.io/1/rootfs"),
    ],
)
def test_a_start_that_fails_for_another_reason_keeps_its_masks(message: str) -> None:
    assert without_masks(CONTAINERD, message) is None


def test_microk8s_is_known_by_its_label() -> None:
    info = NodeInfo(kubelet_version="v1.33.1", container_runtime_version="containerd://1.7")
    node = Node(ObjectMeta(name="n", labels={"microk8s.io/cluster": "true"}), status=NodeStatus(node_info=info))
    assert node_facts("n", node).microk8s
    assert not node_facts("n", Node(ObjectMeta(name="n"))).microk8s
