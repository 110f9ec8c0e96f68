"""Where a debug or node session is to be made: the pod or node as it is now, and whether a tools container fits there.

Reads only. What it finds wrong is said before anything is made.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from podshell.agent.made import missing_namespace_refusal, problem_refusal
from podshell.agent.object_watches import check_name
from podshell.kube.debug_containers import pod_problem, read_equipped, read_pod_node_problem, shares_processes, sharing_problem
from podshell.kube.debug_options import DebugKind, OptionProblem, ResolvedOptions, fit_level
from podshell.kube.errors import NotFound
from podshell.kube.hazards import Broken
from podshell.kube.manifests import NodeFacts
from podshell.kube.node_pods import node_facts, node_problem
from podshell.kube.objects import Node, Pod
from podshell.kube.pod_security import enforced_level
from podshell.kube.rest import Client
from podshell.kube.workloads import NODES
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


async def read_site(client: Client, place: Place, options: ResolvedOptions, user: str, server_version: str = "") -> Site | Refusal:
    """Read pod or node, and the namespace, as they are for `user`. `server_version`: gitVersion of the API server, empty when not known.

    Raises:
        KubeError: the API server did not say, or there is no such pod or node.
    """
    if place.kind is DebugKind.DEBUG:
        return check_name(place.pod, place.namespace, namespaced=True) or await _read_pod_site(client, place, options, user)
    return check_name(place.node, "", namespaced=False) or await _read_node_site(client, place, options, server_version)


async def _read_pod_site(client: Client, place: Place, options: ResolvedOptions, user: str) -> Site:
    found = await read_equipped(client, place.namespace, place.pod)
    pod = found.pod
    node_problem, level = await asyncio.gather(read_pod_node_problem(client, pod), _level(client, place.namespace))
    fitted, beyond = _fitted(options, level or "")
    problem = pod_problem(pod, fitted.target) or node_problem or _unnamed_target(pod, fitted.target)
    problem = problem or sharing_problem(found, fitted.target, user)
    return Site(place, fitted, level or "", pod=pod, refusal=_refusal(problem) or beyond)


def _unnamed_target(pod: Pod, target: str) -> Broken | None:
    """Ask for a target where all containers are one anyhow: with it the gateway's policy asks for the right to open a shell there."""
    if target or not shares_processes(pod):
        return None
    name = f"pod {pod.metadata.namespace}/{pod.metadata.name}"
    text = f"all containers of {name} share their processes, so a debug container sees and can signal them"
    containers = ", ".join(one.name for one in pod.spec.containers)
    return Broken(name, "TargetRequired", text, f"name the container whose processes are to be shared (--target): {containers}")


async def _read_node_site(client: Client, place: Place, options: ResolvedOptions, server_version: str) -> Site:
    node = await client.get(NODES.path("", place.node), Node)
    level = await _level(client, place.namespace)
    fitted, beyond = _fitted(options, level or "")
    missing = missing_namespace_refusal(place.namespace) if level is None else None
    refusal = _refusal(node_problem(node, fitted.os)) or missing or beyond
    return Site(place, fitted, level or "", node=node_facts(place.node, node, server_version), refusal=refusal)


async def _level(client: Client, namespace: str) -> str | None:
    """Return the level that the namespace enforces; None: there is no such namespace."""
    try:
        return await enforced_level(client, namespace)
    except NotFound:
        return None


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
