"""Making the container of a debug or node session: one preparation for each kind.

Names are chosen before anything is asked for, so that what a create made whose answer never came can still be removed by name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec

from podshell.agent.kept import find_kept
from podshell.agent.leftovers import INSTANCE_LABEL
from podshell.agent.made import as_mounted, describe, making_refusal, problem_refusal, read_only_paths, start_refusal
from podshell.agent.preparing import PreparationListener, Ready
from podshell.agent.sites import Site
from podshell.agent.starts import Starts
from podshell.agent.targets import TargetIdentity, identify
from podshell.aio.clock import Clock
from podshell.kube.debug_containers import (
    add_container,
    life_until,
    may_reuse,
    read_equipped,
    reusable,
    runs_as_non_root,
    sharing_problem,
    target_user,
)
from podshell.kube.debug_options import ResolvedOptions
from podshell.kube.entering import entering
from podshell.kube.errors import KubeError
from podshell.kube.host_mounts import mounts_text, read_shallow
from podshell.kube.manifests import CONTAINER, Making, Manifest, debug_key, ephemeral_container, node_job
from podshell.kube.node_pods import NodePod, delete_session
from podshell.kube.pod_security import stricter
from podshell.kube.rest import Client
from podshell.kube.runtime_sockets import without_masks
from podshell.kube.starting import StartFailed, wait_job_pod, wait_started
from podshell.kube.waiter import waiter_command
from podshell.kube.windows_shells import waiting_command
from podshell.kube.workloads import JOBS
from podshell.wire.calls import OpenSession
from podshell.wire.errors import Refusal
from podshell.wire.tools import MadeContainer

log = logging.getLogger(__name__)

# A create that was sent is not taken back by not listening to its answer.
_ANSWER_SECONDS = 3.0
_DELETE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all makings of an agent share. `instance`: the label by which the agent knows its own Jobs.

    `patience_seconds`: how long a container stays without anybody who watches over a shell in it.
    """

    client: Client
    clock: Clock
    instance: str
    patience_seconds: int
    starts: Starts = field(default_factory=Starts)


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
        node = wish.site.node
        assert node is not None, "a node session's site is a node"
        self._shop = workshop
        self._wish = wish
        self._node = node.name
        self._facts = node
        self._namespace = wish.site.place.namespace
        self._job = NodePod(workshop.client, JOBS, self._namespace, node.name)

    async def make(self, listener: PreparationListener) -> Ready | Refusal:
        """Make the Job and wait for its container; the one that a predecessor made, if that still runs."""
        try:
            if (kept := await find_kept(self._shop.client, self._wish.opening, self._wish.site)) is not None:
                self._job.adopt(kept.made.name, kept.made.uid)
                listener.note_made(kept.made, kept.target)
                return kept
            if self._wish.opening.incarnation > 1:  # what an earlier agent made for this session and could not tell of
                await delete_session(self._shop.client, JOBS, self._namespace, self._wish.opening.session)
            return await self._make(listener)
        except StartFailed as failed:
            return start_refusal(failed)
        except KubeError as error:
            return making_refusal(error, f"the node pod in the namespace {self._namespace}", self._namespace)

    async def _make(self, listener: PreparationListener) -> Ready:
        """Make it; once more without each mask of a runtime socket that has nothing to cover there."""
        while True:
            try:
                return await self._make_once(listener)
            except StartFailed as failed:
                facts = without_masks(self._facts, " ".join([failed.broken.message, *failed.events]))
                if facts is None:
                    raise
                await self._job.remove()
                self._facts = facts
                self._job = NodePod(self._shop.client, JOBS, self._namespace, self._node)

    async def _make_once(self, listener: PreparationListener) -> Ready:
        client, facts = self._shop.client, self._facts
        wish = replace(self._wish, site=replace(self._wish.site, node=facts))
        listener.note_progress("creating", f"creating the pod {self._namespace}/{self._job.name} on the node {self._node}")
        job = await self._job.create(lambda name: job_manifest(self._shop, wish, name))
        name, uid = self._job.name, job.metadata.uid
        made = describe(wish.options, object_kind="job", namespace=self._namespace, name=name, uid=uid, node=self._node, facts=facts)
        begin = self._shop.clock.time()
        pod = await wait_job_pod(client, self._namespace, name, seconds=wish.start_seconds)
        made = msgspec.structs.replace(made, pod=pod.metadata.name, pod_uid=pod.metadata.uid, container=CONTAINER)
        listener.note_made(made, identify(pod, CONTAINER))
        left = max(1.0, wish.start_seconds - (self._shop.clock.time() - begin))
        return await _started(client, made, left, listener)

    def words(self, command: Sequence[str]) -> Sequence[str]:
        """Return the command, in the node itself where that was asked for."""
        return entering(command) if self._wish.options.enter else command

    async def end(self) -> str:
        """Delete the Job, and with it its pod."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS + _DELETE_SECONDS):
                await self._job.remove(answer_seconds=_ANSWER_SECONDS)
        except (KubeError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            told = {"session": self._wish.opening.session, "job": self._job.name}
            log.warning("a node pod could not be deleted: %s", why, extra=told)
            # the reason last: it may be long, and what is told is cut
            left = f"the pod {self._namespace}/{self._job.name} ends by itself within {self._shop.patience_seconds} s"
            return f"{left}: it could not be deleted ({why})"
        return ""


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
    making, user = _making(shop, wish), target_user(pod, wish.options.target)
    return ephemeral_container(wish.options, making, name=name, pod_runs_as_non_root=runs_as_non_root(pod), target_user=user)


def _making(shop: Workshop, wish: Wish) -> Making:
    options = wish.options
    # a Windows pod of ours waits for the end of an input that nobody opens here: this agent removes its Job, or its deadline does
    windows = options.os == "windows"
    first = waiting_command(options.ttl_seconds) if windows else waiter_command(options.ttl_seconds, shop.patience_seconds)
    key = debug_key(options, wish.opening.user)
    return Making(wish.opening.session, wish.opening.user, first, shop.clock.wall_ms() / 1000, key=key, attached=windows)


class DebugMaking:
    """A debug container in a pod: one of ours that still runs and was made for the same, or a new one.

    Args:
        free: whether a container of ours has no session of another user in it.
    """

    def __init__(self, workshop: Workshop, wish: Wish, free: Callable[[str], bool]) -> None:
        self._shop = workshop
        self._wish = wish
        self._free = free
        self._container = ""  # the last one that was found or made

    async def make(self, listener: PreparationListener) -> Ready | Refusal:
        """Find or make the container and wait until it runs; called again, another one than before."""
        place = self._wish.site.place
        try:
            kept = await find_kept(self._shop.client, self._wish.opening, self._wish.site) if not self._container else None
            if kept is not None:
                self._container = kept.made.container
                listener.note_made(kept.made, kept.target)
                return kept
            return await self._make(listener)
        except StartFailed as failed:
            return start_refusal(failed)
        except KubeError as error:
            if (fitted := stricter(self._wish.options, error)) is None:
                return making_refusal(error, f"the pod {place.namespace}/{place.pod}")
        listener.note_progress("creating", "Pod Security refuses it so; once more with the profile restricted: not root, nothing added")
        self._wish = replace(self._wish, options=fitted, site=replace(self._wish.site, options=fitted))
        return await self.make(listener)

    async def _make(self, listener: PreparationListener) -> Ready | Refusal:
        wish, starts = self._wish, self._shop.starts
        place, key = wish.site.place, debug_key(wish.options, wish.opening.user)
        async with starts.door(f"{place.namespace}/{place.pod}"):
            made = await self._find_or_add(key, listener)
            if isinstance(made, Refusal):
                return made
            self._container = made.container
            listener.note_made(made, TargetIdentity(made.namespace, made.pod, made.pod_uid, made.container))
            if not made.reused:
                starts.begin(made.pod_uid, key, made.container)
        try:
            return await _started(self._shop.client, made, wish.start_seconds, listener)
        finally:
            if not made.reused:
                starts.end(made.pod_uid, key, made.container)

    async def _find_or_add(self, key: str, listener: PreparationListener) -> MadeContainer | Refusal:
        wish, place, client = self._wish, self._wish.site.place, self._shop.client
        found = await read_equipped(client, place.namespace, place.pod)
        user, pod = wish.opening.user, found.pod
        if (problem := sharing_problem(found, wish.options.target, user)) is not None:
            return problem_refusal(problem)
        made = describe(wish.options, object_kind="ephemeral_container", namespace=place.namespace, node=pod.spec.node_name)
        made = msgspec.structs.replace(made, pod=place.pod, pod_uid=pod.metadata.uid)
        until, may = life_until(wish.options, self._shop.clock.wall_ms() / 1000), may_reuse(wish.options)
        if may and (name := reusable(found, key, until, lambda name: name != self._container and self._free(name))):
            listener.note_progress("checking", f"the debug container {name} of {place.pod} is used again")
            return msgspec.structs.replace(made, container=name, reused=True)
        if may and (name := self._shop.starts.find(pod.metadata.uid, key)) not in ("", self._container):
            listener.note_progress("checking", f"the debug container {name} of {place.pod} is starting for another shell of yours")
            return msgspec.structs.replace(made, container=name, reused=True)
        listener.note_progress("creating", f"adding a debug container to {place.pod}; it cannot be removed again")
        name = await add_container(client, place.namespace, place.pod, lambda name: container_manifest(self._shop, wish, name))
        return msgspec.structs.replace(made, container=name)

    def words(self, command: Sequence[str]) -> Sequence[str]:
        """Return the command as it is."""
        return command

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
    status = pod.container_status(made.container)
    digest = status.image_id[:1024] if status is not None else ""
    paths = read_only_paths(made.mounts)
    shallow = await read_shallow(client, made.namespace, made.pod, made.container, paths) if paths else []
    if paths and not shallow:
        listener.note_progress("starting", mounts_text(paths, ()))
    made = msgspec.structs.replace(
        made, image_id=digest, node=pod.spec.node_name or made.node, mounts=[*map(partial(as_mounted, shallow), made.mounts)]
    )  # fmt: skip
    target = identify(pod, made.container)
    listener.note_made(made, target)
    return Ready(target, made)
