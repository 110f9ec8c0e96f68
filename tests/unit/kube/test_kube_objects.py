"""The Structs, against objects of a real cluster."""

from __future__ import annotations

import json

import msgspec
from recordings import load

from podshell.kube.objects import Pod
from podshell.kube.workloads import DEPLOYMENTS, NODES, PODS


def recorded_pod() -> Pod:
    return msgspec.json.decode(json.dumps(load("node/job-pod-object").tree["pod"]), type=Pod)


def test_decodes_a_pod_of_a_real_cluster() -> None:
    pod = recorded_pod()
    owner = pod.metadata.controller
    assert owner is not None
    assert (owner.kind, owner.name) == ("Job", "nd-ro-rro-ifpossible")
    status = pod.container_status("shell")
    assert status is not None
    assert status.ready
    assert status.state.running is not None
    assert status.state.terminated is None
    assert pod.spec.containers[0].tty
    assert pod.spec.host_pid
    assert (pod.spec.node_name, pod.status.phase) == ("worker-01", "Running")
    assert pod.container_status("other") is None


def test_strings_that_repeat_are_one_object() -> None:
    one, other = recorded_pod(), recorded_pod()
    assert one.spec.node_name is other.spec.node_name
    assert one.metadata.namespace is other.metadata.namespace
    assert one.spec.containers[0].image is other.spec.containers[0].image


def test_nulls_where_the_server_sends_them_are_legal() -> None:
    pod = msgspec.json.decode(b'{"metadata":{"name":"a","creationTimestamp":null,"labels":null},"status":{"conditions":null}}', type=Pod)
    assert pod.metadata.creation_timestamp is None


def test_only_the_annotations_in_use_are_kept() -> None:
    tree = {
        "metadata": {
            "annotations": {
                "kubectl.kubernetes.io/default-container": "app",
                "kubectl.kubernetes.io/last-applied-configuration": "x" * 100_000,
            }
        }
    }
    pod = msgspec.convert(tree, Pod)
    assert pod.metadata.annotations is not None
    assert pod.metadata.annotations.default_container == "app"
    assert "xxx" not in repr(pod)


def test_paths_of_resources() -> None:
    assert PODS.path() == "/api/v1/pods"
    assert PODS.path("lab", "a", "ephemeralcontainers") == "/api/v1/namespaces/lab/pods/a/ephemeralcontainers"
    assert DEPLOYMENTS.path("lab") == "/apis/apps/v1/namespaces/lab/deployments"
    assert NODES.path("", "n1") == "/api/v1/nodes/n1"
    assert PODS.path("lab", "../../secrets") == "/api/v1/namespaces/lab/pods/..%2F..%2Fsecrets"
