"""The pods of node shells: whether a node can take one, making it (bare or in a Job), and taking it away at any moment.

Names are chosen before anything is asked for, so that what a create made whose answer never came can still be removed by name.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable

from podshell.kube.errors import ApiError, Conflict, NotFound
from podshell.kube.hazards import Broken, judge_node
from podshell.kube.manifests import SELECTOR, SESSION_LABEL, Manifest, NodeFacts, node_pod_name, random_suffix
from podshell.kube.objects import Metadata, Node, Pod
from podshell.kube.rest import Client
from podshell.kube.workloads import Job, Resource

# How long an answer to a create is waited for after we were told to leave: it says whether there is something to delete.
ANSWER_SECONDS = 5.0
_NAME_TRIES = 3
_GONE_TRIES = 3
_GONE_SECONDS = 0.5


def node_problem(node: Node, os: str) -> Broken | None:
    """Say why no pod for the system `os` starts on a node. Pure; the first text is S2's."""
    name = node.metadata.name
    system = system_of(node)
    if system == os:
        return judge_node(node, name)
    text = f"error validating operating system for node {name}: unsupported OS (kubectl shell requires Linux)"
    step = "the label kubernetes.io/os of the node must be linux"
    if system == "windows":
        step = "choose the system Windows (--os windows), which is untested"
    if os != "linux":
        text = f"error validating operating system for node {name}: it runs {system or 'an unknown system'}"
        step = "choose the system Linux (leave out --os)"
    return Broken(f"node {name}", "UnsupportedOS", text, step)


def system_of(node: Node) -> str:
    """Return the operating system of a node, as its label or its kubelet says; empty: neither does."""
    return (node.metadata.labels or {}).get("kubernetes.io/os", "") or node.status.node_info.operating_system


def node_facts(name: str, node: Node | None, server_version: str = "") -> NodeFacts:
    """Return what a manifest has to know of its node; None: it may not be read.

    `server_version`: gitVersion of the API server. Where it is not known the kubelet's counts: no kubelet is newer than its server.
    """
    if node is None:
        return NodeFacts(name, server_minor=minor_of(server_version))
    info = node.status.node_info
    minor = minor_of(server_version) or minor_of(info.kubelet_version)
    microk8s = "microk8s.io/cluster" in (node.metadata.labels or {})
    return NodeFacts(name, info.container_runtime_version, info.kubelet_version, minor, microk8s)


def minor_of(version: str) -> int:
    """Return the minor number of a version such as "v1.36.2" or "v1.33.1+k3s1"; 0: it is none."""
    found = version.removeprefix("v").split(".")[1:2]
    digits = "".join(itertools.takewhile(str.isdigit, found[0])) if found else ""
    return int(digits) if digits else 0


def made_nothing(error: BaseException) -> bool:
    """Whether a create that failed so has made nothing for certain: it was refused.

    An error of the server or of what stands before it (5xx), a time that was up (408) and a queue that was full (429) may come after the
    object was written.
    """
    return isinstance(error, ApiError) and 400 <= error.status_code < 500 and error.status_code not in (408, 429)


class NodePod:
    """One pod of ours on a node, or the Job around it. `create` or `adopt`, and `remove` in any case.

    Args:
        resource: PODS or JOBS.
    """

    def __init__(self, client: Client, resource: Resource[Pod] | Resource[Job], namespace: str, node: str) -> None:
        self.namespace = namespace
        self.name = node_pod_name(node, random_suffix())
        self.uid = ""
        self._client = client
        self._resource = resource
        self._node = node
        self._creating: asyncio.Task[Metadata] | None = None
        self._gone = True  # nothing was asked for, or it is known to be gone

    @property
    def may_exist(self) -> bool:
        """Whether something was asked for that nobody has removed yet."""
        return not self._gone

    @property
    def answered(self) -> bool:
        """Whether the server has said how the last create went."""
        if self._creating is None or not self._creating.done() or self._creating.cancelled():
            return False
        error = self._creating.exception()
        return error is None or made_nothing(error)

    def adopt(self, name: str, uid: str) -> None:
        """It is there already: a predecessor made it."""
        self.name, self.uid, self._gone = name, uid, False

    async def create(self, build: Callable[[str], Manifest]) -> Metadata:
        """Make it; a name that is taken is chosen anew. Cancelling does not take the request back: `remove` does.

        Raises:
            KubeError: it was refused, or the answer never came.
        """
        for _ in range(_NAME_TRIES - 1):
            try:
                return await self._create(build)
            except Conflict:
                self.name = node_pod_name(self._node, random_suffix())
        return await self._create(build)

    async def _create(self, build: Callable[[str], Manifest]) -> Metadata:
        # a task of its own: a create that was sent is not taken back by not listening to its answer
        creating = self._client.create(self._resource.path(self.namespace), build(self.name), Metadata)
        self._creating = asyncio.ensure_future(creating)
        self._gone = False
        try:
            made = await asyncio.shield(self._creating)
        except ApiError as error:
            self._gone = made_nothing(error)
            raise
        self.uid = made.metadata.uid
        return made

    async def remove(self, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Delete what was made, or may have been; one that is gone already is fine. Calling it again is safe.

        Raises:
            KubeError: it may still be there.
        """
        if self._gone:
            return
        sure = await self._await_answer(answer_seconds)
        for attempt in range(1 if sure else _GONE_TRIES):
            if self._gone:
                return
            if attempt:
                await asyncio.sleep(_GONE_SECONDS * attempt)  # a create without an answer may still be on its way
            try:
                path = self._resource.path(self.namespace, self.name)
                await self._client.delete(path, grace_seconds=0, uid=self.uid, propagation="Background")
                self._gone = True
            except NotFound:
                self._gone = sure
            except Conflict:
                self._gone = True  # the name is another's by now

    async def _await_answer(self, seconds: float) -> bool:
        """Wait for the create's answer; whether it is known that there was one."""
        creating = self._creating
        if creating is None:
            return True
        await asyncio.wait({creating}, timeout=seconds)
        if not creating.done():
            creating.cancel()
        if creating.cancelled() or not creating.done():
            return False
        if (error := creating.exception()) is None:
            self.uid = self.uid or creating.result().metadata.uid
            return True
        self._gone = made_nothing(error)
        return self._gone


async def delete_session(client: Client, resource: Resource[Pod] | Resource[Job], namespace: str, session: str) -> list[str]:
    """Delete all of a session by its label, also what nobody remembers having made. Returns the names.

    Raises:
        KubeError: something may still be there.
    """
    deleted = []
    for found in await client.list(resource.path(namespace), Metadata, params={"labelSelector": f"{SELECTOR},{SESSION_LABEL}={session}"}):
        with contextlib.suppress(NotFound, Conflict):
            path = resource.path(namespace, found.metadata.name)
            await client.delete(path, grace_seconds=0, uid=found.metadata.uid, propagation="Background")
        deleted.append(found.metadata.name)
    return deleted
