"""What the places of direct shells have in common: opening the shell, exec or attach, and turning refusals into words."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from podshell.aio.clock import LoopClock
from podshell.cli.direct_run import OpenedShell, failure_of
from podshell.cli.durations import format_duration
from podshell.cli.failures import FAILED, REFUSED, TIMED_OUT, CommandFailed
from podshell.cli.shell_request import line_of
from podshell.kube.access import KubernetesAccess
from podshell.kube.access_reviews import StreamWay, stream_way
from podshell.kube.attached_shells import IDLE_SECONDS, WARNING, AttachedShell, attached_command
from podshell.kube.classify import Failed, failed_from_error
from podshell.kube.debug_options import OptionProblem, ResolvedOptions
from podshell.kube.errors import ApiError, KubeError, NotFound, Unreachable
from podshell.kube.exec import ExecTarget
from podshell.kube.hazards import Broken
from podshell.kube.manifests import Making
from podshell.kube.objects import Pod
from podshell.kube.pod_security import fit_namespace
from podshell.kube.rest import Client
from podshell.kube.self_review import own_name
from podshell.kube.shell_receivers import ShellOwner
from podshell.kube.shells import CONTAINER_ENDED, Shell, ShellPlan
from podshell.kube.starting import StartFailed, wait_started
from podshell.kube.waiter import waiter_command
from podshell.kube.windows_shells import waiting_command

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


class Place:
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

    def leave(self) -> None:
        """Keep what was made: its shell goes on without us."""

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


def check(problem: Broken | None) -> None:
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


def next_step(error: KubeError, otherwise: str) -> str:
    if isinstance(error, NotFound):
        return otherwise
    return "check the network and the kubeconfig: podshell doctor" if isinstance(error, Unreachable) else ""
