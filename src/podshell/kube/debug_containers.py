"""The tools containers of pods: whether a pod can take one, finding one of ours that still runs, adding one.

It cannot be removed again; its waiter ends it (docs/adr/0007). The patch is strategic: any other would replace the list
(kubernetes.md 4.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from podshell.kube.errors import Conflict
from podshell.kube.hazards import Broken
from podshell.kube.manifests import KEY_VARIABLE, USER_VARIABLE, Manifest, debug_container_name, ephemeral_patch
from podshell.kube.objects import KubeObject, Pod
from podshell.kube.rest import Client, PatchKind, decode_answer
from podshell.kube.workloads import PODS

# Somebody else changed the pod between our look and our patch.
_PATCH_TRIES = 5
_OUR_PREFIX = "podshell-"


class _Variable(KubeObject, frozen=True):
    name: str = ""
    value: str = ""


class ToolsContainer(KubeObject, frozen=True):
    """A debug container with what `Pod` leaves out for its size: its environment."""

    name: str = ""
    image: str = ""
    target_container_name: str = ""
    env: tuple[_Variable, ...] | None = None

    def variable(self, name: str) -> str:
        return next((one.value for one in self.env or () if one.name == name), "")


class _ToolsSpec(KubeObject, frozen=True):
    ephemeral_containers: tuple[ToolsContainer, ...] | None = None


class _ToolsPod(KubeObject, frozen=True):
    spec: _ToolsSpec = _ToolsSpec()


@dataclass(frozen=True, slots=True)
class EquippedPod:
    """A pod, and the debug containers of ours in it that run."""

    pod: Pod
    running: tuple[ToolsContainer, ...]


_POD = msgspec.json.Decoder(Pod)
_TOOLS_POD = msgspec.json.Decoder(_ToolsPod)


async def read_equipped(client: Client, namespace: str, name: str) -> EquippedPod:
    """Read a pod with the debug containers of ours that run in it.

    Raises:
        KubeError: NotFound, Forbidden, ...
    """
    raw = await client.get(PODS.path(namespace, name), msgspec.Raw)
    pod = decode_answer(raw, _POD)
    every = decode_answer(raw, _TOOLS_POD).spec.ephemeral_containers or ()
    return EquippedPod(pod, tuple(one for one in every if one.name.startswith(_OUR_PREFIX) and _runs(pod, one.name)))


def _runs(pod: Pod, container: str) -> bool:
    status = pod.container_status(container)
    return status is not None and status.state.running is not None


def pod_problem(pod: Pod, target: str) -> Broken | None:
    """Say why no debug container can start in a pod. `target`: whose processes it is to share, empty: nobody's. Pure."""
    name = f"pod {pod.metadata.namespace}/{pod.metadata.name}"
    node = pod.spec.node_name
    if pod.spec.os is not None and pod.spec.os.name not in ("", "linux"):
        return Broken(name, "UnsupportedOS", f"{name}: unsupported OS (kubectl shell requires Linux)", "use podshell exec")
    if pod.metadata.annotations is not None and pod.metadata.annotations.mirror:
        text = f"{name} is a static pod: static pods do not support ephemeral containers"
        return Broken(name, "StaticPod", text, f"open a shell on its node: {node}")
    if pod.metadata.deletion_timestamp is not None:
        return Broken(name, "PodEnded", f"{name} is being deleted", "choose a pod that runs")
    if pod.status.phase in ("Succeeded", "Failed"):
        return Broken(name, "PodEnded", f"{name} has ended ({pod.status.phase})", "choose a pod that runs")
    if not node:
        text = f"{name} is not on a node yet ({pod.status.phase or 'Pending'})"
        return Broken(name, "PodPending", text, "wait until it is scheduled: kubectl describe pod")
    containers = [one.name for one in (*pod.spec.containers, *(pod.spec.init_containers or ()))]
    if target and target not in containers:
        return Broken(name, "TargetUnknown", f"{name} has no container {target}", f"choose one with --target: {', '.join(containers)}")
    return None


def sharing_problem(found: EquippedPod, target: str, user: str) -> Broken | None:
    """Say why a debug container with a target would reach another user's, and theirs ours. Pure."""
    others = (one for one in found.running if one.target_container_name and one.variable(USER_VARIABLE) != user)
    if not target or (other := next(others, None)) is None:
        return None
    name = f"pod {found.pod.metadata.namespace}/{found.pod.metadata.name}"
    whose = other.variable(USER_VARIABLE) or "somebody else"
    text = f"{name} has a debug container of {whose} with a target: each would see the other's shell"
    return Broken(name, "TargetShared", text, "open it without a target, or wait until theirs has ended")


def reusable(found: EquippedPod, key: str, free: Callable[[str], bool] = lambda _: True) -> str:
    """Return the container that was made for the same (`manifests.debug_key`) and is `free`, or nothing. Pure."""
    return next((one.name for one in found.running if one.variable(KEY_VARIABLE) == key and free(one.name)), "")


def runs_as_non_root(pod: Pod) -> bool:
    """Whether the pod forbids root to containers that say nothing themselves."""
    context = pod.spec.security_context
    return context is not None and context.run_as_non_root is True


async def add_container(client: Client, namespace: str, pod: str, build: Callable[[str], Manifest]) -> str:
    """Add a debug container to a pod, under a name that `build` gets; returns the name.

    Raises:
        KubeError: it was refused; Conflict when others kept changing the pod.
    """
    for _ in range(_PATCH_TRIES - 1):
        try:
            return await _patch(client, namespace, pod, build)
        except Conflict:
            continue
    return await _patch(client, namespace, pod, build)


async def _patch(client: Client, namespace: str, pod: str, build: Callable[[str], Manifest]) -> str:
    name = debug_container_name()
    path = PODS.path(namespace, pod, "ephemeralcontainers")
    await client.patch(path, ephemeral_patch(build(name)), msgspec.Raw, how=PatchKind.STRATEGIC)
    return name
