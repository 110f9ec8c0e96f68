"""Making the container of a debug or node session: one preparation for each kind.

Names are chosen before anything is asked for, so that what a create made whose answer never came can still be removed by name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from podshell.agent.leftovers import INSTANCE_LABEL, MadeJob
from podshell.agent.made import describe, making_refusal, start_refusal
from podshell.agent.preparing import PreparationListener, Ready
from podshell.agent.sites import Site
from podshell.agent.targets import TargetIdentity, identify
from podshell.aio.clock import Clock
from podshell.kube.debug_options import ResolvedOptions
from podshell.kube.errors import ApiError, Conflict, KubeError, NotFound
from podshell.kube.manifests import (
    CONTAINER,
    KEY_VARIABLE,
    SELECTOR,
    SESSION_LABEL,
    Making,
    Manifest,
    debug_container_name,
    debug_key,
    ephemeral_container,
    ephemeral_patch,
    node_job,
    node_pod_name,
    random_suffix,
)
from podshell.kube.objects import KubeObject, Pod
from podshell.kube.rest import Client, PatchKind
from podshell.kube.starting import StartFailed, wait_job_pod, wait_started
from podshell.kube.waiter import waiter_command
from podshell.kube.workloads import JOBS, PODS
from podshell.wire.calls import OpenSession
from podshell.wire.errors import Refusal
from podshell.wire.tools import MadeContainer

log = logging.getLogger(__name__)

# A create that was sent is not taken back by not listening to its answer.
_ANSWER_SECONDS = 3.0
_DELETE_SECONDS = 3.0
_PATCH_TRIES = 5


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all makings of an agent share. `instance`: the label by which the agent knows its own Jobs.

    `patience_seconds`: how long a container stays without anybody who watches over a shell in it.
    """

    client: Client
    clock: Clock
    instance: str
    patience_seconds: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What one session is to get."""

    opening: OpenSession
    options: ResolvedOptions
    start_seconds: float
    site: Site


class NodeMaking:
    """The Job of a node session, and its pod."""

    def __init__(self, workshop: Workshop, wish: Wish) -> None:
        self._shop = workshop
        self._wish = wish
        self._namespace = wish.site.place.namespace
        self._name = ""
        self._creating: asyncio.Task[MadeJob] | None = None

    async def make(self, listener: PreparationListener) -> Ready | Refusal:
        """Make the Job and wait for its container; the one that a predecessor made, if that still runs."""
        try:
            if (kept := await _kept(self._shop.client, self._wish.opening)) is not None:
                self._name = kept.made.name
                listener.note_made(kept.made, kept.target)
                return kept
            await self._remove_earlier()
            return await self._make(listener)
        except StartFailed as failed:
            return start_refusal(failed)
        except KubeError as error:
            return making_refusal(error, f"the node pod in the namespace {self._namespace}")

    async def _make(self, listener: PreparationListener) -> Ready | Refusal:
        wish, node = self._wish, self._wish.site.node
        assert node is not None, "a node session's site is a node"
        name = self._name = node_pod_name(node.name, random_suffix())
        listener.note_progress("creating", f"creating the pod {self._namespace}/{name} on the node {node.name}")
        manifest = job_manifest(self._shop, wish, name)
        client = self._shop.client
        self._creating = asyncio.ensure_future(client.create(JOBS.path(self._namespace), manifest, MadeJob))
        job = await asyncio.shield(self._creating)
        made = describe(
            wish.options, object_kind="job", namespace=self._namespace, name=name, uid=job.metadata.uid, node=node.name
        )  # fmt: skip
        began = asyncio.get_running_loop().time()
        pod = await wait_job_pod(client, self._namespace, name, seconds=wish.start_seconds)
        left = wish.start_seconds - (asyncio.get_running_loop().time() - began)
        made = msgspec.structs.replace(made, pod=pod.metadata.name, pod_uid=pod.metadata.uid, container=CONTAINER)
        listener.note_made(made, identify(pod, CONTAINER))
        return await _started(client, made, max(1.0, left), listener)

    async def _remove_earlier(self) -> None:
        """Remove what an earlier agent made for this session and could not tell of."""
        if self._wish.opening.incarnation == 1:
            return
        selector = f"{SELECTOR},{SESSION_LABEL}={self._wish.opening.session}"
        for job in await self._shop.client.list(JOBS.path(self._namespace), MadeJob, params={"labelSelector": selector}):
            await self._delete(job.metadata.name)

    async def end(self) -> str:
        """Delete the Job, and with it its pod."""
        if not self._name:
            return ""
        if self._creating is not None:
            await asyncio.wait({self._creating}, timeout=_ANSWER_SECONDS)
            if self._creating.done() and not self._creating.cancelled() and isinstance(self._creating.exception(), ApiError):
                return ""  # it was refused: there is none
            self._creating.cancel()
        try:
            async with asyncio.timeout(_DELETE_SECONDS):
                await self._delete(self._name)
        except (KubeError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            log.warning("a node pod could not be deleted: %s", why, extra={"session": self._wish.opening.session, "job": self._name})
            left = f"the pod {self._namespace}/{self._name}: it could not be deleted ({why})"
            return f"{left}, and ends by itself within {self._shop.patience_seconds} s"
        return ""

    async def _delete(self, name: str) -> None:
        try:
            await self._shop.client.delete(JOBS.path(self._namespace, name), propagation="Background")
        except NotFound:
            log.debug("the job was gone already", extra={"job": name})


def job_manifest(shop: Workshop, wish: Wish, name: str) -> Manifest:
    """Build the Job of a node session, labelled as this agent's."""
    assert wish.site.node is not None, "a node session's site is a node"
    manifest = node_job(wish.options, _making(shop, wish), wish.site.node, name=name, namespace=wish.site.place.namespace)
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    labels = metadata["labels"]
    assert isinstance(labels, dict)
    return {**manifest, "metadata": {**metadata, "labels": {**labels, INSTANCE_LABEL: shop.instance}}}


