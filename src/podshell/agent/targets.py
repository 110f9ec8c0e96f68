"""Whether a session's container is still the one that it was opened in, and which container a request means. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from podshell.kube.objects import ContainerStatus, Pod
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy


@dataclass(frozen=True, slots=True)
class TargetIdentity:
    """One life of one container. `container_id` is empty when it was not running; `windows`: its pod says that it is one of Windows;
    `expires`: when a pod of ours ends at the latest, as it says."""

    namespace: str
    pod: str
    pod_uid: str
    container: str
    container_id: str = ""
    windows: bool = False
    expires: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """The container is no longer there; `text` says why."""

    text: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """The pod is being deleted; its containers still run."""

    text: str


def target_state(target: TargetIdentity, pod: Pod | None) -> Gone | Leaving | None:
    """Return what happened to the target, or None when it is as it was."""
    if pod is None or pod.metadata.uid != target.pod_uid:
        return Gone(f"the pod {target.pod} was deleted")
    if pod.status.phase in ("Failed", "Succeeded"):
        why = pod.status.reason or pod.status.message
        return Gone(f"the pod {target.pod} has ended ({pod.status.phase}{f': {why}' if why else ''})")
    status = pod.container_status(target.container)
    if status is not None and (ended := _container_end(target, status)):
        return Gone(ended)
    if pod.metadata.deletion_timestamp is not None:
        grace = pod.metadata.deletion_grace_period_seconds
        within = f" within {grace} s" if grace else ""
        return Leaving(f"the pod {target.pod} is being deleted: this shell ends{within}")
    return None


def _container_end(target: TargetIdentity, status: ContainerStatus) -> str:
    if not target.container_id:
        return ""
    ended = status.state.terminated
    if ended is None and status.container_id not in ("", target.container_id):
        ended = status.last_state.terminated
        if ended is None:
            return f"the container {target.container} was replaced"
    if ended is None:
        return ""
    reason = f"{ended.reason}, " if ended.reason else ""
    return f"the container {target.container} has ended ({reason}exit code {ended.exit_code})"


def choose_container(pod: Pod, wanted: str) -> str | Refusal:
    """Return the container that a request means; one that names none is clear only when the pod has one."""
    names = [container.name for container in pod.spec.containers]
    every = [*names, *(c.name for c in pod.spec.init_containers or ()), *(c.name for c in pod.spec.ephemeral_containers or ())]
    if wanted:
        if wanted in every:
            return wanted
        kinds = [*names, *(f"{c.name} (init)" for c in pod.spec.init_containers or ())]
        kinds += [f"{c.name} (ephem)" for c in pod.spec.ephemeral_containers or ()]
        text = f"container {wanted} is not valid for pod {pod.metadata.name} out of: {', '.join(kinds)}"
        return Refusal(ErrorCode.NOT_FOUND, RefusedBy.AGENT, text, f"choose one of: {', '.join(every)}", {"containers": every})
    if len(names) == 1:
        return names[0]
    text = f"the pod {pod.metadata.name} has several containers"
    return Refusal(ErrorCode.CONTAINER_REQUIRED, RefusedBy.AGENT, text, f"choose one of: {', '.join(names)}", {"containers": names})


def identify(pod: Pod, container: str) -> TargetIdentity:
    """Return the identity of a container as it is now."""
    status = pod.container_status(container)
    running = status is not None and status.state.running is not None
    identity = status.container_id if status is not None and running else ""
    windows = pod.spec.os is not None and pod.spec.os.name == "windows"
    expires = pod.metadata.annotations.expires if pod.metadata.annotations is not None else ""
    return TargetIdentity(pod.metadata.namespace, pod.metadata.name, pod.metadata.uid, container, identity, windows, expires)
