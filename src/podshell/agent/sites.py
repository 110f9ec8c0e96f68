"""Where a debug or node session is to be made: the pod or node as it is now, and whether a tools container fits there.

Reads only. What it finds wrong is said before anything is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from podshell.agent.made import problem_refusal
from podshell.agent.object_watches import check_name
from podshell.kube.debug_containers import pod_problem
from podshell.kube.debug_options import DebugKind, OptionProblem, ResolvedOptions, fit_level
from podshell.kube.errors import NotFound
from podshell.kube.hazards import Broken
from podshell.kube.manifests import NodeFacts
from podshell.kube.node_pods import node_facts, node_problem
from podshell.kube.objects import Node, Pod
from podshell.kube.pod_security import enforced_level
from podshell.kube.rest import Client
from podshell.kube.workloads import NODES, PODS
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy


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


async def read_site(client: Client, place: Place, options: ResolvedOptions, server_version: str = "") -> Site | Refusal:
    """Read pod or node, and the namespace. `server_version`: gitVersion of the API server, empty when it is not known.

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
        return Site(place, fitted, level, pod=pod, refusal=_refusal(pod_problem(pod, fitted.target)) or beyond)
    node = await client.get(NODES.path("", place.node), Node)
    level = await _level(client, place.namespace)
    fitted, beyond = _fitted(options, level)
    refusal = _refusal(node_problem(node, fitted.os)) or beyond
    return Site(place, fitted, level, node=node_facts(place.node, node, server_version), refusal=refusal)


async def _level(client: Client, namespace: str) -> str:
    try:
        return await enforced_level(client, namespace)
    except NotFound:
        return ""  # then the API server says it when the container is made


def _refusal(problem: Broken | None) -> Refusal | None:
    return problem_refusal(problem) if problem is not None else None


def _fitted(options: ResolvedOptions, level: str) -> tuple[ResolvedOptions, Refusal | None]:
    fitted = fit_level(options, level)
    if isinstance(fitted, OptionProblem):
        details: dict[str, str | list[str]] = {"level": level, "option": fitted.option}
        return options, Refusal(
            ErrorCode.FORBIDDEN_BY_ADMISSION, RefusedBy.POD_SECURITY, fitted.message, fitted.next_step, details
        )  # fmt: skip
    return fitted, None
