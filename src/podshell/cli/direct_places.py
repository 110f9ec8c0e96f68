"""The containers of direct shells: a pod of our own on a node, or a debug container in a pod that is there.

Names are chosen before anything is asked for, so that what a create made whose answer never came can be removed by name.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from podshell.aio.clock import LoopClock
from podshell.cli.direct_run import OpenedShell, failure_of
from podshell.cli.failures import FAILED, REFUSED, TIMED_OUT, CommandFailed
from podshell.cli.first_look import FirstLook
from podshell.cli.shell_request import line_of
from podshell.kube.access import KubernetesAccess
from podshell.kube.classify import failed_from_error
from podshell.kube.debug_options import OptionProblem, ResolvedOptions, fit_level, risks
from podshell.kube.errors import ApiError, Conflict, Forbidden, KubeError, NotFound, Unreachable
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.manifests import (
    CONTAINER,
    KEY_VARIABLE,
    Making,
    NodeFacts,
    debug_container_name,
    debug_key,
    ephemeral_container,
    ephemeral_patch,
    node_pod,
    node_pod_name,
    random_suffix,
)
from podshell.kube.objects import KubeObject, Namespace, Node, Pod
from podshell.kube.rest import Client, PatchKind
from podshell.kube.shells import Shell, ShellOwner, ShellPlan
from podshell.kube.starting import StartFailed, wait_started
from podshell.kube.waiter import PATIENCE_SECONDS, waiter_command
from podshell.kube.workloads import NAMESPACES, PODS

Say = Callable[[str], None]
# Another one changed the pod between our look and our patch.
_PATCH_ATTEMPTS = 5
# How long an answer to a create is waited for after we were told to leave: it says whether there is something to delete.
_ANSWER_SECONDS = 5.0
_GONE_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """What a place is asked for: the options, the command (none: a shell), a terminal, the patience for the start, and the session's id."""

    options: ResolvedOptions
    command: Sequence[str]
    tty: bool
    start_seconds: float
    session: str
    keep_on_failure: bool = False


def new_session() -> str:
    """Return an id for labels and for the User-Agent."""
    return secrets.token_hex(8)


class _Place:
    """What both have in common: opening the shell, and turning refusals into words."""

    def __init__(self, client: Client, wish: Wish) -> None:
        self._client = client
        self._wish = wish
        self._target: ExecTarget | None = None

    async def open_shell(self, owner: ShellOwner, size: tuple[int, int]) -> OpenedShell:
        assert self._target is not None
        plan = ShellPlan(self._target, self._wish.command, self._wish.tty, tools=True)
        shell = Shell(KubernetesAccess(self._client), plan, owner, LoopClock(), size=size)
        try:
            failed = await shell.open()
        except BaseException:
            shell.abort()
            raise
        if failed is not None:
            shell.abort()
            raise failure_of(failed)
        return shell

    async def _fit(self, namespace: str) -> ResolvedOptions:
        """Fit the options to the namespace's Pod Security level; one that may not be read is left to the API server."""
        try:
            found = await self._client.get(NAMESPACES.path("", namespace), Namespace)
        except Forbidden:
            return self._wish.options
        except NotFound as error:
            raise CommandFailed(FAILED, error.message, "name another namespace with -n") from error
        level = (found.metadata.labels or {}).get("pod-security.kubernetes.io/enforce", "")
        fitted = fit_level(self._wish.options, level)
        if isinstance(fitted, OptionProblem):
            raise CommandFailed(REFUSED, f"{line_of(fitted)} (refused by Pod Security)")
        return fitted

    def _kept(self, namespace: str, pod: str) -> str:
        if not self._wish.keep_on_failure:
            return ""
        return f"kept: kubectl describe pod -n {namespace} {pod}; kubectl shell gc --delete removes it"

    async def _wait(self, namespace: str, pod: str, container: str, say: Say) -> Pod:
        try:
            return await wait_started(self._client, namespace, pod, container, seconds=self._wish.start_seconds, say=say)
        except StartFailed as failed:
            broken = failed.broken
            what = broken.message if failed.timed_out else f"{broken.object}: {broken.reason}: {broken.message}"
            lines = [what, *(f"event: {event}" for event in failed.events), broken.next_step, self._kept(namespace, pod)]
            raise CommandFailed(TIMED_OUT if failed.timed_out else FAILED, *lines) from failed


