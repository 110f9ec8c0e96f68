"""Pods for load: they look Running, are bound to a ready node and have no process."""

from __future__ import annotations

from collections.abc import Iterator

from podshell.sandbox.content.manifests import namespace
from podshell.sandbox.kubelet.kubelet import SYNTHETIC
from podshell.sandbox.store import Obj, timestamp

_SPACES = 10


def load_pods(count: int, node: str, host_ip: str) -> Iterator[Obj]:
    """`count` pods over ten namespaces load-0 to load-9, preceded by the namespaces."""
    for number in range(min(count, _SPACES)):
        yield namespace(f"load-{number}")
    moment = timestamp()
    for number in range(count):
        yield _pod(number, node, host_ip, moment)


def _pod(number: int, node: str, host_ip: str, moment: str) -> Obj:
    app, address = f"service-{number // 20 % 50}", f"10.245.{number // 250 % 250}.{number % 250 + 2}"
    conditions = [
        {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": moment}
        for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    status = {
        "name": "app",
        "state": {"running": {"startedAt": moment}},
        "lastState": {},
        "ready": True,
        "started": True,
        "restartCount": 0,
        "image": "busybox:1.36",
        "imageID": "sha256:" + "7" * 64,
        "containerID": f"containerd://{number:064x}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{app}-{number:05d}",
            "namespace": f"load-{number % _SPACES}",
            "labels": {"app": app, "tier": "load"},
            "annotations": {SYNTHETIC: "true"},
        },
        "spec": {
            "nodeName": node,
            "containers": [{"name": "app", "image": "busybox:1.36", "command": ["sleep", "infinity"]}],
            "terminationGracePeriodSeconds": 1,
        },
        "status": {
            "phase": "Running",
            "conditions": conditions,
            "hostIP": host_ip,
            "hostIPs": [{"ip": host_ip}],
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": moment,
            "containerStatuses": [status],
            "qosClass": "BestEffort",
        },
    }
