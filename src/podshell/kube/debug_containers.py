"""The tools containers of pods: whether a pod can take one, finding one of ours that still runs, adding one.

It cannot be removed again; its waiter ends it (docs/adr/0007). The patch is strategic: any other would replace the list
(kubernetes.md 4.1). Where patch is not granted and update is, the whole pod is sent back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from podshell.kube.debug_options import OWN_CONTAINER_STEP, ResolvedOptions
from podshell.kube.errors import Conflict, Forbidden, KubeError
from podshell.kube.hazards import Broken, judge_node
from podshell.kube.manifests import (
    EXPIRES_VARIABLE,
    KEY_VARIABLE,
    USER_VARIABLE,
    Manifest,
    TargetUser,
    debug_container_name,
    ephemeral_patch,
)
from podshell.kube.node_pods import system_of
from podshell.kube.objects import KubeObject, Node, Pod, SecurityContext
from podshell.kube.rest import Client, PatchKind, decode_answer
from podshell.kube.workloads import NODES, PODS

# Somebody else changed the pod between our look and what we add.
_ADD_TRIES = 5
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
    """A pod, and the debug containers of ours in it that run, or start without having met a hindrance."""

    pod: Pod
    running: tuple[ToolsContainer, ...]
    starting: tuple[ToolsContainer, ...] = ()


_POD = msgspec.json.Decoder(Pod)
_TOOLS_POD = msgspec.json.Decoder(_ToolsPod)


async def read_equipped(client: Client, namespace: str, name: str) -> EquippedPod:
    """Read a pod with the debug containers of ours that run or start in it.

    Raises:
        KubeError: NotFound, Forbidden, ...
    """
    raw = await client.get(PODS.path(namespace, name), msgspec.Raw)
    pod = decode_answer(raw, _POD)
    every = decode_answer(raw, _TOOLS_POD).spec.ephemeral_containers or ()
    ours = [one for one in every if one.name.startswith(_OUR_PREFIX)]
    return EquippedPod(pod, *(tuple(one for one in ours if is_so(pod, one.name)) for is_so in (_runs, _starts)))


def _runs(pod: Pod, container: str) -> bool:
    status = pod.container_status(container)
    return status is not None and status.state.running is not None


def _starts(pod: Pod, container: str) -> bool:
    status = pod.container_status(container)
    if status is None:
        return True
    waiting = status.state.waiting
    return waiting is not None and waiting.reason in ("", "ContainerCreating", "PodInitializing")


def pod_problem(pod: Pod, target: str) -> Broken | None:
    """Say why no debug container can start in a pod. `target`: whose processes it is to share, empty: nobody's. Pure."""
    name = f"pod {pod.metadata.namespace}/{pod.metadata.name}"
    node = pod.spec.node_name
    if pod.spec.os is not None and pod.spec.os.name not in ("", "linux"):
        return Broken(name, "UnsupportedOS", f"{name}: unsupported OS (kubectl shell requires Linux)", OWN_CONTAINER_STEP)
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


async def read_pod_node_problem(client: Client, pod: Pod) -> Broken | None:
    """Say why the node of a pod starts no debug container: it does not run Linux, or is not Ready. A node that cannot be read says nothing.

    S2 asks the node for the system (retina-shell.md 1.5): few pods name theirs. What is added to a pod cannot be removed again, so this
    comes before.
    """
    if not pod.spec.node_name:
        return None
    try:
        node = await client.get(NODES.path("", pod.spec.node_name), Node)
    except KubeError:
        return None  # not ours to read, gone, or no answer now: then the start tells
    return pod_node_problem(pod, node)


def pod_node_problem(pod: Pod, node: Node) -> Broken | None:
    """As `read_pod_node_problem`, of a node that was read. Pure."""
    name, system = f"pod {pod.metadata.namespace}/{pod.metadata.name}", system_of(node)
    if system == "linux":
        return judge_node(node, node.metadata.name, host_network=pod.spec.host_network)
    text = f"{name}: unsupported OS (kubectl shell requires Linux): its node {node.metadata.name} runs {system or 'an unknown system'}"
    return Broken(name, "UnsupportedOS", text, OWN_CONTAINER_STEP)


def shares_processes(pod: Pod) -> bool:
    """Whether all containers of a pod see each other's processes, whatever they name as their target."""
    return bool(pod.spec.share_process_namespace) or pod.spec.host_pid


