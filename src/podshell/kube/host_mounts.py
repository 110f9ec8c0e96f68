"""Whether the read-only mounts of a node pod are so all the way down, as the node says once it runs.

`recursiveReadOnly: IfPossible` is a wish: a server before 1.30 drops the field, and a node whose kernel or runtime cannot mounts read-only
at the top alone; what is mounted below can then be written (KEP-3857). Only the pod's status tells which it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from podshell.kube.manifests import HOST_FOLDER
from podshell.kube.objects import KubeObject
from podshell.kube.rest import Client
from podshell.kube.workloads import PODS


class _Mount(KubeObject, frozen=True):
    mount_path: str = ""
    recursive_read_only: str = ""


class _ContainerStatus(KubeObject, frozen=True):
    name: str = ""
    volume_mounts: tuple[_Mount, ...] | None = None


class _Status(KubeObject, frozen=True):
    container_statuses: tuple[_ContainerStatus, ...] | None = None


class MountedPod(KubeObject, frozen=True):
    """A pod with what its status says of mounts; others do not need it, so `Pod` leaves it out."""

    status: _Status = _Status()


async def read_shallow(client: Client, namespace: str, pod: str, container: str, paths: Iterable[str]) -> list[str]:
    """Return those of the node's paths that were asked for as read-only and can be written below.

    Raises:
        KubeError: the pod cannot be read.
    """
    return shallow(await client.get(PODS.path(namespace, pod), MountedPod), container, paths)


def shallow(pod: MountedPod, container: str, paths: Iterable[str]) -> list[str]:
    """As `read_shallow`, of a pod that was read. A status that says nothing of mounts is from before 1.30. Pure."""
    mounts = [mount for one in pod.status.container_statuses or () if one.name == container for mount in one.volume_mounts or ()]
    recursive = {mount.mount_path for mount in mounts if mount.recursive_read_only == "Enabled"}
    return [path for path in paths if (HOST_FOLDER if path == "/" else path) not in recursive]


def shallow_text(paths: Iterable[str]) -> str:
    """Say what that means to who works there."""
    places = ", ".join(HOST_FOLDER if path == "/" else path for path in paths)
    return f"{places}: read-only at the top only, what is mounted below can be written (this cluster has no recursive read-only mounts)"
