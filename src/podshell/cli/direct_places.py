"""The containers of direct shells: a pod of our own on a node, or a debug container in a pod that is there.

Names are chosen before anything is asked for, so that what a create made whose answer never came can be removed by name.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial

from podshell.aio.clock import LoopClock
from podshell.cli.direct_run import OpenedShell, failure_of
from podshell.cli.durations import format_duration
from podshell.cli.failures import FAILED, REFUSED, TIMED_OUT, CommandFailed
from podshell.cli.first_look import FirstLook
from podshell.cli.leftovers import remove_finished
from podshell.cli.shell_request import line_of
from podshell.kube.access import KubernetesAccess
from podshell.kube.access_reviews import StreamWay, stream_way
from podshell.kube.attached_shells import IDLE_SECONDS, WARNING, AttachedShell, attached_command
from podshell.kube.classify import Failed, failed_from_error
from podshell.kube.debug_containers import add_container, pod_problem, read_equipped, reusable, runs_as_non_root, sharing_problem
from podshell.kube.debug_options import OptionProblem, ResolvedOptions, risks
from podshell.kube.errors import ApiError, Forbidden, KubeError, NotFound, Unreachable
from podshell.kube.exec import ExecEnd, ExecStream, ExecTarget, open_attach
from podshell.kube.hazards import Broken
from podshell.kube.host_mounts import read_shallow, shallow_text
from podshell.kube.manifests import CONTAINER, HOST_FOLDER, Making, Manifest, debug_key, ephemeral_container, node_pod
from podshell.kube.node_pods import NodePod, node_facts, node_problem
from podshell.kube.objects import Node, Pod
from podshell.kube.pod_security import fit_namespace
from podshell.kube.rest import Client
from podshell.kube.self_review import own_name
from podshell.kube.shell_receivers import ShellOwner
from podshell.kube.shells import CONTAINER_ENDED, Shell, ShellPlan
from podshell.kube.starting import StartFailed, wait_started
from podshell.kube.waiter import PATIENCE_SECONDS, waiter_command
from podshell.kube.windows_shells import waiting_command
from podshell.kube.workloads import PODS

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a place is asked for: the options, the command (none: a shell), a terminal, the patience for the start, and the session's id.

    `attach`: the shell is the container's own process, also where exec is allowed.
    """

    options: ResolvedOptions
    command: Sequence[str]
    tty: bool
    start_seconds: float
    session: str
    keep_on_failure: bool = False
    attach: bool = False


def new_session() -> str:
    """Return an id for labels and for the User-Agent."""
    return secrets.token_hex(8)


