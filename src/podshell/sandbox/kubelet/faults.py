"""What a test lets go wrong on the nodes: refusals by the kubelet, images that take their time, pods that never get anywhere.

A fault is looked up when a pod comes to its node, and when an image is pulled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from podshell.sandbox.store import Obj


@dataclass(frozen=True)
class Rejection:
    """Why a kubelet does not admit a pod: the reason and message of its status and Event."""

    reason: str
    message: str


# kubernetes pkg/kubelet/lifecycle/predicate.go (InsufficientResourceError), pkg/kubelet/cm/devicemanager, pkg/kubelet/lifecycle/handlers.go
OUT_OF_CPU = Rejection("OutOfcpu", "Node didn't have enough resource: cpu, requested: 1000, used: 3900, capacity: 4000")
UNEXPECTED_ADMISSION = Rejection(
    "UnexpectedAdmissionError",
    "Allocate failed due to no healthy devices present; cannot allocate unhealthy devices example.com/gpu, which is unexpected",
)
WRONG_SYSTEM = Rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")


@dataclass
class PodFault:
    """What shall go wrong with pods; an empty word matches all, ``pod`` is the beginning of a name.

    ``reject``: the pod fails at once with this reason.  ``hang``: it stays ContainerCreating for ever.
    ``pull_seconds``: each image is pulled for so long, as if it were not on the node.  ``pull_error``: no pull succeeds, in these words.
    ``config_error``: no container's configuration can be made, in these words (CreateContainerConfigError).
    """

    namespace: str = ""
    pod: str = ""
    node: str = ""
    reject: Rejection | None = None
    hang: bool = False
    pull_seconds: float = 0.0
    pull_error: str = ""
    config_error: str = ""

    def matches(self, pod: Obj) -> bool:
        """Whether this pod is meant."""
        metadata = pod["metadata"]
        return (
            self.namespace in ("", metadata["namespace"])
            and metadata["name"].startswith(self.pod)
            and self.node in ("", pod["spec"].get("nodeName", ""))
        )


class NodeFaults:
    """The faults of the nodes of one cluster."""

    def __init__(self) -> None:
        self._faults: list[PodFault] = []

    def add(self, fault: PodFault) -> Callable[[], None]:
        """Let pods that come from now on suffer; returns what ends that."""
        self._faults.append(fault)

        def remove() -> None:
            if fault in self._faults:
                self._faults.remove(fault)

        return remove

    def clear(self) -> None:
        """Forget every fault."""
        self._faults.clear()

    def rejection(self, pod: Obj, node: Obj) -> Rejection | None:
        """Why the kubelet does not admit this pod."""
        system = node["metadata"].get("labels", {}).get("kubernetes.io/os", "linux")
        # A pod that names no system is a Linux one here: the images of the sandbox are.
        if (pod["spec"].get("os") or {}).get("name", "linux") != system:
            return WRONG_SYSTEM
        return next((one.reject for one in self._faults if one.reject is not None and one.matches(pod)), None)

    def hangs(self, pod: Obj) -> bool:
        """Whether this pod shall never get a sandbox."""
        return any(one.hang and one.matches(pod) for one in self._faults)

    def pull_seconds(self, pod: Obj) -> float:
        """How long an image of this pod is pulled; 0 when it is on the node."""
        return max((one.pull_seconds for one in self._faults if one.matches(pod)), default=0.0)

    def pull_error(self, pod: Obj) -> str:
        """With which words a pull for this pod fails; empty when it does not."""
        return next((one.pull_error for one in self._faults if one.pull_error and one.matches(pod)), "")

    def config_error(self, pod: Obj) -> str:
        """Why no container of this pod can be configured; empty when one can."""
        return next((one.config_error for one in self._faults if one.config_error and one.matches(pod)), "")
