"""Whether the read-only mounts of a node pod are so all the way down, as the node says once it runs; both are told to who works there.

`recursiveReadOnly: IfPossible` is a wish: a server before 1.30 drops the field, and a node whose kernel or runtime cannot mounts read-only
at the top alone; what is mounted below can then be written (KEP-3857). Only the pod's status tells which it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from podshell.kube.debug_options import ResolvedOptions
from podshell.kube.errors import KubeError
from podshell.kube.manifests import HOST_FOLDER, KERNEL_FOLDERS
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


def mounted_paths(options: ResolvedOptions) -> list[str]:
    """Return the node's paths that a node pod mounts. Pure."""
    paths = ["/"] if options.mount_host else []
    return [*paths, *KERNEL_FOLDERS.values()] if options.kernel_mounts else paths


def read_only_paths(options: ResolvedOptions) -> list[str]:
    """Return those of them that are asked for as read-only. Pure."""
    return [] if options.host_write else mounted_paths(options)


async def read_mounts_text(client: Client, namespace: str, pod: str, container: str, paths: Iterable[str]) -> str:
    """Say of the node's read-only paths how far down they are; nothing for none."""
    if not (asked := list(paths)):
        return ""
    try:
        return mounts_text(asked, await read_shallow(client, namespace, pod, container, asked))
    except KubeError as error:
        return f"{_places(asked)}: whether all that is mounted below is read-only, too, is not known ({error})"


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


def mounts_text(paths: Iterable[str], open_below: Sequence[str]) -> str:
    """Say how far down read-only paths are so, first those that can be written below; nothing for no paths. Pure."""
    deep = [path for path in paths if path not in open_below]
    said = [shallow_text(open_below) if open_below else "", deep_text(deep) if deep else ""]
    return "; ".join(filter(None, said))


def shallow_text(paths: Iterable[str]) -> str:
    """Say what that means to who works there. Pure."""
    text = "read-only at the top only, what is mounted below can be written (this cluster has no recursive read-only mounts)"
    return f"{_places(paths)}: {text}"


def deep_text(paths: Sequence[str]) -> str:
    """Say that nothing below can be written. Pure."""
    return f"{_places(paths)}: read-only, with all that is mounted below {'it' if len(paths) == 1 else 'them'}"


def _places(paths: Iterable[str]) -> str:
    return ", ".join(HOST_FOLDER if path == "/" else path for path in paths)