def container_manifest(shop: Workshop, wish: Wish, name: str) -> Manifest:
    """Build the debug container of a pod."""
    pod = wish.site.pod
    assert pod is not None, "a debug session's site is a pod"
    context = pod.spec.security_context
    non_root = context is not None and context.run_as_non_root is True
    return ephemeral_container(wish.options, _making(shop, wish), name=name, pod_runs_as_non_root=non_root)


def _making(shop: Workshop, wish: Wish) -> Making:
    key = debug_key(wish.options, wish.opening.user)
    return Making(
        wish.opening.session,
        wish.opening.user,
        waiter_command(wish.options.ttl_seconds, shop.patience_seconds),
        shop.clock.wall_ms() / 1000,
        key=key,
    )


class DebugMaking:
    """A debug container in a pod: one of ours that still runs and was made for the same, or a new one.

    Args:
        free: whether a container of ours has no session of another user in it.
    """

    def __init__(self, workshop: Workshop, wish: Wish, free: Callable[[str], bool]) -> None:
        self._shop = workshop
        self._wish = wish
        self._free = free
        self._container = ""

    async def make(self, listener: PreparationListener) -> Ready | Refusal:
        """Find or make the container and wait until it runs."""
        place = self._wish.site.place
        try:
            if (kept := await _kept(self._shop.client, self._wish.opening)) is not None:
                self._container = kept.made.container
                listener.note_made(kept.made, kept.target)
                return kept
            return await self._make(listener)
        except StartFailed as failed:
            return start_refusal(failed)
        except KubeError as error:
            return making_refusal(error, f"the pod {place.namespace}/{place.pod}")

    async def _make(self, listener: PreparationListener) -> Ready | Refusal:
        wish, place, client = self._wish, self._wish.site.place, self._shop.client
        pod = await client.get(PODS.path(place.namespace, place.pod), Pod)
        made = describe(wish.options, object_kind="ephemeral_container", namespace=place.namespace, node=pod.spec.node_name)
        made = msgspec.structs.replace(made, pod=place.pod, pod_uid=pod.metadata.uid)
        name = await self._reusable(pod)
        if name:
            listener.note_progress("checking", f"the debug container {name} of {place.pod} is used again")
            made = msgspec.structs.replace(made, container=name, reused=True)
        else:
            listener.note_progress("creating", f"adding a debug container to {place.pod}; it cannot be removed again")
            name = await self._add()
            made = msgspec.structs.replace(made, container=name)
        self._container = name
        listener.note_made(made, TargetIdentity(place.namespace, place.pod, pod.metadata.uid, name))
        return await _started(client, made, wish.start_seconds, listener)

    async def _reusable(self, pod: Pod) -> str:
        place, wish = self._wish.site.place, self._wish
        keyed = await self._shop.client.get(PODS.path(place.namespace, place.pod), _KeyedPod)
        key = debug_key(wish.options, wish.opening.user)
        keys = {one.name: env.value for one in keyed.spec.ephemeral_containers or () for env in one.env or () if env.name == KEY_VARIABLE}
        for status in pod.status.ephemeral_container_statuses or ():
            if status.state.running is not None and keys.get(status.name) == key and self._free(status.name):
                return status.name
        return ""

    async def _add(self) -> str:
        for _ in range(_PATCH_TRIES - 1):
            try:
                return await self._patch()
            except Conflict:
                log.debug("somebody else changed the pod at the same moment")
        return await self._patch()

    async def _patch(self) -> str:
        place, name = self._wish.site.place, debug_container_name()
        path = PODS.path(place.namespace, place.pod, "ephemeralcontainers")
        body = ephemeral_patch(container_manifest(self._shop, self._wish, name))
        await self._shop.client.patch(path, body, Pod, how=PatchKind.STRATEGIC)
        return name

    async def end(self) -> str:
        """Nothing can be removed from a pod; the waiter ends the container when its last shell has gone."""
        return ""


