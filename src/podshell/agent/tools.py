"""Debug and node sessions: judged, planned, and given a container to run in (docs/explanation/debug-and-node-shells.md).

One for an agent. Everything that is asked passes `Choices` (options, ceiling, images) and `read_site` (what is there) before anything is
made; making.py makes it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable

import yaml

from podshell.agent.ceiling import Ceiling
from podshell.agent.choices import Choices, Judged
from podshell.agent.making import DebugMaking, NodeMaking, Wish, Workshop, container_manifest, job_manifest
from podshell.agent.preparing import Accepted
from podshell.agent.refusals import refusal_from_error
from podshell.agent.settings import ToolsSettings
from podshell.agent.sites import Place, Site, read_site
from podshell.agent.targets import TargetIdentity
from podshell.aio.clock import Clock
from podshell.kube.debug_containers import shares_processes
from podshell.kube.debug_options import DebugKind
from podshell.kube.errors import KubeError
from podshell.kube.manifests import Manifest, ephemeral_patch, node_pod_name
from podshell.kube.rest import Client
from podshell.kube.runtime_sockets import risks_on
from podshell.wire.calls import OpenSession, PlanDebug
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.tools import DebugPlan, DebugRequest

# The gateway waits 5 s for a plan.
_PLAN_SECONDS = 4.5
# In a plan, where the random end of a name will stand.
_SUFFIX = "xxxxx"


def instance_label(cluster: str, instance: str) -> str:
    """Return the label value of an agent: a name may hold what a label may not."""
    return hashlib.sha256(f"{cluster}\0{instance}".encode()).hexdigest()[:16]


class Tools:
    """Accepts and plans debug and node sessions.

    Args:
        neighbours: the live debug sessions of a pod, as openings with the container that each is in.
        server_version: gitVersion of the API server, empty as long as it is not known.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        settings: ToolsSettings,
        ceiling: Ceiling,
        instance: str,
        neighbours: Neighbours,
        server_version: Callable[[], str] = lambda: "",
    ) -> None:
        self._client = client
        self._settings = settings
        self._choices = Choices(settings, ceiling)
        self._shop = Workshop(client, clock, instance, settings.patience_seconds)
        self._neighbours = neighbours
        self._server_version = server_version

    async def accept(self, opening: OpenSession) -> Accepted | Refusal:
        """Judge an opening and look at its place; nothing is made.

        Raises:
            KubeError: the API server did not say, or there is no such pod or node.
        """
        judged = self._judge(opening.kind, opening.debug)
        if isinstance(judged, Refusal):
            return judged
        if judged.refusal is not None:
            return judged.refusal
        place = self._place(judged, opening.namespace, opening.pod, opening.node)
        site = await read_site(self._client, place, judged.options, opening.user, self._server_version())
        if isinstance(site, Refusal):
            return site
        refusal = self._conflict(site, opening.user) or site.refusal
        # a session that goes on has a container that runs already: its node may be back, or reached, before another one is needed
        goes_on = opening.predecessor is not None and refusal is not None and refusal.code is ErrorCode.NODE_UNREACHABLE
        if refusal is not None and not goes_on:
            return refusal
        wish = Wish(opening, site.options, judged.start_seconds, site)
        if site.pod is None:
            return Accepted(TargetIdentity("", "", "", ""), place.node, NodeMaking(self._shop, wish))
        target = TargetIdentity(place.namespace, place.pod, site.pod.metadata.uid, "")
        making = DebugMaking(self._shop, wish, lambda container: self._is_free(site, container, opening.user))
        return Accepted(target, site.pod.spec.node_name, making)

    async def plan(self, wanted: PlanDebug) -> DebugPlan | Refusal:
        """Say what a session would make, and what would refuse it; nothing is made."""
        judged = self._judge(wanted.kind, wanted.debug)
        if isinstance(judged, Refusal):
            return judged
        place = self._place(judged, wanted.namespace, wanted.pod, wanted.node)
        try:
            async with asyncio.timeout(_PLAN_SECONDS):
                site = await read_site(self._client, place, judged.options, wanted.user, self._server_version())
        except KubeError as error:
            return refusal_from_error(error, subject=str(place))
        except TimeoutError:
            text = "the API server did not answer in time"
            return Refusal(ErrorCode.API_SERVER_UNREACHABLE, RefusedBy.AGENT, text, "try again; look at the API server if it goes on")
        return site if isinstance(site, Refusal) else self._planned(wanted, judged, site)

    def _planned(self, wanted: PlanDebug, judged: Judged, site: Site) -> DebugPlan:
        opening = OpenSession("plan", wanted.kind, wanted.namespace, wanted.pod, wanted.user, node=wanted.node, debug=wanted.debug)
        wish = Wish(opening, site.options, judged.start_seconds, site)
        if site.pod is None:
            manifest = job_manifest(self._shop, wish, node_pod_name(wanted.node, _SUFFIX))
        else:
            manifest = ephemeral_patch(container_manifest(self._shop, wish, f"podshell-{_SUFFIX}"))
        found = risks_on(site.options, site.node)
        return DebugPlan(
            kind=wanted.kind,
            object="job" if site.pod is None else "ephemeral_container",
            namespace=site.place.namespace,
            pod=wanted.pod,
            node=wanted.node or (site.pod.spec.node_name if site.pod is not None else ""),
            image=site.options.image,
            profile=site.options.profile,
            manifest=as_yaml(manifest),
            risks=[risk.text for risk in found],
            dangers=sum(risk.level == "danger" for risk in found),
            actions=judged.actions,
            pod_security=site.level,
            ttl_seconds=site.options.ttl_seconds,
            refusal=judged.refusal or self._conflict(site, wanted.user) or site.refusal,
        )

    def _judge(self, kind: str, asked: DebugRequest | None) -> Judged | Refusal:
        try:
            known = DebugKind(kind)
        except ValueError:
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, f"this agent knows no session kind {kind}", "update the agent")
        return self._choices.judge(known, asked or DebugRequest())

    def _place(self, judged: Judged, namespace: str, pod: str, node: str) -> Place:
        kind = judged.options.kind
        return Place(kind, self._settings.debug_namespace if kind is DebugKind.NODE else namespace, pod, node)

    def _conflict(self, site: Site, user: str) -> Refusal | None:
        """Two users with shared processes in one pod could reach into each other's shells."""
        if not site.options.target:
            return None
        shared = site.pod is not None and shares_processes(site.pod)
        for other, _ in self._neighbours(site.place.namespace, site.place.pod):
            if other.user != user and other.debug is not None and (shared or other.debug.target):
                text = f"{other.user} has a debug container with a target in the pod {site.place.pod}: each would see the other's shell"
                step = "open it without a target, or wait until that session has ended"
                return Refusal(ErrorCode.CONFLICT, RefusedBy.AGENT, text, step, {"user": other.user})
        return None

    def _is_free(self, site: Site, container: str, user: str) -> bool:
        inside = [other for other, where in self._neighbours(site.place.namespace, site.place.pod) if where == container]
        return all(other.user == user for other in inside)


Neighbours = Callable[[str, str], list[tuple[OpenSession, str]]]


def as_yaml(manifest: Manifest) -> str:
    """Print a manifest as people read it."""
    return yaml.safe_dump(manifest, sort_keys=False, default_flow_style=False)
