"""The sockets of a node's container runtime below a host mount: what hides them, and what is to be said where they stay open. Pure.

Whoever reaches such a socket is root on the node, also through a read-only mount (design.md 4). Only what is there can be covered: a mount
point cannot be made below a read-only mount, and the container would not start. So it goes by what the node says of itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from podshell.kube.debug_options import ResolvedOptions, Risk, risks

if TYPE_CHECKING:
    from podshell.kube.manifests import NodeFacts


@dataclass(frozen=True, slots=True)
class Mask:
    """What covers one path of the node. `volume`: its name in the pod."""

    volume: str
    path: str
    file: bool = False


# Distributions that keep containerd's socket in a place of their own, by the end of the kubelet's version.
_BY_KUBELET = {
    "+k3s": Mask("mask-k3s", "/run/k3s"),
    "+rke2": Mask("mask-k3s", "/run/k3s"),
    "+k0s": Mask("mask-k0s", "/run/k0s"),
}
# MicroK8s' kubelet has no name of its own: it says it by a label (`node_pods.node_facts`).
_MICROK8S = Mask("mask-microk8s", "/var/snap/microk8s/common/run")
# dockerd has made both when it answers: its socket, and --exec-root with the sockets of the containerd that it starts itself.
_DOCKER = (Mask("mask-docker", "/run/docker.sock", file=True), Mask("mask-docker-run", "/run/docker"))
_BY_RUNTIME = {
    "containerd": (Mask("mask-containerd", "/run/containerd"),),
    "cri-o": (Mask("mask-crio", "/run/crio"),),
    "docker": _DOCKER,
}


class OpenSockets(StrEnum):
    """Which of the sockets that were to be masked stay open; the value is the audit's."""

    NONE = ""
    SOME = "partly-masked"
    MISPLACED = "misplaced"
    ALL = "unmasked"


def socket_masks(node: NodeFacts) -> tuple[Mask, ...]:
    """Return what hides the runtime's sockets; nothing where the runtime is not known."""
    return tuple(mask for mask in _usual_masks(node) if mask.path not in node.unmaskable)


def without_masks(node: NodeFacts, message: str) -> NodeFacts | None:
    """Return the facts of a node where what a mask covers is not there, as the text of a failed start tells; None: it tells no such thing.

    runc: `create mountpoint for /host/run/crio mount: ... read-only file system`.
    """
    if "mountpoint" not in message:
        return None
    missing = [mask.path for mask in socket_masks(node) if re.search(re.escape(mask.path) + r"(?![\w./-])", message)]
    return replace(node, unmaskable=(*node.unmaskable, *missing)) if missing else None


def _usual_masks(node: NodeFacts) -> tuple[Mask, ...]:
    runtime = _runtime(node)
    for end, mask in _BY_KUBELET.items():
        if end in node.kubelet:
            return (mask, *(_DOCKER if runtime == "docker" else ()))
    if node.microk8s:
        return (_MICROK8S,)
    return _BY_RUNTIME.get(runtime, ())


def open_sockets(options: ResolvedOptions, node: NodeFacts) -> OpenSockets:
    """Say whether sockets stay open below a host mount that is to hide them."""
    if not options.mount_host or options.runtime_sockets:
        return OpenSockets.NONE
    if node.unmaskable:
        return OpenSockets.MISPLACED
    if not socket_masks(node):
        return OpenSockets.ALL
    # the kubelet reaches dockerd through cri-dockerd, and dockerd may use the system's containerd: neither has to be where it usually is
    return OpenSockets.SOME if _runtime(node) == "docker" else OpenSockets.NONE


def open_sockets_text(left: OpenSockets) -> str:
    """Say what that means; nothing where nothing stays open."""
    return {
        OpenSockets.NONE: "",
        OpenSockets.ALL: "runtime sockets on this node are not masked: its runtime is unknown",
        OpenSockets.MISPLACED: "runtime sockets on this node are not masked: it does not have them where its runtime usually does",
        OpenSockets.SOME: "not all runtime sockets on this node are masked: those of containerd and cri-dockerd stay open, if it has them",
    }[left]


def risks_on(options: ResolvedOptions, node: NodeFacts | None) -> list[Risk]:
    """Say what the choices mean on this node, the worst first (debug_options.py `risks`). `node` None: a pod's container."""
    found = risks(options)
    if node is None or not (text := open_sockets_text(open_sockets(options, node))):
        return found
    return sorted([*found, Risk("mount_host", "danger", text)], key=lambda risk: risk.level != "danger")


def _runtime(node: NodeFacts) -> str:
    return node.runtime.partition("://")[0]