class NodePlace(_Place):
    """A pod on a node, ours alone."""

    def __init__(self, client: Client, wish: Wish, node: str, namespace: str, look: FirstLook[Node]) -> None:
        super().__init__(client, wish)
        self._node = node
        self._namespace = namespace
        self._look = look
        self._name = node_pod_name(node, random_suffix())
        self._creating: asyncio.Task[Pod] | None = None
        self._started = False
        self._removed = False

    async def make(self, say: Say) -> None:
        facts = node_facts(self._node, await self._read_node(say))
        options = await self._fit(self._namespace)
        say(f"Starting host networking pod {self._namespace}/{self._name} on node {self._node}")
        for risk in risks(options):
            if risk.level == "danger":
                say(risk.text)
        making = Making(
            self._wish.session, self._client.connection.user_name or "unknown", waiter_command(options.ttl_seconds), time.time()
        )
        manifest = node_pod(options, making, facts, name=self._name, namespace=self._namespace)
        # a task of its own: a create that was sent is not taken back by not listening to its answer
        self._creating = asyncio.ensure_future(self._client.create(PODS.path(self._namespace), manifest, Pod))
        try:
            await asyncio.shield(self._creating)
        except ApiError as error:
            raise refusal_of(error, f"err creating pod {self._name} in namespace {self._namespace}") from error
        except KubeError as error:
            raise CommandFailed(FAILED, f"err creating pod {self._name} in namespace {self._namespace}: {error}") from error
        await self._wait(self._namespace, self._name, CONTAINER, say)
        self._started = True
        self._target = ExecTarget(self._namespace, self._name, CONTAINER)

    async def _read_node(self, say: Say) -> Node | None:
        try:
            node = await self._look.result()
        except Forbidden:
            say(f"the node {self._node} may not be read: whether it runs Linux is not known")
            return None
        except KubeError as error:
            raise CommandFailed(FAILED, f"error retrieving node {self._node}: {error}", _next_step(error, "kubectl get nodes")) from error
        check_system(node, self._wish.options.os)
        if not node.ready:
            raise CommandFailed(
                FAILED, f"node {self._node} is not Ready: its kubelet starts nothing", f"look at it: kubectl describe node {self._node}"
            )
        return node

    async def remove(self) -> None:
        if self._creating is None or self._removed:
            return
        if self._wish.keep_on_failure and not self._started and self._creating.done() and not self._creating.cancelled():
            self._removed = True
            return
        await asyncio.wait({self._creating}, timeout=_ANSWER_SECONDS)
        sure = self._creating.done() and self._creating.exception() is None
        refused = self._creating.done() and isinstance(self._creating.exception(), ApiError)
        if refused:
            return
        self._creating.cancel()
        for attempt in range(1 if sure else _GONE_ATTEMPTS):
            try:
                await self._client.delete(PODS.path(self._namespace, self._name), grace_seconds=0)
                self._removed = True
                return
            except NotFound:
                if sure:
                    self._removed = True
                    return
                await asyncio.sleep(0.5 * (attempt + 1))  # a create without an answer may still be on its way
            except KubeError as error:
                raise CommandFailed(FAILED, f"failed to delete pod {self._name}: {error}", self.left_behind()) from error

    def left_behind(self) -> str:
        if self._creating is None or self._removed:
            return ""
        return (
            f"the pod {self._namespace}/{self._name} ends by itself within {PATIENCE_SECONDS} s; kubectl shell gc --delete removes the rest"
        )


class PodPlace(_Place):
    """A debug container in a pod: one of ours that still runs, or a new one."""

    def __init__(self, client: Client, wish: Wish, pod: str, namespace: str, look: FirstLook[Pod]) -> None:
        super().__init__(client, wish)
        self._pod = pod
        self._namespace = namespace
        self._look = look
        self._container = ""

    async def make(self, say: Say) -> None:
        pod = await self._read_pod()
        options = await self._fit(self._namespace)
        key = debug_key(options, self._client.connection.user_name)
        found = _running_with_key(pod, await self._keys(), key)
        if found:
            say(f"Using the debug container {found} of pod {self._namespace}/{self._pod} again")
            self._container = found
        else:
            await self._patch(pod, options, key, say)
            await self._wait(self._namespace, self._pod, self._container, say)
        self._target = ExecTarget(self._namespace, self._pod, self._container)

    async def _read_pod(self) -> Pod:
        try:
            pod = await self._look.result()
        except KubeError as error:
            text = f"error retrieving pod {self._pod} from namespace {self._namespace}: {error}"
            raise CommandFailed(FAILED, text, _next_step(error, "name its namespace with -n")) from error
        check_pod(pod, self._wish.options.target)
        return pod

    async def _keys(self) -> dict[str, str]:
        """The keys in the environments of the pod's debug containers."""
        raw = await self._client.get(PODS.path(self._namespace, self._pod), _KeyedPod)
        return {one.name: env.value for one in raw.spec.ephemeral_containers or () for env in one.env or () if env.name == KEY_VARIABLE}

    async def _patch(self, pod: Pod, options: ResolvedOptions, key: str, say: Say) -> None:
        context = pod.spec.security_context
        making = Making(
            self._wish.session, self._client.connection.user_name or "unknown", waiter_command(options.ttl_seconds), time.time(), key=key
        )
        say(f"Starting ephemeral container in pod {self._namespace}/{self._pod}")
        for attempt in range(_PATCH_ATTEMPTS):
            self._container = debug_container_name()
            container = ephemeral_container(
                options, making, name=self._container, pod_runs_as_non_root=context is not None and context.run_as_non_root is True
            )
            try:
                path = PODS.path(self._namespace, self._pod, "ephemeralcontainers")
                await self._client.patch(path, ephemeral_patch(container), Pod, how=PatchKind.STRATEGIC)
            except Conflict:
                if attempt == _PATCH_ATTEMPTS - 1:
                    raise
                continue
            except ApiError as error:
                raise refusal_of(error, "error updating ephemeral containers") from error
            except KubeError as error:
                raise CommandFailed(FAILED, f"error updating ephemeral containers: {error}") from error
            for risk in risks(options):
                say(risk.text)
            return

    async def remove(self) -> None:
        """Nothing can be: the API removes no debug container; its waiter ends it."""

    def left_behind(self) -> str:
        if not self._container:
            return ""
        return f"the debug container {self._container} of pod {self._namespace}/{self._pod} ends by itself within {PATIENCE_SECONDS} s"