class _Place:
    """What both have in common: opening the shell, and turning refusals into words."""

    def __init__(self, client: Client, wish: Wish) -> None:
        self._client = client
        self._wish = wish
        self._target: ExecTarget | None = None
        self._nonce = ""  # of a shell that is attached to; empty: it is run by exec
        self._attached: AttachedShell | None = None
        self._kept_said = False
        self._known_as = ""  # to the API server; empty: it did not say

    async def open_shell(self, owner: ShellOwner, size: tuple[int, int]) -> OpenedShell:
        opened = await self._open_first(owner, size)
        if isinstance(opened, Failed):
            raise failure_of(opened)
        return opened

    async def _open_first(self, owner: ShellOwner, size: tuple[int, int]) -> OpenedShell | Failed:
        assert self._target is not None
        if self._nonce:
            return await self._attach(owner, size, again=False)
        windows = self._wish.options.os == "windows"
        return await self._open(ShellPlan(self._target, self._wish.command, self._wish.tty, tools=True, windows=windows), owner, size)

    async def attach_again(self, owner: ShellOwner, size: tuple[int, int], nonce: str) -> OpenedShell | Failed:
        assert self._target is not None
        if self._nonce:
            return await self._attach(owner, size, again=True)
        plan = ShellPlan(self._target, self._wish.command, self._wish.tty, tools=True, resume=nonce, resume_only=True)
        return await self._open(plan, owner, size)

    async def _open(self, plan: ShellPlan, owner: ShellOwner, size: tuple[int, int]) -> Shell | Failed:
        shell = Shell(KubernetesAccess(self._client), plan, owner, LoopClock(), size=size)
        try:
            failed = await shell.open()
        except BaseException:
            shell.abort()
            raise
        if failed is None:
            return shell
        shell.abort()
        return failed

    async def _attach(self, owner: ShellOwner, size: tuple[int, int], *, again: bool) -> AttachedShell | Failed:
        assert self._target is not None
        shell = AttachedShell(self._client, self._target, owner, self._nonce, tty=self._wish.tty, size=size, again=again)
        try:
            failed = await shell.open()
        except BaseException:
            shell.abort()
            raise
        if failed is not None:
            shell.abort()
            if failed.kind in CONTAINER_ENDED:
                self._attached = None  # it has ended while nobody was attached
            return failed
        self._attached = shell
        return shell

    async def _prepare(self, namespace: str, say: Say) -> ResolvedOptions:
        """Find out, at the same time, who we are, what the namespace allows and how its shells are reached; says what an attach means."""
        asking = asyncio.ensure_future(self._choose_way(namespace))
        naming = asyncio.ensure_future(own_name(self._client))
        try:
            options = await self._fit(namespace)
            attach = await asking is StreamWay.ATTACH
            self._known_as = await naming
        finally:
            asking.cancel()
            naming.cancel()
        if attach and options.os == "windows":
            raise CommandFailed(REFUSED, "a shell on Windows needs exec", 'ask for the verbs "get" and "create" on pods/exec')
        if attach:
            if not self._wish.attach:
                say(f"exec is not allowed in {namespace}, attach is: the shell is the container's own process")
            say(WARNING)
            self._nonce = secrets.token_hex(16)
        return options

    async def _choose_way(self, namespace: str) -> StreamWay:
        return StreamWay.ATTACH if self._wish.attach else await stream_way(self._client, namespace)

    async def _fit(self, namespace: str) -> ResolvedOptions:
        """Fit the options to the namespace's Pod Security level; one that may not be read is left to the API server."""
        try:
            fitted = await fit_namespace(self._client, self._wish.options, namespace)
        except NotFound as error:
            raise CommandFailed(FAILED, error.message, "name another namespace with -n") from error
        if isinstance(fitted, OptionProblem):
            raise CommandFailed(REFUSED, f"{line_of(fitted)} (refused by Pod Security)")
        return fitted

    def _making(self, options: ResolvedOptions, key: str = "") -> Making:
        if options.os == "windows":
            return Making(self._wish.session, self._user, waiting_command(options.ttl_seconds), time.time(), attached=True)
        if not self._nonce:
            return Making(self._wish.session, self._user, waiter_command(options.ttl_seconds), time.time(), key=key)
        command = attached_command(self._nonce, self._wish.command, ttl_seconds=options.ttl_seconds, tty=self._wish.tty)
        return Making(self._wish.session, self._user, command, time.time(), attached=True, tty=self._wish.tty)

    def _goes_on(self, pod: str, container: str, namespace: str) -> str:
        """Say what becomes of a shell that is attached to and left, and how to get back to it."""
        idle = f"after {IDLE_SECONDS // 60} minutes at its prompt, " if self._wish.tty and not self._wish.command else ""
        back = f"kubectl attach {'-it' if self._wish.tty else '-i'} -n {namespace} {pod} -c {container}"
        until = format_duration(self._wish.options.ttl_seconds)
        where = f"container {container} of pod {namespace}/{pod}"
        return f"the shell goes on in {where} and ends {idle}at the latest {until} after its start: {back}"

    @property
    def _user(self) -> str:
        return self._known_as or self._client.connection.user_name or "unknown"

    def _kept(self, namespace: str, pod: str) -> str:
        if not self._wish.keep_on_failure:
            return ""
        self._kept_said = True
        return f"kept: kubectl describe pod -n {namespace} {pod}; kubectl shell gc --delete removes it"

    async def _wait(self, namespace: str, pod: str, container: str, say: Say) -> Pod:
        try:
            return await wait_started(self._client, namespace, pod, container, seconds=self._wish.start_seconds, say=say)
        except StartFailed as failed:
            broken = failed.broken
            what = broken.message if failed.timed_out else f"{broken.object}: {broken.reason}: {broken.message}"
            lines = [what, *(f"event: {event}" for event in failed.events), broken.next_step, self._kept(namespace, pod)]
            raise CommandFailed(TIMED_OUT if failed.timed_out else FAILED, *lines) from failed
        except KubeError as error:
            raise refusal_of(error, f"the start of pod {namespace}/{pod} cannot be followed") from error


