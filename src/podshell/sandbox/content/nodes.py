"""The nodes of a sandbox cluster: ready or not, of either system, with roles, taints and pressure."""

from __future__ import annotations

import platform

from podshell.sandbox.store import Obj, timestamp

_PRESSURES = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}


def node(
    name: str,
    address: str,
    *,
    version: str,
    ready: bool = True,
    windows: bool = False,
    zone: str = "a",
    role: str = "",
    disk_pressure: bool = False,
) -> Obj:
    """A node object with the fields that `kubectl get nodes -o wide` and `describe` show."""
    system = "windows" if windows else "linux"
    taints: list[Obj] = [{"key": "os", "value": "windows", "effect": "NoSchedule"}] if windows else []
    if not ready:
        # transcripts/lifecycle/node-not-ready
        taints += [
            {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule", "timeAdded": timestamp()},
            {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": timestamp()},
        ]
    if role == "control-plane":
        taints.append({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"})
    if disk_pressure:  # kubernetes pkg/controller/nodelifecycle
        taints.append({"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule", "timeAdded": timestamp()})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": system,
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": system,
                "topology.kubernetes.io/zone": zone,
                **({f"node-role.kubernetes.io/{role}": ""} if role else {}),
            },
        },
        "spec": {"podCIDR": "10.244.0.0/16", "podCIDRs": ["10.244.0.0/16"]} | ({"taints": taints} if taints else {}),
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "capacity": {"cpu": "4", "memory": "16374044Ki", "pods": "110", "ephemeral-storage": "102626232Ki"},
            "allocatable": {"cpu": "4", "memory": "16271644Ki", "pods": "110", "ephemeral-storage": "94580335255"},
            "conditions": _conditions(ready, disk_pressure),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _node_info(version, windows),
        },
    }


def _node_info(version: str, windows: bool) -> Obj:
    return {
        "architecture": "amd64",
        "bootID": "",
        "containerRuntimeVersion": "containerd://2.1.9",
        "kernelVersion": "10.0.20348.2402" if windows else platform.release(),
        "kubeProxyVersion": "",
        "kubeletVersion": version,
        "machineID": "",
        "operatingSystem": "windows" if windows else "linux",
        "osImage": "Windows Server 2022 Datacenter" if windows else "Podshell sandbox",
        "systemUUID": "",
    }


def _conditions(ready: bool, disk_pressure: bool) -> list[Obj]:
    moment = timestamp()
    times = {"lastHeartbeatTime": moment, "lastTransitionTime": moment}
    if not ready:
        stopped = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        return [{"type": kind, "status": "Unknown", **times, **stopped} for kind in (*_PRESSURES, "Ready")]
    made = [
        {"type": kind, "status": "False", **times, "reason": reason, "message": message} for kind, (reason, message) in _PRESSURES.items()
    ]
    if disk_pressure:
        pressed = {"status": "True", "reason": "KubeletHasDiskPressure", "message": "kubelet has disk pressure"}
        made = [one | pressed if one["type"] == "DiskPressure" else one for one in made]
    ready_texts = {"reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return [*made, {"type": "Ready", "status": "True", **times, **ready_texts}]
