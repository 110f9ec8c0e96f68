"""A pod's details and an object's events: what is shown, what is left out, what is cut."""

from __future__ import annotations

from typing import Any

import msgspec

from podshell.agent.details import LAST_APPLIED, LINE_CHARS, pod_details
from podshell.agent.events import event_row
from podshell.kube.objects import Event
from podshell.kube.pod_details import FullPod
from podshell.wire.details import EventRow, OwnerRow, PodDetails, TerminationRow, VolumeRow

POD: dict[str, Any] = {
    "metadata": {
        "name": "web-0", "namespace": "shop", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "web"},
        "annotations": {LAST_APPLIED: '{"env":[{"value":"s3cret"}]}', "team": "cart", "kubectl.kubernetes.io/default-container": "web"},
    },
    "spec": {
        "nodeName": "worker-1", "serviceAccountName": "web", "hostNetwork": True, "restartPolicy": "Always",
        "securityContext": {"runAsNonRoot": True, "fsGroup": 7},
        "containers": [
            {"name": "proxy", "image": "proxy:1"},
            {
                "name": "web", "image": "web:2", "command": ["run", "--fast"], "env": [{"name": "TOKEN", "value": "s3cret"}],
                "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
                "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}},
                "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
                "securityContext": {"privileged": True, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}},
            },
        ],
        "initContainers": [{"name": "setup", "image": "setup:1"}, {"name": "mesh", "image": "mesh:1", "restartPolicy": "Always"}],
        "ephemeralContainers": [{"name": "debugger", "image": "tools:1", "targetContainerName": "web"}],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}, {"name": "tmp", "emptyDir": {}},
            {"name": "settings", "configMap": {"name": "web-settings"}},
        ],
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
    },
    "status": {
        "phase": "Running", "qosClass": "Burstable", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "web waits"}],
        "containerStatuses": [
            {
                "name": "web", "restartCount": 4, "imageID": "web@sha256:1", "ready": False,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:05:00Z"}},
            }
        ],
    },
}  # fmt: skip


def details(changes: dict[str, Any] | None = None) -> PodDetails:
    pod = msgspec.json.decode(msgspec.json.encode({**POD, **(changes or {})}), type=FullPod)
    return pod_details(pod, [OwnerRow("StatefulSet", "web", "o1")])


def test_a_container_tells_its_state_and_how_its_last_run_ended() -> None:
    web = next(one for one in details().containers if one.name == "web")
    assert (web.state, web.reason, web.message, web.restarts) == ("waiting", "CrashLoopBackOff", "back-off 40s", 4)
    assert web.termination is None
    assert web.last_termination == TerminationRow(137, "OOMKilled", finished_at="2026-01-01T00:05:00Z")


def test_every_sort_of_container_is_told_apart() -> None:
    shown = {one.name: (one.role, one.target) for one in details().containers}
    assert shown == {
        "proxy": ("container", ""), "web": ("container", ""), "setup": ("init", ""), "mesh": ("sidecar", ""),
        "debugger": ("ephemeral", "web"),
    }  # fmt: skip


def test_the_facts_of_a_pod_are_there() -> None:
    pod = details()
    assert (pod.status, pod.ready, pod.qos, pod.service_account, pod.ips) == (
        "CrashLoopBackOff", "0/3", "Burstable", "web", ["10.0.0.1", "fd00::1"],
    )  # fmt: skip
    assert [(one.type, one.status, one.reason) for one in pod.conditions] == [("Ready", "False", "ContainersNotReady")]
    assert pod.volumes == [
        VolumeRow("data", "persistentVolumeClaim", "data-web-0"), VolumeRow("tmp", "emptyDir"),
        VolumeRow("settings", "configMap", "web-settings"),
    ]  # fmt: skip
    assert pod.tolerations == ["node.kubernetes.io/not-ready:NoExecute for 300 s"]
    assert pod.owners == [OwnerRow("StatefulSet", "web", "o1")]
    assert pod.security == ["uses the node's network", "files belong to group 7", "must not run as root"]
    assert pod.default_container == "web"


def test_a_container_shows_what_it_may_use() -> None:
    web = next(one for one in details().containers if one.name == "web")
    assert (web.ports, web.requests, web.limits) == (["8080/TCP http"], {"cpu": "10m"}, {"memory": "64Mi"})
    assert [(one.path, one.volume, one.read_only) for one in web.mounts] == [("/data", "data", True)]
    assert web.probes == ["readiness: GET :http/ready, every 5 s, 3 failures count"]
    assert web.security == ["privileged", "adds NET_ADMIN", "drops ALL"]


def test_no_value_of_the_environment_and_no_last_applied_travels() -> None:
    pod = details()
    assert b"s3cret" not in msgspec.msgpack.encode(pod)
    assert next(one for one in pod.containers if one.name == "web").environment == ["TOKEN"]
    assert pod.annotations == {"team": "cart", "kubectl.kubernetes.io/default-container": "web"}
    assert pod.annotations_left_out == [LAST_APPLIED]


def test_what_is_too_long_is_cut_so_that_the_row_parses_at_the_other_end() -> None:
    many = {f"key-{number}": "v" * 9000 for number in range(500)}
    containers = [{"name": "web", "image": "i" * 5000, "args": ["x" * 70_000] * 400}]
    pod = details({"metadata": {**POD["metadata"], "annotations": many}, "spec": {"containers": containers}})
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(pod), type=PodDetails)
    assert len(again.annotations) == 200
    assert len(again.annotations_left_out) == 300
    assert all(len(arg) == LINE_CHARS for arg in again.containers[0].args)


def test_an_event_of_either_api_is_one_row() -> None:
    about = {"kind": "Pod", "name": "web-0", "fieldPath": "spec.containers{web}"}
    old = {
        "metadata": {"uid": "e1"}, "involvedObject": about, "type": "Warning", "reason": "BackOff", "message": "Back-off", "count": 9,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:09:00Z", "source": {"component": "kubelet"},
    }  # fmt: skip
    new = {
        "metadata": {"uid": "e2"}, "involvedObject": {"kind": "Pod", "name": "web-0"}, "type": "Normal", "reason": "Scheduled",
        "message": "Assigned", "eventTime": "2026-01-01T00:00:00.5Z", "reportingComponent": "default-scheduler",
        "firstTimestamp": None, "lastTimestamp": None, "series": {"count": 3, "lastObservedTime": "2026-01-01T00:02:00Z"},
    }  # fmt: skip
    assert event_row(msgspec.convert(old, Event)) == EventRow(
        "e1", "Warning", "BackOff", "Back-off", 9, "2026-01-01T00:00:00Z", "2026-01-01T00:09:00Z", "kubelet", "Pod", "web-0", "web"
    )
    row = event_row(msgspec.convert(new, Event))
    assert (row.count, row.first_at, row.last_at, row.source, row.container) == (
        3, "2026-01-01T00:00:00.5Z", "2026-01-01T00:02:00Z", "default-scheduler", "",
    )  # fmt: skip