class _Nothing:
    """The receiver of a stream of which only the existence counts."""

    def up(self) -> None:
        pass

    def output(self, channel: int, data: memoryview | bytes) -> None:
        pass

    def ended(self, end: ExecEnd) -> None:
        pass


class NodePlace(_Place):
    """A pod on a node, ours alone."""

    def __init__(self, client: Client, wish: Wish, node: str, namespace: str, look: FirstLook[Node]) -> None:
        super().__init__(client, wish)
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
        for risk in risks(options):
            if risk.level == "danger":
                say(risk.text)
        making = self._making(options)
        try:
            await self._pod.create(lambda name: node_pod(options, making, facts, name=name, namespace=self._namespace))
        except KubeError as error:
            raise refusal_of(error, f"err creating pod {self._pod.name} in namespace {self._namespace}") from error
        self._sweeping = asyncio.ensure_future(self._sweep())
        await self._wait(self._namespace, self._pod.name, CONTAINER, say)
        self._started = True
        self._target = ExecTarget(self._namespace, self._pod.name, CONTAINER)
        await self._say_mounts(options, say)
        if options.os == "windows":
            await self._watch_over(self._target, say)

    async def _say_mounts(self, options: ResolvedOptions, say: Say) -> None:
        """Say which of the read-only mounts are so at the top only."""
        if options.host_write or not options.mount_host:
            return
        try:
            shallow = await read_shallow(self._client, self._namespace, self._pod.name, CONTAINER, ["/"])
        except KubeError as error:
            say(f"whether {HOST_FOLDER} is read-only all the way down is not known: {error}")
            return
        if shallow:
            say(shallow_text(shallow))

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
            raise CommandFailed(FAILED, f"error retrieving node {self._node}: {error}", _next_step(error, "kubectl get nodes")) from error
        _check(node_problem(node, self._wish.options.os))
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
            return
        try:
            await self._pod.remove()
        except KubeError as error:
            raise CommandFailed(FAILED, f"failed to delete pod {self._pod.name}: {error}", self.left_behind()) from error

    def left_behind(self) -> str:
        if not self._pod.may_exist:
            return ""
        if self._nonce and self._started:
            return f"{self._goes_on(self._pod.name, CONTAINER, self._namespace)}; kubectl shell gc --delete removes the pod"
        name = f"{self._namespace}/{self._pod.name}"
        return f"the pod {name} ends by itself within {PATIENCE_SECONDS} s; kubectl shell gc --delete removes the rest"


