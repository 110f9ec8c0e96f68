"""What a pod's own status does not say of its start: what its events tell, or its Job's, and whether its node still answers.

A volume that does not fit, a Job that may make no pod, and a kubelet that is gone leave a pod as it was, or leave none: without this they
would look like a slow start until the patience is over (kubernetes.md 4.2, 4.4). `judge_event` and `judge_node` are pure; `Hazards`
watches.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from podshell.kube.errors import KubeError, NotFound
from podshell.kube.objects import Event, Node
from podshell.kube.reflector import Reflector
from podshell.kube.rest import Client
from podshell.kube.store import Change, Store
from podshell.kube.workloads import EVENTS, NODES

# A healthy kubelet says its first word within a second; its node is asked after when nothing is new for so long; a start that
# cannot succeed is to end within 3 s of what says so.
SILENT_SECONDS = 2.0
# Of the reasons for FailedMount the one that no further try changes (transcripts/node): a Secret may still come, a path's type stays.
_HOPELESS_MOUNT = re.compile(r"hostPath type check failed")
# What the API server says when it means it, not when it is busy (transcripts/node/quota-job).
_REFUSED = re.compile(r"is forbidden|denied the request")


@dataclass(frozen=True, slots=True)
class Broken:
    """It will not start. `reason` is Kubernetes' own word, `object` whom it is about."""

    object: str
    reason: str
    message: str
    next_step: str


def judge_event(event: Event) -> Broken | None:
    """Return what an event tells that will not heal."""
    about = event.involved_object
    name = f"{about.kind.lower()} {about.namespace}/{about.name}"
    if event.reason == "FailedMount" and _HOPELESS_MOUNT.search(event.message):
        step = "the node lacks what is to be mounted: leave that option out, or choose another node"
        return Broken(name, event.reason, event.message, step)
    if event.reason == "FailedCreate" and _REFUSED.search(event.message):  # a Job's: its controller tries again, and is refused again
        return Broken(name, event.reason, event.message, _creation_step(event.message))
    return None


def _creation_step(message: str) -> str:
    if "violates PodSecurity" in message:
        return "use a namespace labelled pod-security.kubernetes.io/enforce=privileged"
    if "exceeded quota" in message or "must specify" in message:
        return "ask the namespace's owner for a larger quota, or use another namespace"
    if "admission webhook" in message or "ValidatingAdmissionPolicy" in message:
        return "an admission rule of the cluster refuses the pod: ask its owner"
    return "read the text; the namespace's owner can change what refuses the pod"


def judge_node(node: Node | None, name: str) -> Broken | None:
    """Return why nothing starts on a node; None for the node: there is no such node."""
    if node is None:
        return Broken(f"node {name}", "NodeGone", f"there is no node {name} any more", "choose another one: kubectl get nodes")
    if node.ready:
        return None
    said = next((one.message or one.reason for one in node.status.conditions or () if one.type == "Ready"), "")
    text = "the node is not Ready: its kubelet starts nothing" + (f" ({said})" if said else "")
    return Broken(f"node {name}", "NodeNotReady", text, f"choose another node, or look at this one: kubectl describe node {name}")


class Hazards:
    """Looks for what ends the wait.

    Args:
        subject: the object whose events are read; empty for none: those of a pod that was there before are not about our container.
        node: tells the name of the node, or nothing while none is known.
        silent_seconds: after so long without a verdict the node is asked after, again and again.
    """

    def __init__(
        self, client: Client, namespace: str, subject: str, node: Callable[[], str], *, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._subject = subject
        self._node = node
        self._silent_seconds = silent_seconds

    async def first(self) -> Broken:
        """Wait for the first thing that will not heal; for ever, if all is well. Cancelling is safe."""
        found: asyncio.Future[Broken] = asyncio.get_running_loop().create_future()

        def note(change: Change[Event]) -> None:
            if not found.done() and (broken := judge_event(change.new)) is not None:
                found.set_result(broken)

        events: Store[Event] = Store()
        events.listen(note)
        watching = asyncio.create_task(self._watch_events(events), name=f"events of {self._subject}")
        try:
            while True:
                await asyncio.wait({found}, timeout=self._silent_seconds)
                if found.done():
                    return found.result()
                if (broken := await self._ask_node()) is not None:
                    return broken
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _watch_events(self, events: Store[Event]) -> None:
        # whoever may not read events misses them here, and in what is told; nothing else
        if self._subject:
            selectors = {"fieldSelector": f"involvedObject.name={self._subject}"}
            await Reflector(self._client, EVENTS, events, namespace=self._namespace, selectors=selectors).run()

    async def _ask_node(self) -> Broken | None:
        name = self._node()
        if not name:
            return None
        try:
            return judge_node(await self._client.get(NODES.path("", name), Node), name)
        except NotFound:
            return judge_node(None, name)
        except KubeError:
            return None  # it may not be read, or not now: then the patience decides
