"""The container that a session had with an earlier agent, found again to go on with (docs/adr/0007), and believed by its own marks only.

Which one it was is the gateway's word (`Predecessor.made`). Grants and ceiling are checked for what is *asked*; a name that a gateway sends
beside that must not open what was not asked: another pod, another user's container, or one that was made with more rights.
"""

from __future__ import annotations

import logging

import msgspec

from podshell.agent.preparing import Ready
from podshell.agent.sites import Site
from podshell.agent.targets import identify
from podshell.kube.debug_containers import ToolsContainer
from podshell.kube.debug_options import DebugKind, needed_actions
from podshell.kube.errors import NotFound
from podshell.kube.manifests import ACTIONS, ACTIONS_VARIABLE, CONTAINER, MANAGED_BY, OURS, SESSION_LABEL, USER, USER_VARIABLE
from podshell.kube.objects import KubeObject, Pod
from podshell.kube.rest import Client, decode_answer
from podshell.kube.workloads import PODS
from podshell.wire.calls import OpenSession
from podshell.wire.tools import MadeContainer

log = logging.getLogger(__name__)

# What the control plane puts on the pod of a Job (batch/v1; the older name of batch.kubernetes.io/job-name).
_JOB_LABEL = "job-name"


class _Marks(KubeObject, frozen=True):
    """Of a pod's metadata what it was made for; annotations in full."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Spec(KubeObject, frozen=True):
    node_name: str = ""
    containers: tuple[ToolsContainer, ...] = ()
    ephemeral_containers: tuple[ToolsContainer, ...] | None = None


class MarkedPod(KubeObject, frozen=True):
    """A pod with what we wrote on it or on a debug container in it."""

    metadata: _Marks = _Marks()
    spec: _Spec = _Spec()


_POD = msgspec.json.Decoder(Pod)
_MARKED = msgspec.json.Decoder(MarkedPod)


async def find_kept(client: Client, opening: OpenSession, site: Site) -> Ready | None:
    """Return the container that this session had with an earlier agent, if it still runs and is what the session may have.

    Raises:
        KubeError: the API server did not say.
    """
    before = opening.predecessor
    if before is None or before.made is None or not before.made.pod:
        return None
    made = before.made
    if (foreign := foreign_place(site, made)) is None:
        try:
            raw = await client.get(PODS.path(made.namespace, made.pod), msgspec.Raw)
        except NotFound:
            return None
        pod = decode_answer(raw, _POD)
        status = pod.container_status(made.container)
        running = pod.metadata.uid == made.pod_uid and status is not None and status.state.running is not None
        if not running or pod.metadata.deletion_timestamp is not None:
            return None
        foreign = foreign_container(opening, site, made, decode_answer(raw, _MARKED))
        if foreign is None:
            return Ready(identify(pod, made.container), made, holder=before.holder)
    log.warning(
        "the gateway named a container that is not this session's; a new one is made", extra={"session": opening.session, "why": foreign}
    )
    return None


def foreign_place(site: Site, made: MadeContainer) -> str | None:
    """Say why what a gateway names cannot be of a session at this place; None when it can. Pure."""
    place = site.place
    if made.namespace != place.namespace:
        return f"it is in the namespace {made.namespace}, the session in {place.namespace}"
    if place.kind is DebugKind.DEBUG and made.pod != place.pod:
        return f"it is in the pod {made.pod}, the session in {place.pod}"
    return None


def foreign_container(opening: OpenSession, site: Site, made: MadeContainer, pod: MarkedPod) -> str | None:
    """Say why a container that runs is not this session's, or is more than it asks for; None when it is. Pure."""
    labels, annotations = pod.metadata.labels or {}, pod.metadata.annotations or {}
    if site.place.kind is DebugKind.DEBUG:
        found = next((one for one in pod.spec.ephemeral_containers or () if one.name == made.container), None)
        if found is None:
            return "it is no debug container"
        user, actions = found.variable(USER_VARIABLE), found.variable(ACTIONS_VARIABLE)
        if found.target_container_name != site.options.target:
            return f"its target is {found.target_container_name or 'none'}"
    else:
        found = next((one for one in pod.spec.containers if one.name == made.container == CONTAINER), None)
        if found is None or labels.get(MANAGED_BY) != OURS:
            return "it is no node pod of ours"
        if labels.get(SESSION_LABEL) != opening.session or labels.get(_JOB_LABEL) != made.name:
            return "it is another session's"
        if pod.spec.node_name != site.place.node:
            return f"it is on the node {pod.spec.node_name}"
        user, actions = annotations.get(USER, ""), annotations.get(ACTIONS, "")
    if user != opening.user:
        return f"it was made for {user or 'somebody else'}"
    # the agent's own image may have changed with its version; an image that was asked for has not
    if opening.debug is not None and opening.debug.image and found.image != opening.debug.image:
        return f"its image is {found.image}"
    beyond = [action for action in actions.split(",") if action not in needed_actions(site.options)]
    return f"it was made with {', '.join(beyond) or 'unknown rights'}" if beyond else None
