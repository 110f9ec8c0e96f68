"""What a manifest has to know of its node, and of the API server in front of it."""

from __future__ import annotations

import pytest

from podshell.kube.node_pods import minor_of, node_facts
from podshell.kube.objects import Node, NodeInfo, NodeStatus, ObjectMeta

INFO = NodeInfo(kubelet_version="v1.29.3", container_runtime_version="containerd://1.7")
OLD_NODE = Node(ObjectMeta(name="n"), status=NodeStatus(node_info=INFO))


@pytest.mark.parametrize(
    ("version", "minor"),
    [("v1.36.2", 36), ("1.30.0", 30), ("v1.33.1+k3s1", 33), ("v1.29.5-gke.1", 29), ("v1.30+", 30), ("", 0), ("next", 0), ("v1.x", 0)],
)
def test_the_minor_version_is_read_from_what_servers_and_kubelets_say(version: str, minor: int) -> None:
    assert minor_of(version) == minor


def test_the_servers_version_counts_and_the_kubelets_where_it_is_not_known() -> None:
    assert node_facts("n", OLD_NODE, "v1.31.0").server_minor == 31
    assert node_facts("n", OLD_NODE).server_minor == 29
    assert node_facts("n", None, "v1.31.0").server_minor == 31
    assert node_facts("n", None).server_minor == 0
