"""Builders of the content's objects: namespaces, containers, workloads, services. Pure."""

from __future__ import annotations

from podshell.sandbox.store import Obj

# Programs that end at TERM at once, so that rollouts and deletions are quick; `exec` keeps them PID 1.
IDLE = "trap 'exit 0' TERM; echo \"$0 ready\"; while :; do sleep 3600 & wait $!; done"


def namespace(name: str, level: str | None = None) -> Obj:
    """A namespace; `level` is its pod-security.kubernetes.io/enforce label."""
    labels = {"kubernetes.io/metadata.name": name}
    if level is not None:
        labels["pod-security.kubernetes.io/enforce"] = level
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def container(name: str, image: str, script: str | None = None, *, shell: str = "sh", restricted: bool = False) -> Obj:
    """A container that runs a shell script, or the image's own command when there is none."""
    made: Obj = {"name": name, "image": image}
    if script is not None:
        made["command"] = [shell, "-c", script, name]
    if restricted:
        made["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    return made


def port(made: Obj, number: int, name: str = "http") -> Obj:
    """The container with a declared port."""
    return made | {"ports": [{"name": name, "containerPort": number, "protocol": "TCP"}]}


def template(app: str, *containers: Obj, annotations: dict[str, str] | None = None, **spec: object) -> Obj:
    metadata: Obj = {"labels": {"app": app}}
    if annotations:
        metadata["annotations"] = annotations
    # 5 s instead of 30: a program that ignores TERM does not hold up a session with the sandbox for long.
    return {"metadata": metadata, "spec": {"terminationGracePeriodSeconds": 5, "containers": list(containers), **spec}}


def deployment(space: str, name: str, pods: Obj, *, replicas: int = 1) -> Obj:
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pods}
    return _workload("apps/v1", "Deployment", space, name, spec)


def statefulset(space: str, name: str, pods: Obj, *, replicas: int = 1) -> Obj:
    spec = {"serviceName": name, "replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pods}
    return _workload("apps/v1", "StatefulSet", space, name, spec)


def daemonset(space: str, name: str, pods: Obj) -> Obj:
    spec = {"selector": {"matchLabels": {"app": name}}, "template": pods}
    return _workload("apps/v1", "DaemonSet", space, name, spec)


def job(space: str, name: str, pods: Obj) -> Obj:
    pods["spec"]["restartPolicy"] = "Never"
    return _workload("batch/v1", "Job", space, name, {"backoffLimit": 2, "template": pods})


def pod(space: str, name: str, pods: Obj) -> Obj:
    made = _workload("v1", "Pod", space, name, pods["spec"])
    made["metadata"]["labels"] = pods["metadata"]["labels"]
    made["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
    return made


def service(space: str, name: str, number: int, address: str) -> Obj:
    spec: Obj = {"selector": {"app": name}, "clusterIP": address, "clusterIPs": [address], "type": "ClusterIP"}
    spec["ports"] = [{"name": "http", "port": number, "targetPort": number, "protocol": "TCP"}]
    return _workload("v1", "Service", space, name, spec)


def service_account(space: str, name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": space}}


def _workload(version: str, kind: str, space: str, name: str, spec: Obj) -> Obj:
    metadata = {"name": name, "namespace": space, "labels": {"app": name}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