class PodPlace(_Place):
    """A debug container in a pod: one of ours that still runs, or a new one."""

    def __init__(self, client: Client, wish: Wish, pod: str, namespace: str, look: FirstLook[Pod]) -> None:
        super().__init__(client, wish)
        self._pod = pod
        self._namespace = namespace
        self._look = look
        self._container = ""
        self._add_instead: Callable[[], Coroutine[None, None, None]] | None = None  # of one that is used again

    async def make(self, say: Say) -> None:
        pod = await self._read_pod()
        options = await self._prepare(self._namespace, say)
        # who is not known to the server by a name of their own is nobody's second self
        user = self._known_as or f"{self._user} {self._wish.session}"
        key = debug_key(options, user)
        # the first look has no environments; where there is no debug container at all it is enough
        found = await read_equipped(self._client, self._namespace, self._pod) if pod.spec.ephemeral_containers else None
        if found is not None:
            _check(sharing_problem(found, options.target, user))
            self._container = "" if self._nonce else reusable(found, key)
        if self._container:
            say(f"Using the debug container {self._container} of pod {self._namespace}/{self._pod} again")
            self._add_instead = partial(self._add, pod, options, key, say)
        else:
            await self._add(pod, options, key, say)
        self._target = ExecTarget(self._namespace, self._pod, self._container)

    async def _open_first(self, owner: ShellOwner, size: tuple[int, int]) -> OpenedShell | Failed:
        opened = await super()._open_first(owner, size)
        if not isinstance(opened, Failed) or opened.kind not in CONTAINER_ENDED or self._add_instead is None:
            return opened
        await self._add_instead()  # its last user's waiter has ended it meanwhile
        self._target = ExecTarget(self._namespace, self._pod, self._container)
        return await super()._open_first(owner, size)

    async def _read_pod(self) -> Pod:
        try:
            pod = await self._look.result()
        except KubeError as error:
            text = f"error retrieving pod {self._pod} from namespace {self._namespace}"
            if isinstance(error, Forbidden):
                raise refusal_of(error, text) from error
            raise CommandFailed(FAILED, f"{text}: {error}", _next_step(error, "name its namespace with -n")) from error
        _check(pod_problem(pod, self._wish.options.target))
        return pod

    async def _add(self, pod: Pod, options: ResolvedOptions, key: str, say: Say) -> None:
        making, non_root = self._making(options, key), runs_as_non_root(pod)

        def build(name: str) -> Manifest:
            self._container = name
            return ephemeral_container(options, making, name=name, pod_runs_as_non_root=non_root)

        say(f"Starting ephemeral container in pod {self._namespace}/{self._pod}")
        try:
            await add_container(self._client, self._namespace, self._pod, build)
        except KubeError as error:
            raise refusal_of(error, "error updating ephemeral containers") from error
        for risk in risks(options):
            say(risk.text)
        await self._wait(self._namespace, self._pod, self._container, say)

    async def remove(self) -> None:
        """Nothing can be: the API removes no debug container; its waiter ends it. One that is attached to has none."""
        if self._attached is not None and not self._attached.ended:
            raise CommandFailed(FAILED, "the shell could not be ended", self.left_behind())

    def left_behind(self) -> str:
        if not self._container:
            return ""
        if self._attached is not None:
            return self._goes_on(self._pod, self._container, self._namespace)
        return f"the debug container {self._container} of pod {self._namespace}/{self._pod} ends by itself within {PATIENCE_SECONDS} s"


def _check(problem: Broken | None) -> None:
    """Refuse where nothing can start.

    Raises:
        CommandFailed: why, and what to do.
    """
    if problem is not None:
        raise CommandFailed(FAILED, problem.message, problem.next_step)


def refusal_of(error: KubeError, what: str) -> CommandFailed:
    """Say who refused a create or a patch, why, and what to do next."""
    if not isinstance(error, ApiError):
        return CommandFailed(FAILED, f"{what}: {error}")
    failed = failure_of(failed_from_error(error))
    return CommandFailed(failed.code, f"{what}: {failed.lines[0]}", *failed.lines[1:])


def _next_step(error: KubeError, otherwise: str) -> str:
    if isinstance(error, NotFound):
        return otherwise
    return "check the network and the kubeconfig: podshell doctor" if isinstance(error, Unreachable) else ""
