"""What a pod's own status does not say of its start, or says late: what its events tell, or its Job's, and whether its node still answers.

A volume that does not fit, a Job that may make no pod, and a kubelet that is gone leave a pod as it was, or leave none: without this they
would look like a slow start until the patience is over (kubernetes.md 4.2, 4.4). What events mean is start_events.py's; `judge_node` is
pure; `Hazards` watches.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from podshell.kube.errors import KubeError, NotFound
from podshell.kube.objects import Condition, Event, Node
from podshell.kube.reflector import Reflector
from podshell.kube.rest import Client
from podshell.kube.start_events import Broken as Broken
from podshell.kube.start_events import StartEvents, Subject
from podshell.kube.store import Change, ChangeKind, Store
from podshell.kube.workloads import EVENTS, NODES

# A healthy kubelet says its first word within a second; its node is asked after when there is no verdict for so long; a start that
# cannot succeed is to end within 3 s of what says so.
SILENT_SECONDS = 1.0
# The whole message of the condition Ready when nothing but the network plugin is missing (kubernetes pkg/kubelet/kubelet.go,
# updateRuntimeUp); several causes are written as a list in brackets (apimachinery pkg/util/errors).
_NETWORK_ALONE = re.compile(r"(?:container )?runtime network not ready: NetworkReady=false ")


def judge_node(node: Node | None, name: str, *, host_network: bool = True) -> Broken | None:
    """Return why nothing starts on a node; None for the node: there is no such node.

    `host_network`: the pod is on the network of the node. A kubelet without a network plugin starts containers in no other pods, not even
    debug containers in those that run (kubernetes pkg/kubelet/kubelet.go, SyncPod).
    """
    if node is None:
        return Broken(f"node {name}", "NodeGone", f"there is no node {name} any more", "choose another one: kubectl get nodes")
    if node.ready or (host_network and network_problem(node)):
        return None
    ready = _ready(node)
    said = ready.message or ready.reason
    what, step = "its kubelet starts nothing", f"choose another node, or look at this one: kubectl describe node {name}"
    if network_problem(node):
        what = "its kubelet starts containers in pods on the node's network alone"
        step = f"open a shell on the node, which needs no network plugin: kubectl shell {name}"
    text = f"the node {name} is not Ready: {what}" + (f" ({said})" if said else "")
    return Broken(f"node {name}", "NodeNotReady", text, step)


def network_problem(node: Node) -> str:
    """Say that nothing but its network plugin keeps a node from being Ready; empty: it is Ready, or something else does."""
    ready = _ready(node)
    if ready.status != "False" or not _NETWORK_ALONE.match(ready.message):
        return ""
    return f"the node {node.metadata.name} is not Ready, but starts pods on its own network ({ready.message})"


def _ready(node: Node) -> Condition:
    return next((one for one in node.status.conditions or () if one.type == "Ready"), Condition("Ready"))


class Hazards:
    """Looks for what ends the wait.

    Args:
        subject: whose events are read.
        events: what they mean.
        node: tells the name of the node, or nothing while none is known.
        host_network: whether the pod is on the node's network.
        say: gets what is going on.
        silent_seconds: after so long without a verdict the node is asked after, again and again.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        subject: Subject,
        events: StartEvents,
        node: Callable[[], str],
        *,
        host_network: bool = True,
        say: Callable[[str], None] = lambda _: None,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._subject = subject
        self._events = events
        self._node = node
        self._host_network = host_network
        self._say = say
        self._silent_seconds = silent_seconds

    async def first(self) -> Broken:
        """Wait for the first thing that will not heal; for ever, if all is well. Cancelling is safe."""
        found: asyncio.Future[Broken] = asyncio.get_running_loop().create_future()

        def note(change: Change[Event]) -> None:
            if found.done() or change.kind is ChangeKind.DELETED:
                return
            told = self._events.note(change.new)
            if isinstance(told, Broken):
                found.set_result(told)
            elif told:
                self._say(told)

        events: Store[Event] = Store()
        events.listen(note)
        watching = asyncio.create_task(self._watch_events(events), name=f"events of {self._subject.name}")
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
        selectors = {"fieldSelector": self._subject.selector}
        await Reflector(self._client, EVENTS, events, namespace=self._namespace, selectors=selectors).run()

    async def _ask_node(self) -> Broken | None:
        name = self._node()
        if not name:
            return None
        try:
            node = await self._client.get(NODES.path("", name), Node)
        except NotFound:
            return judge_node(None, name)
        except KubeError:
            return None  # it may not be read, or not now: then the patience decides
        if warning := network_problem(node):
            self._say(warning)
        return judge_node(node, name, host_network=self._host_network)
