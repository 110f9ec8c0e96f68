"""Where a debug or node session is to be made: the pod or node as it is now, and whether a tools container fits there.

Reads only. What it finds wrong is said before anything is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from podshell.agent.object_watches import check_name
from podshell.agent.targets import choose_container
from podshell.kube.debug_options import DebugKind, OptionProblem, ResolvedOptions, fit_level
from podshell.kube.errors import Forbidden, NotFound
from podshell.kube.manifests import NodeFacts
from podshell.kube.objects import Namespace, Node, Pod
from podshell.kube.rest import Client
from podshell.kube.workloads import NAMESPACES, NODES, PODS
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

LEVEL_LABEL = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True, slots=True)
class Place:
    """What a session names: a pod of a namespace, or a node. `namespace` of a node session is the agent's debug namespace."""

    kind: DebugKind
    namespace: str
    pod: str = ""
    node: str = ""

    def __str__(self) -> str:
        return f"the pod {self.namespace}/{self.pod}" if self.kind is DebugKind.DEBUG else f"the node {self.node}"


@dataclass(frozen=True, slots=True)
class Site:
    """A place as it is. `options` are what was asked, fitted to the Pod Security `level` of the namespace (empty: none, or not readable).

    `refusal`: why nothing can be made there as things are.
    """

    place: Place
    options: ResolvedOptions
    level: str
    pod: Pod | None = None
    node: NodeFacts | None = None
    refusal: Refusal | None = None


async def read_site(client: Client, place: Place, options: ResolvedOptions) -> Site | Refusal:
    """Read pod or node, and the namespace.

    Raises:
        KubeError: the API server did not say, or there is no such pod or node.
    """
    if place.kind is DebugKind.DEBUG:
        refusal = check_name(place.pod, place.namespace, namespaced=True)
    else:
        refusal = check_name(place.node, "", namespaced=False)
    if refusal is not None:
        return refusal
    if place.kind is DebugKind.DEBUG:
        pod = await client.get(PODS.path(place.namespace, place.pod), Pod)
        level = await _level(client, place.namespace)
        fitted, beyond = _fitted(options, level)
        return Site(place, fitted, level, pod=pod, refusal=_pod_refusal(pod, fitted) or beyond)
    node = await client.get(NODES.path("", place.node), Node)
    level = await _level(client, place.namespace)
    fitted, beyond = _fitted(options, level)
    info = node.status.node_info
    facts = NodeFacts(place.node, info.container_runtime_version, info.kubelet_version)
    return Site(place, fitted, level, node=facts, refusal=_node_refusal(node, fitted) or beyond)


async def _level(client: Client, namespace: str) -> str:
    try:
        found = await client.get(NAMESPACES.path("", namespace), Namespace)
    except (Forbidden, NotFound):
        return ""  # then the API server says it when the container is made
    return (found.metadata.labels or {}).get(LEVEL_LABEL, "")


def _fitted(options: ResolvedOptions, level: str) -> tuple[ResolvedOptions, Refusal | None]:
    fitted = fit_level(options, level)
    if isinstance(fitted, OptionProblem):
        details: dict[str, str | list[str]] = {"level": level, "option": fitted.option}
        return options, Refusal(
            ErrorCode.FORBIDDEN_BY_ADMISSION, RefusedBy.POD_SECURITY, fitted.message, fitted.next_step, details
        )  # fmt: skip
    return fitted, None


def _pod_refusal(pod: Pod, options: ResolvedOptions) -> Refusal | None:
    name = pod.metadata.name
    if options.target and isinstance(chosen := choose_container(pod, options.target), Refusal):
        return chosen
    if pod.spec.os is not None and pod.spec.os.name == "windows":
        text = f"the pod {name} runs Windows, where a debug container shares nothing"
        return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, text, "open a shell on its node instead")
    if pod.metadata.annotations is not None and pod.metadata.annotations.mirror:
        text = f"the pod {name} is a static pod, which takes no debug containers"
        return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.KUBERNETES, text, "open a shell on its node instead")
    if pod.metadata.deletion_timestamp is not None or pod.status.phase in ("Succeeded", "Failed"):
        state = "is being deleted" if pod.metadata.deletion_timestamp is not None else f"has ended ({pod.status.phase})"
        text = f"the pod {name} {state}"
        return Refusal(ErrorCode.NOT_RUNNING, RefusedBy.KUBERNETES, text, "choose a pod that runs")
    return None


def _node_refusal(node: Node, options: ResolvedOptions) -> Refusal | None:
    system = node.status.node_info.operating_system or (node.metadata.labels or {}).get("kubernetes.io/os", "")
    if system in ("", options.os):
        return None
    step = "set system to windows" if system == "windows" else "leave system out"
    text = f"the node {node.metadata.name} runs {system}, and a session for {options.os} was asked for"
    return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, text, step, {"option": "system", "system": system})