async def _started(client: Client, made: MadeContainer, seconds: float, listener: PreparationListener) -> Ready:
    """Wait until the container runs, and tell once more of it with its image's digest.

    Raises:
        StartFailed: it does not, and why.
        KubeError: the pod cannot be read.
    """

    def say(text: str) -> None:
        listener.note_progress("pulling" if "pull" in text else "starting", text)

    pod = await wait_started(client, made.namespace, made.pod, made.container, seconds=seconds, say=say)
    made = msgspec.structs.replace(made, image_id=await _image_id(client, made), node=pod.spec.node_name or made.node)
    target = identify(pod, made.container)
    listener.note_made(made, target)
    return Ready(target, made)


async def _kept(client: Client, opening: OpenSession) -> Ready | None:
    """Return the container that this session had with an earlier agent, if it still runs."""
    before = opening.predecessor
    if before is None or before.made is None or not before.made.pod:
        return None
    made = before.made
    try:
        pod = await client.get(PODS.path(made.namespace, made.pod), Pod)
    except NotFound:
        return None
    status = pod.container_status(made.container)
    running = pod.metadata.uid == made.pod_uid and status is not None and status.state.running is not None
    if not running or pod.metadata.deletion_timestamp is not None:
        return None
    return Ready(identify(pod, made.container), made, holder=before.holder)


async def _image_id(client: Client, made: MadeContainer) -> str:
    images = await client.get(PODS.path(made.namespace, made.pod), _ImagesPod)
    every = (*(images.status.container_statuses or ()), *(images.status.ephemeral_container_statuses or ()))
    return next((one.image_id[:1024] for one in every if one.name == made.container), "")


class _KeyedEnv(KubeObject, frozen=True):
    name: str = ""
    value: str = ""


class _KeyedContainer(KubeObject, frozen=True):
    name: str = ""
    env: tuple[_KeyedEnv, ...] | None = None


class _KeyedSpec(KubeObject, frozen=True):
    ephemeral_containers: tuple[_KeyedContainer, ...] | None = None


class _KeyedPod(KubeObject, frozen=True):
    """Of a pod the environments of its debug containers."""

    spec: _KeyedSpec = _KeyedSpec()


class _ImageStatus(KubeObject, frozen=True):
    name: str = ""
    image_id: str = msgspec.field(default="", name="imageID")


class _ImagesStatus(KubeObject, frozen=True):
    container_statuses: tuple[_ImageStatus, ...] | None = None
    ephemeral_container_statuses: tuple[_ImageStatus, ...] | None = None


class _ImagesPod(KubeObject, frozen=True):
    """Of a pod the digests of its images."""

    status: _ImagesStatus = _ImagesStatus()
