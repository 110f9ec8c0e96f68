"""Rows of the inventory: a pod's status as kubectl prints it, and why no shell can be opened."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from podshell.agent.rows import namespace_row, node_row, pod_row, service_row, workload_row
from podshell.kube.objects import Namespace, Node, Pod, Service
from podshell.kube.workloads import DaemonSet, Deployment, Job


def pod(status: dict[str, object], spec: dict[str, object] | None = None, **metadata: object) -> Pod:
    body = {
        "metadata": {"name": "p", "namespace": "n", "uid": "u", **metadata},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], **(spec or {})},
        "status": status,
    }
    return msgspec.json.decode(json.dumps(body), type=Pod)


def container(name: str, **state: object) -> dict[str, object]:
    return {"name": name, "ready": "running" in state, "restartCount": 1, "state": state}


RUNNING = [container("a", running={}), container("b", running={})]


@pytest.mark.parametrize(
    ("made", "status", "ready", "restarts"),
    [
        (pod({"phase": "Running", "containerStatuses": RUNNING}), "Running", "2/2", 2),
        (pod({"phase": "Pending"}), "Pending", "0/2", 0),
        (pod({"phase": "Failed", "reason": "Evicted"}), "Evicted", "0/2", 0),
        (
            pod({"phase": "Running", "containerStatuses": [container("a", waiting={"reason": "CrashLoopBackOff"}), RUNNING[1]]}),
            "CrashLoopBackOff",
            "1/2",
            2,
        ),
        (
            pod({"phase": "Running", "containerStatuses": [container("a", terminated={"exitCode": 3}), RUNNING[1]]}),
            "ExitCode:3",
            "1/2",
            2,
        ),
        (
            pod({"phase": "Running", "containerStatuses": [container("a", terminated={"signal": 9, "exitCode": 137}), RUNNING[1]]}),
            "Signal:9",
            "1/2",
            2,
        ),
        (
            pod(
                {
                    "phase": "Running",
                    "containerStatuses": [container("a", terminated={"exitCode": 0, "reason": "Completed"}), RUNNING[1]],
                }
            ),
            "NotReady",
            "1/2",
            2,
        ),
        (
            pod({"phase": "Running", "containerStatuses": RUNNING}, deletionTimestamp="2026-01-01T00:00:00Z"),
            "Terminating",
            "2/2",
            2,
        ),
        (
            pod({"phase": "Succeeded"}, deletionTimestamp="2026-01-01T00:00:00Z"),
            "Succeeded",
            "0/2",
            0,
        ),
        (
            pod(
                {"phase": "Pending", "initContainerStatuses": [container("i", running={})]},
                {"initContainers": [{"name": "i"}, {"name": "j"}]},
            ),
            "Init:0/2",
            "0/2",
            1,
        ),
        (
            pod(
                {"phase": "Pending", "initContainerStatuses": [container("i", terminated={"exitCode": 1, "reason": "Error"})]},
                {"initContainers": [{"name": "i"}]},
            ),
            "Init:Error",
            "0/2",
            1,
        ),
        (
            pod(
                {
                    "phase": "Running",
                    "initContainerStatuses": [{**container("s", running={}), "started": True}],
                    "containerStatuses": RUNNING,
                },
                {"initContainers": [{"name": "s", "restartPolicy": "Always"}]},
            ),
            "Running",
            "3/3",
            3,
        ),
        (
            pod({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}),
            "SchedulingGated",
            "0/2",
            0,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_pods_status_is_what_kubectl_prints(made: Pod, status: str, ready: str, restarts: int) -> None:
    row = pod_row(made)
    assert (row.status, row.ready, row.restarts) == (status, ready, restarts)


def test_the_recorded_pods_have_the_status_that_the_server_printed() -> None:
    """The Table answer holds kubectl's columns beside each whole object."""
    path = Path(__file__).parents[2] / "transcripts" / "table" / "pods-includeobject-object.json"
    table = json.loads(path.read_text())["body"]
    columns = [column["name"] for column in table["columnDefinitions"]]
    assert table["rows"]
    for entry in table["rows"]:
        printed = dict(zip(columns, entry["cells"], strict=True))
        row = pod_row(msgspec.json.decode(json.dumps(entry["object"]), type=Pod))
        assert (row.name, row.ready, row.status) == (printed["Name"], printed["Ready"], printed["Status"])


@pytest.mark.parametrize(
    ("made", "refusal"),
    [
        (pod({"phase": "Running", "containerStatuses": RUNNING}), ""),
        (pod({"phase": "Pending"}), "no container of the pod is running (Pending)"),
        (pod({"phase": "Running", "containerStatuses": RUNNING}, deletionTimestamp="2026-01-01T00:00:00Z"), "the pod is being deleted"),
        (pod({"phase": "Running", "containerStatuses": RUNNING}, {"os": {"name": "windows"}}), ""),
    ],
)
def test_why_no_shell_can_be_opened(made: Pod, refusal: str) -> None:
    assert pod_row(made).shell_refusal == refusal


def test_the_default_container_is_the_annotated_one_if_it_is_there() -> None:
    key = "kubectl.kubernetes.io/default-container"
    assert pod_row(pod({"phase": "Running"}, annotations={key: "b"})).default_container == "b"
    assert pod_row(pod({"phase": "Running"}, annotations={key: "gone"})).default_container == "a"


def test_containers_have_their_roles_and_states() -> None:
    made = pod(
        {"phase": "Running", "containerStatuses": [RUNNING[0], container("b", waiting={"reason": "ErrImagePull", "message": "no"})]},
        {"initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}], "ephemeralContainers": [{"name": "e"}]},
    )
    rows = {row.name: (row.role, row.state, row.reason) for row in pod_row(made).containers}
    assert rows == {
        "a": ("container", "running", ""),
        "b": ("container", "waiting", "ErrImagePull"),
        "i": ("init", "unknown", ""),
        "s": ("sidecar", "unknown", ""),
        "e": ("ephemeral", "unknown", ""),
    }


def test_the_other_rows() -> None:
    def read(kind: type, body: dict[str, object]):  # type: ignore[no-untyped-def]  # any of the classes below
        return msgspec.json.decode(json.dumps(body), type=kind)

    node = read(
        Node,
        {
            "metadata": {"name": "w1", "uid": "1", "labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/os": "windows"}},
            "spec": {"unschedulable": True, "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Down"}]},
        },
    )
    row = node_row(node)
    assert (row.status, row.roles, row.os, row.taints) == ("NotReady,SchedulingDisabled", ["worker"], "windows", ["k=v:NoSchedule"])
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    assert namespace_row(read(Namespace, {"metadata": {"name": "n", "labels": labels}})).pod_security == "restricted"
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 30080}]
    assert service_row(read(Service, {"metadata": {"name": "s"}, "spec": {"ports": ports}})).ports == ["80:30080/TCP"]
    deployment = workload_row(read(Deployment, {"metadata": {"name": "d"}, "spec": {"replicas": 3}, "status": {"readyReplicas": 2}}))
    assert (deployment.kind, deployment.ready, deployment.desired) == ("Deployment", 2, 3)
    daemons = workload_row(read(DaemonSet, {"metadata": {"name": "d"}, "status": {"numberReady": 1, "desiredNumberScheduled": 4}}))
    assert (daemons.ready, daemons.desired) == (1, 4)
    assert workload_row(read(Job, {"metadata": {"name": "j"}, "status": {"succeeded": 1}})).kind == "Job"
