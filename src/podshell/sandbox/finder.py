"""Finds the container that a stream or a log request means, or refuses with the words of the API server and of the kubelet.

Texts: transcripts/refused (no such pod, no host, ambiguous or wrong container) and transcripts/kubectl (why a log is not there yet).
"""

from __future__ import annotations

from podshell.sandbox import statuses
from podshell.sandbox.controllers.scheduler import node_is_ready
from podshell.sandbox.kubelet.kubelet import SYNTHETIC, Kubelet
from podshell.sandbox.kubelet.records import Record
from podshell.sandbox.resources import NODE, POD
from podshell.sandbox.runtime import ContainerLog, Runtime
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import Obj, ObjectStore
from podshell.sandbox.streams import FoundContainer, NodeError

# What the kubelet says of a container that waits (kubernetes pkg/kubelet/container, GetWaitingReason and registry/core/pod/strategy).
_WAITING = {"ImagePullBackOff": "trying and failing to pull image", "ErrImagePull": "image can't be pulled"}


class PodFinder:
    """The finder of one cluster."""

    def __init__(self, store: ObjectStore, kubelet: Kubelet, runtime: Runtime) -> None:
        self._store = store
        self._kubelet = kubelet
        self._runtime = runtime

    def __call__(self, namespace: str, pod: str, container: str | None) -> FoundContainer:
        """Find a container of a pod; without a name the only one is meant.

        Raises:
            StatusError: no such pod, no node yet, no or a wrong container name, a node that cannot be reached.
            NodeError: the pod has no processes.
        """
        found = self._store.get(POD, namespace, pod)
        if found is None:
            raise statuses.not_found("pods", pod)
        name = _container_name(found, container)
        node_name = found["spec"].get("nodeName")
        if not node_name:
            raise statuses.bad_request(f"pod {pod} does not have a host assigned")
        record = self._kubelet.record(found, name)
        if record is None:
            return self._without_record(found, name, node_name)
        return FoundContainer(
            name=name,
            container=self._runtime.container(record.current.spec.id) if record.current is not None else None,
            log=self._log(record.current.spec.id) if record.current is not None else None,
            previous_log=self._log(record.previous.spec.id) if record.previous is not None else None,
            waiting=_waiting(record),
        )

    def _without_record(self, pod: Obj, name: str, node_name: str) -> FoundContainer:
        node = self._store.get(NODE, None, node_name)
        if node is None or not node_is_ready(node):
            address = pod["status"].get("hostIP", node_name)
            # What an API server says whose connection to the kubelet fails: a Status without a reason (not recorded; kubernetes
            # apimachinery pkg/util/proxy/upgradeaware.go).
            raise StatusError(500, "", f"error dialing backend: dial tcp {address}:10250: connect: no route to host")
        if SYNTHETIC in pod["metadata"].get("annotations", {}):
            raise NodeError(500, f"pod {pod['metadata']['name']} is there for load only: the sandbox runs no process for it")
        return FoundContainer(name=name, container=None)

    def _log(self, container_id: str) -> ContainerLog | None:
        container = self._runtime.container(container_id)
        return container.log if container is not None else None


def _container_name(pod: Obj, asked: str | None) -> str:
    """The container that is meant. The default-container annotation is kubectl's business: the API server does not read it."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    main, init, ephemeral = (
        [str(one["name"]) for one in spec.get(kind, [])] for kind in ("containers", "initContainers", "ephemeralContainers")
    )
    if asked is None:
        if len(main) == 1:
            return main[0]
        message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(main)}]"
        raise statuses.bad_request(message + (f" or one of the init containers: [{' '.join(init)}]" if init else ""))
    if asked not in (*main, *init, *ephemeral):
        raise statuses.bad_request(f"container {asked} is not valid for pod {name}")
    return asked


def _waiting(record: Record) -> str:
    reason = str(record.state.get("waiting", {}).get("reason", ""))
    return _WAITING.get(reason, reason)
