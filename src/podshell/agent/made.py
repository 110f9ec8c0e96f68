"""What an agent has made for sessions, in the words of the link; and why making or starting it failed, as refusals. Pure."""

from __future__ import annotations

from podshell.agent.refusals import refusal_from_error
from podshell.kube.classify import FailureKind, classify
from podshell.kube.debug_options import ResolvedOptions
from podshell.kube.errors import KubeError, NotFound
from podshell.kube.hazards import Broken
from podshell.kube.host_mounts import mounted_paths
from podshell.kube.manifests import NodeFacts
from podshell.kube.pod_security import LEVEL_LABEL
from podshell.kube.runtime_sockets import OpenSockets, open_sockets
from podshell.kube.starting import StartFailed
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.tools import MadeContainer

_TEXTS = 64
# Whose word it is that a container does not start; what is not here the node said.
_REFUSED_BY = {
    "FailedScheduling": RefusedBy.KUBERNETES,
    "Unschedulable": RefusedBy.KUBERNETES,
    "Deleted": RefusedBy.KUBERNETES,
    "NotFound": RefusedBy.KUBERNETES,
    "Timeout": RefusedBy.AGENT,
}
_GONE = ("Deleted", "NotFound")
# What is wrong with a pod or a node before anything is made, and who says so.
_PROBLEMS = {
    "UnsupportedOS": (ErrorCode.BAD_REQUEST, RefusedBy.AGENT),
    "StaticPod": (ErrorCode.BAD_REQUEST, RefusedBy.KUBERNETES),
    "PodEnded": (ErrorCode.NOT_RUNNING, RefusedBy.KUBERNETES),
    "PodPending": (ErrorCode.NOT_RUNNING, RefusedBy.KUBERNETES),
    "TargetUnknown": (ErrorCode.NOT_FOUND, RefusedBy.AGENT),
    "TargetShared": (ErrorCode.CONFLICT, RefusedBy.AGENT),
    "TargetRequired": (ErrorCode.BAD_REQUEST, RefusedBy.AGENT),
    "NodeNotReady": (ErrorCode.NODE_UNREACHABLE, RefusedBy.NODE),
}


def describe(
    options: ResolvedOptions,
    *,
    object_kind: str,
    namespace: str,
    name: str = "",
    uid: str = "",
    node: str = "",
    facts: NodeFacts | None = None,
) -> MadeContainer:
    """Build what is known before there is a pod: what was asked for, and the object that stands for it. `facts`: of a node pod's node."""
    return MadeContainer(
        object=object_kind,
        namespace=namespace,
        pod="",
        pod_uid="",
        container="",
        node=node,
        name=name,
        uid=uid,
        image=options.image[:512],
        profile=options.profile,
        target=options.target,
        capabilities=list(options.capabilities)[:_TEXTS],
        mounts=mounts_of(options, facts),
        host_pid=options.host_pid,
    )


def mounts_of(options: ResolvedOptions, facts: NodeFacts | None = None) -> list[str]:
    """Return the node's paths that are mounted, for the audit; and behind them whether runtime sockets that were to be masked stay open."""
    how = "rw" if options.host_write else "ro"
    mounts = [f"{path}:{how}" for path in mounted_paths(options)]
    left = open_sockets(options, facts) if facts is not None else OpenSockets.NONE
    return [*mounts, _SOCKETS + left] if left else mounts


_SOCKETS = "sockets:"


def sockets_left(mounts: list[str]) -> OpenSockets:
    """Return which runtime sockets stay open, as `mounts_of` has told it."""
    told = next((mount.removeprefix(_SOCKETS) for mount in mounts if mount.startswith(_SOCKETS)), "")
    return OpenSockets(told) if told in set(OpenSockets) else OpenSockets.NONE


_READ_ONLY, _SHALLOW = ":ro", ":ro-shallow"


def read_only_paths(mounts: list[str]) -> list[str]:
    """Return the paths that were asked for as read-only."""
    return [mount.removesuffix(_READ_ONLY) for mount in mounts if mount.endswith(_READ_ONLY)]


def as_mounted(shallow: list[str], mount: str) -> str:
    """Mark a mount that is read-only at its top alone."""
    return mount.removesuffix(_READ_ONLY) + _SHALLOW if mount.removesuffix(_READ_ONLY) in shallow else mount


def shallow_paths(mounts: list[str]) -> list[str]:
    """Return the paths that are read-only at their top alone."""
    return [mount.removesuffix(_SHALLOW) for mount in mounts if mount.endswith(_SHALLOW)]


def problem_refusal(problem: Broken) -> Refusal:
    """Say why nothing can be made there (kube/node_pods.py, kube/debug_containers.py)."""
    code, refused_by = _PROBLEMS[problem.reason]
    return Refusal(code, refused_by, problem.message, problem.next_step, {"object": problem.object[:1000], "reason": problem.reason})


def missing_namespace_refusal(namespace: str) -> Refusal:
    """Say that the namespace of node pods is not there, as on a cluster that nobody has prepared."""
    text = f"the namespace {namespace}, in which this cluster's agent makes the pods of node shells, does not exist"
    made = f"kubectl create namespace {namespace} && kubectl label namespace {namespace} {LEVEL_LABEL}=privileged"
    details: dict[str, str | list[str]] = {"object": f"namespace {namespace}", "reason": "NotFound"}
    return Refusal(ErrorCode.NOT_FOUND, RefusedBy.KUBERNETES, text, f"make it: {made}", details)


def start_refusal(failed: StartFailed) -> Refusal:
    """Say why a container did not start, with the object, the last events and the next step (features F51)."""
    broken = failed.broken
    details: dict[str, str | list[str]] = {"object": broken.object[:1000], "reason": broken.reason[:200]}
    if failed.events:
        details["events"] = [event[:1000] for event in failed.events[-_TEXTS:]]
    code = ErrorCode.TARGET_GONE if broken.reason in _GONE else ErrorCode.START_FAILED
    text = broken.message if failed.timed_out else f"{broken.object}: {broken.reason}: {broken.message}"
    return Refusal(code, _refused_by(broken), text, broken.next_step, details)


def _refused_by(broken: Broken) -> RefusedBy:
    if broken.reason != "FailedCreate":
        return _REFUSED_BY.get(broken.reason, RefusedBy.NODE)
    kind = classify(broken.message).kind  # the Job's controller was refused, as we would have been
    return {FailureKind.PSA: RefusedBy.POD_SECURITY, FailureKind.ADMISSION: RefusedBy.ADMISSION}.get(kind, RefusedBy.KUBERNETES)


def making_refusal(error: KubeError, what: str, namespace: str = "") -> Refusal:
    """Say why the API server did not make something: its rights, Pod Security, admission, quota. `namespace`: of a node pod."""
    if namespace and isinstance(error, NotFound) and error.message.startswith("namespaces "):
        return missing_namespace_refusal(namespace)
    return refusal_from_error(error, subject=what)