def sharing_problem(found: EquippedPod, target: str, user: str) -> Broken | None:
    """Say why a debug container that sees processes would reach another user's, and theirs ours. Pure."""
    shared = shares_processes(found.pod)
    every = (*found.running, *found.starting)
    others = (one for one in every if (shared or one.target_container_name) and one.variable(USER_VARIABLE) != user)
    if not (target or shared) or (other := next(others, None)) is None:
        return None
    name = f"pod {found.pod.metadata.namespace}/{found.pod.metadata.name}"
    whose = other.variable(USER_VARIABLE) or "somebody else"
    if shared:
        text = f"all containers of {name} share their processes, and {whose} has a debug container in it: each would see the other's shell"
        return Broken(name, "TargetShared", text, "wait until theirs has ended")
    text = f"{name} has a debug container of {whose} with a target: each would see the other's shell"
    return Broken(name, "TargetShared", text, "open it without a target, or wait until theirs has ended")


def may_reuse(options: ResolvedOptions) -> bool:
    """Whether an earlier container will do: not where the image is to be pulled anew and may have changed under its tag. Pure."""
    return options.pull_policy != "Always" or "@" in options.image


def reusable(found: EquippedPod, key: str, until: float, free: Callable[[str], bool] = lambda _: True) -> str:
    """Return the running container that was made for the same (`manifests.debug_key`) and is `free`, or nothing. Pure.

    `until`: Unix seconds to which it must be allowed to live.
    """
    return next((one.name for one in found.running if _serves(one, key, until) and free(one.name)), "")


def joinable(found: EquippedPod, key: str, until: float) -> str:
    """As `reusable`, of the containers that are starting: for another shell of the same user, opened a moment ago. Pure."""
    return next((one.name for one in found.starting if _serves(one, key, until)), "")


def _serves(one: ToolsContainer, key: str, until: float) -> bool:
    return one.variable(KEY_VARIABLE) == key and seconds_of(one.variable(EXPIRES_VARIABLE)) >= until


def seconds_of(time: str) -> float:
    """Return the Unix seconds of a time as Kubernetes writes it; 0.0 of anything else. Pure."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        return 0.0


def life_until(options: ResolvedOptions, now: float) -> float:
    """Return how long a container that is used again must still live: half of what a new one would. Unix seconds. Pure."""
    return now + options.ttl_seconds / 2


def runs_as_non_root(pod: Pod) -> bool:
    """Whether the pod forbids root to containers that say nothing themselves."""
    context = pod.spec.security_context
    return context is not None and context.run_as_non_root is True


def target_user(pod: Pod, target: str) -> TargetUser:
    """Return whom the pod says that its container `target` runs as. Pure."""
    found = next((one for one in (*pod.spec.containers, *(pod.spec.init_containers or ())) if one.name == target), None)
    own = (found.security_context if found is not None else None) or SecurityContext()
    of_pod = pod.spec.security_context or SecurityContext()
    user = own.run_as_user if own.run_as_user is not None else of_pod.run_as_user
    return TargetUser(user or 0, own.run_as_group if own.run_as_group is not None else of_pod.run_as_group)


async def add_container(client: Client, namespace: str, pod: str, build: Callable[[str], Manifest], *, version: str = "") -> str:
    """Add a debug container to a pod, under a name that `build` gets; returns the name.

    Whoever may update and not patch (S2's rights, retina-shell.md 1.8) is served by a PUT of what was read. `version`: the pod's
    resourceVersion; if it has changed since, that is a Conflict at once.

    Raises:
        KubeError: it was refused; Conflict when others kept changing the pod.
    """
    tries = 1 if version else _ADD_TRIES
    try:
        return await _again(partial(_patch, client, namespace, pod, build, version), tries)
    except Forbidden as refused:
        if refused.verb != "patch":
            raise
        try:
            return await _again(partial(_put, client, namespace, pod, build, version), tries)
        except Forbidden as error:
            if error.verb != "update":
                raise
            raise refused from error  # neither is granted: to patch is what we ask for


async def _again(add: Callable[[], Awaitable[str]], tries: int) -> str:
    for _ in range(tries - 1):
        try:
            return await add()
        except Conflict:
            continue
    return await add()


async def _patch(client: Client, namespace: str, pod: str, build: Callable[[str], Manifest], version: str) -> str:
    name = debug_container_name()
    path = PODS.path(namespace, pod, "ephemeralcontainers")
    await client.patch(path, ephemeral_patch(build(name), version), msgspec.Raw, how=PatchKind.STRATEGIC)
    return name


async def _put(client: Client, namespace: str, pod: str, build: Callable[[str], Manifest], version: str) -> str:
    name = debug_container_name()
    # with all its fields, also those that we do not know: what a PUT leaves out is taken away
    read: dict[str, Any] = msgspec.json.decode(await client.get(PODS.path(namespace, pod), msgspec.Raw))
    spec = read["spec"]
    spec["ephemeralContainers"] = [*(spec.get("ephemeralContainers") or ()), build(name)]
    if version:
        read["metadata"]["resourceVersion"] = version
    # its resourceVersion goes along: whoever changed the pod meanwhile makes it a Conflict
    await client.replace(PODS.path(namespace, pod, "ephemeralcontainers"), read, msgspec.Raw)
    return name