class _KeyedEnv(KubeObject, frozen=True):
    name: str = ""
    value: str = ""


class _KeyedContainer(KubeObject, frozen=True):
    name: str = ""
    env: tuple[_KeyedEnv, ...] | None = None


class _KeyedSpec(KubeObject, frozen=True):
    ephemeral_containers: tuple[_KeyedContainer, ...] | None = None


class _KeyedPod(KubeObject, frozen=True):
    spec: _KeyedSpec = _KeyedSpec()


def _running_with_key(pod: Pod, keys: Mapping[str, str], key: str) -> str:
    for status in pod.status.ephemeral_container_statuses or ():
        if status.state.running is not None and keys.get(status.name) == key:
            return status.name
    return ""


def check_system(node: Node, wanted: str) -> None:
    """Refuse a node of another system, in S2's words.

    Raises:
        CommandFailed: its label says something else, or nothing.
    """
    name = node.metadata.name
    system = (node.metadata.labels or {}).get("kubernetes.io/os", "")
    if system == wanted:
        return
    if wanted == "linux":
        text = f"error validating operating system for node {name}: unsupported OS (kubectl shell requires Linux)"
        step = "use --os windows (untested)" if system == "windows" else "the label kubernetes.io/os of the node must be linux"
        raise CommandFailed(FAILED, text, step)
    raise CommandFailed(
        FAILED, f"error validating operating system for node {name}: it runs {system or 'an unknown system'}", "leave out --os"
    )


def check_pod(pod: Pod, target: str) -> None:
    """Refuse a pod in which no debug container can start.

    Raises:
        CommandFailed: why, and what to do.
    """
    name = f"{pod.metadata.namespace}/{pod.metadata.name}"
    if not pod.spec.node_name:
        raise CommandFailed(
            FAILED, f"pod {name} is not on a node yet ({pod.status.phase or 'Pending'})", "wait until it is scheduled: kubectl describe pod"
        )
    if pod.status.phase in ("Succeeded", "Failed"):
        raise CommandFailed(FAILED, f"pod {name} has ended ({pod.status.phase})", "choose a pod that runs")
    if pod.spec.os is not None and pod.spec.os.name not in ("", "linux"):
        raise CommandFailed(FAILED, f"pod {name}: unsupported OS (kubectl shell requires Linux)", "use podshell exec")
    annotations = pod.metadata.annotations
    if annotations is not None and annotations.mirror:
        raise CommandFailed(
            FAILED, f"pod {name} is a static pod: these take no debug containers", f"open a shell on its node: {pod.spec.node_name}"
        )
    containers = [container.name for container in pod.spec.containers]
    if target and target not in containers:
        raise CommandFailed(FAILED, f"pod {name} has no container {target}", f"choose one with --target: {', '.join(containers)}")


def node_facts(name: str, node: Node | None) -> NodeFacts:
    """Return what a manifest has to know of its node."""
    if node is None:
        return NodeFacts(name)
    info = node.status.node_info
    minor = info.kubelet_version.removeprefix("v").split(".")[1:2]
    return NodeFacts(name, info.container_runtime_version, info.kubelet_version, int(minor[0]) if minor and minor[0].isdigit() else 0)


def refusal_of(error: ApiError, what: str) -> CommandFailed:
    """Say who refused a create or a patch, why, and what to do next."""
    failed = failure_of(failed_from_error(error))
    return CommandFailed(failed.code, f"{what}: {failed.lines[0]}", *failed.lines[1:])


def _next_step(error: KubeError, otherwise: str) -> str:
    if isinstance(error, NotFound):
        return otherwise
    return "check the network and the kubeconfig: podshell doctor" if isinstance(error, Unreachable) else ""
