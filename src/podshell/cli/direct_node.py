"""The place of a direct shell on a node: a pod of our own.

Its name is chosen before anything is asked for, so that what a create made whose answer never came can be removed by name.
"""

from __future__ import annotations

import asyncio
import contextlib

from podshell.cli.direct_place import Place, Say, Wish, check, next_step, refusal_of
from podshell.cli.failures import FAILED, CommandFailed
from podshell.cli.first_look import FirstLook
from podshell.cli.leftovers import remove_finished
from podshell.cli.survivor import Survivor
from podshell.kube.debug_options import ResolvedOptions
from podshell.kube.errors import Forbidden, KubeError
from podshell.kube.exec import ExecEnd, ExecStream, ExecTarget, open_attach
from podshell.kube.hazards import network_problem
from podshell.kube.host_mounts import read_mounts_text, read_only_paths
from podshell.kube.manifests import CONTAINER, Manifest, NodeFacts, node_pod
from podshell.kube.node_pods import NodePod, node_facts, node_problem
from podshell.kube.objects import Node
from podshell.kube.rest import Client
from podshell.kube.runtime_sockets import open_sockets, open_sockets_text, risks_on, without_masks
from podshell.kube.starting import StartFailed
from podshell.kube.waiter import PATIENCE_SECONDS
from podshell.kube.workloads import PODS


class _Nothing:
    """The receiver of a stream of which only the existence counts."""

    def up(self) -> None:
        pass

    def output(self, channel: int, data: memoryview | bytes) -> None:
        pass

    def ended(self, end: ExecEnd) -> None:
        pass


class NodePlace(Place):
    """A pod on a node, ours alone."""

    def __init__(self, client: Client, wish: Wish, node: str, namespace: str, look: FirstLook[Node], survivor: Survivor) -> None:
        super().__init__(client, wish)
        self._survivor = survivor
        self._node = node
        self._namespace = namespace
        self._look = look
        self._pod = NodePod(client, PODS, namespace, node)
        self._started = False
        self._watch: ExecStream | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._say: Say = lambda _: None

    async def make(self, say: Say) -> None:
        self._say = say
        facts = node_facts(self._node, await self._read_node(say))
        options = await self._prepare(self._namespace, say)
        say(f"Starting host networking pod {self._namespace}/{self._pod.name} on node {self._node}")
        for risk in risks_on(options, facts):
            if risk.level == "danger":
                say(risk.text)
        await self._start(options, facts, say)
        self._started = True
        self._target = ExecTarget(self._namespace, self._pod.name, CONTAINER)
        if text := await read_mounts_text(self._client, self._namespace, self._pod.name, CONTAINER, read_only_paths(options)):
            say(text)
        if options.os == "windows":
            await self._watch_over(self._target, say)

    async def _start(self, options: ResolvedOptions, facts: NodeFacts, say: Say) -> None:
        """Make the pod and wait for it; once more without each mask of a runtime socket that has nothing to cover there."""
        making = self._making(options)

        def build(name: str) -> Manifest:
            self._survivor.note(self._namespace, name)
            return node_pod(options, making, facts, name=name, namespace=self._namespace)

        while True:
            try:
                await self._pod.create(build)
            except KubeError as error:
                raise refusal_of(error, f"err creating pod {self._pod.name} in namespace {self._namespace}") from error
            if self._sweeping is None:
                self._sweeping = asyncio.ensure_future(self._sweep())
            try:
                await self._wait(self._namespace, self._pod.name, CONTAINER, say)
                return
            except CommandFailed as failed:
                why = failed.__cause__
                bare = without_masks(facts, " ".join([str(why), *why.events])) if isinstance(why, StartFailed) else None
                if bare is None:
                    raise
                await self._delete()
                facts, self._pod = bare, NodePod(self._client, PODS, self._namespace, self._node)
                say(open_sockets_text(open_sockets(options, facts)))

    async def _watch_over(self, target: ExecTarget, say: Say) -> None:
        """Attach to the waiting process, which ends when we are gone."""
        say("shells on Windows are untested")
        try:
            self._watch = await open_attach(self._client, target, tty=False, size=None, receiver=_Nothing())
        except KubeError as error:
            say(f"nothing watches over the pod, which stays until its deadline if this program is killed: {error}")

    async def _read_node(self, say: Say) -> Node | None:
        try:
            node = await self._look.result()
        except Forbidden:
            say(f"the node {self._node} may not be read: whether it runs Linux is not known")
            return None
        except KubeError as error:
            raise CommandFailed(FAILED, f"error retrieving node {self._node}: {error}", next_step(error, "kubectl get nodes")) from error
        check(node_problem(node, self._wish.options.os))
        if warning := network_problem(node):
            say(warning)
        return node

    async def _sweep(self) -> None:
        """Remove what earlier runs of this user left because they were killed; what that cannot reach is `kubectl shell gc`'s."""
        with contextlib.suppress(KubeError):
            await remove_finished(self._client, self._namespace, self._user)

    async def remove(self) -> None:
        if self._watch is not None:
            self._watch.abort()
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._wish.keep_on_failure and not self._started and self._pod.answered:
            if self._pod.may_exist and not self._kept_said:
                self._say(self._kept(self._namespace, self._pod.name))
            self.leave()
            return
        await self._delete()

    async def _delete(self) -> None:
        try:
            await self._pod.remove()
        except KubeError as error:
            raise CommandFailed(FAILED, f"failed to delete pod {self._pod.name}: {error}", self.left_behind()) from error
        if not self._pod.may_exist:
            self._survivor.forget(self._namespace, self._pod.name)

    def leave(self) -> None:
        self._survivor.forget(self._namespace, self._pod.name)

    def left_behind(self) -> str:
        if not self._pod.may_exist:
            return ""
        if self._nonce and self._started:
            return f"{self._goes_on(self._pod.name, CONTAINER, self._namespace)}; kubectl shell gc --delete removes the pod"
        name = f"{self._namespace}/{self._pod.name}"
        return f"the pod {name} ends by itself within {PATIENCE_SECONDS} s; kubectl shell gc --delete removes the rest"
