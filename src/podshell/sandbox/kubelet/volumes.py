"""The volumes of a pod that have an effect here: host paths and emptyDirs. Pure.

An emptyDir lies where a real kubelet puts it, below the node's /var/lib/kubelet, which is a file system in memory: so every medium is
Memory, and all of them are visible through a host path. Other kinds of volumes are accepted and mount nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from podshell.sandbox.runtime.specs import Mount
from podshell.sandbox.store import Obj


def mounts_of(pod: Obj, container: Obj) -> tuple[Mount, ...]:
    """What the container sees of the node and of its pod's shared folders."""
    sources = {one["name"]: one for one in pod["spec"].get("volumes") or []}
    made = []
    for mount in container.get("volumeMounts") or []:
        volume = sources.get(mount["name"], {})
        read_only = bool(mount.get("readOnly"))
        recursive = read_only and mount.get("recursiveReadOnly") in ("Enabled", "IfPossible")
        if "hostPath" in volume:
            # A missing host path without a type is made as a folder (containerd pkg/cri, as Docker did).
            path, mode = volume["hostPath"]["path"], 0o755
        elif "emptyDir" in volume:
            path, mode = f"{pod_folder(pod)}/volumes/kubernetes.io~empty-dir/{volume['name']}", 0o777
        else:
            continue
        if mount.get("subPath"):
            path = f"{path.rstrip('/')}/{mount['subPath']}"
        made.append(Mount(path, mount["mountPath"], read_only, recursive, mode))
    return tuple(made)


def pod_folder(pod: Obj) -> str:
    return f"/var/lib/kubelet/pods/{pod['metadata']['uid']}"


def host_paths(pod: Obj) -> Iterator[tuple[str, str, str]]:
    """Name, path and type of each host path volume."""
    for one in pod["spec"].get("volumes") or []:
        if "hostPath" in one:
            yield one["name"], one["hostPath"]["path"], one["hostPath"].get("type") or ""


def propagation_fault(pod: Obj, container: Obj, container_id: str) -> str:
    """Why a mount cannot follow the node's: / of the node is private (transcripts/node/hosttocontainer-private-root)."""
    host = {name: path for name, path, _ in host_paths(pod)}
    for mount in container.get("volumeMounts") or []:
        words = {"HostToContainer": "shared or slave mount", "Bidirectional": "shared mount"}.get(mount.get("mountPropagation", ""))
        path = host.get(mount["name"])
        if words and path is not None:
            why = f'path "{path}" is mounted on "/" but it is not a {words}'
            return f'failed to generate container "{container_id}" spec: failed to generate spec: {why}'
    return ""
