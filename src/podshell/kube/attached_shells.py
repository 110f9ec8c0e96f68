"""Shells that are their container's own process, attached to instead of run by exec: for whoever may attach and not exec.

Nobody can watch over such a shell: it has no lifeline, no waiter, no holder, and all that is typed and shown is kept in the
container's log. What ends it: without a terminal the end of its input (`stdinOnce`, which has no effect on one with a terminal,
kubernetes.md 4.4), there an idle prompt (`TMOUT`), and its deadline. `attached.sh` waits for a start line, so that no output is
lost before somebody is attached.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import msgspec

from podshell.kube.channels import STDERR, STDOUT
from podshell.kube.classify import Failed, FailureKind, failed_from_error
from podshell.kube.errors import Forbidden, Gone, KubeError, NotFound, Unreachable
from podshell.kube.exec import open_attach
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import ExecEnd, Exited, Lost, LostReason
from podshell.kube.lifeline import LifelineReport
from podshell.kube.marker import MARKER_LIMIT_BYTES, MARKER_SECONDS, WRAPPER
from podshell.kube.objects import Pod
from podshell.kube.reflector import WatchSilent, read_lines
from podshell.kube.rest import Client, decode_answer
from podshell.kube.scripts import load_script
from podshell.kube.shell_receivers import ShellOwner
from podshell.kube.shell_streams import StreamedShell
from podshell.kube.waiter import PATIENCE_SECONDS
from podshell.kube.workloads import PODS, WatchEvent

SCRIPT = load_script("attached.sh")
# The container's first process: it stays, because a signal of the terminal must not end the container before the shell has said its code.
# It cannot pass on the TERM of a pod's deletion: for that the shell would have to be in the background, where Ctrl-C is ignored
# (docs/adr/0007).
_FIRST = 'trap : INT QUIT\ns=$1\nshift\n"$0" -c "$s" "$0" "$@"\nexit $?'
# kubectl's own words for the same (kubectl attach, 1.36).
WARNING = (
    "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed"
    " through the command prompt."
)
# A prompt that nobody has typed at for so long ends its shell (bash, zsh, busybox ash): the only net that does not need anybody.
IDLE_SECONDS = 10 * 60
# The state comes some hundred milliseconds after the process (transcripts/lifecycle); a busy kubelet needs seconds.
CODE_SECONDS = 15.0
# The first rung of kubernetes.md 3, a key at a time: a shell that begins a new prompt drops what was typed before. Three rounds,
# because the first may only have ended what ran in front.
_END_KEYS = (b"\x03", b"\x03", b"\x04") * 3
_END_KEY_SECONDS = 0.15
_END_SECONDS = 1.0
_AGAIN_SECONDS, _LOOK_SECONDS, _SILENCE_SECONDS = 0.2, 1.0, 30.0


def attached_command(
    nonce: str, command: Sequence[str], *, ttl_seconds: int, tty: bool, patience_seconds: int = PATIENCE_SECONDS
) -> list[str]:
    """Build the container's command: `command`, or the best shell there is. It ends when nobody attaches for `patience_seconds`."""
    idle = IDLE_SECONDS if tty and not command else 0
    return ["sh", "-c", _FIRST, "sh", SCRIPT, nonce, str(ttl_seconds), str(patience_seconds), str(idle), WRAPPER, *command]


class _AttachReceiver:
    """Drops what comes before the marker (the echo of the start line), passes what follows, keeps the end."""

    def __init__(self, owner: ShellOwner, nonce: str) -> None:
        self.settled = asyncio.Event()
        self.started = not nonce
        self.ended_with: asyncio.Future[ExecEnd] = asyncio.get_running_loop().create_future()
        self.before = bytearray()
        self._owner = owner
        self._marker = re.compile(rb"\x1epsh:" + re.escape(nonce.encode()) + rb":[0-9]+:[0-9]+\x1e")

    def up(self) -> None:
        if self.started:
            self.settled.set()

    def output(self, channel: int, data: memoryview | bytes) -> None:
        if channel not in (STDOUT, STDERR):
            return
        if self.started:
            (self._owner.shell_errors if channel == STDERR else self._owner.shell_output)(data)
            return
        self.before += data
        if (found := self._marker.search(self.before)) is not None:
            self.started = True
            self.settled.set()
            if rest := bytes(self.before[found.end() :]):
                self._owner.shell_output(rest)
        else:
            del self.before[:-MARKER_LIMIT_BYTES]

    def ended(self, end: ExecEnd) -> None:
        if not self.ended_with.done():
            self.ended_with.set_result(end)
        self.settled.set()


class AttachedShell(StreamedShell):
    """One attach to the shell of a container. `open` once, then `wait`, then `close`; `abort` at any time.

    Args:
        nonce: as given to `attached_command`; it is told to start.
        again: it was started before, by an attach that was lost.
    """

    def __init__(
        self, client: Client, target: ExecTarget, owner: ShellOwner, nonce: str, *, tty: bool, size: tuple[int, int], again: bool
    ) -> None:
        super().__init__(tty=tty, size=size)
        self.nonce = nonce
        self.held = tty  # without a terminal the end of the stream is the end of its input
        self._client = client
        self._target = target
        self._owner = owner
        self._again = again
        self._receiver = _AttachReceiver(owner, "" if again else nonce)

    async def open(self) -> Failed | None:
        """Attach and start it; returns why that failed. Cancelling is safe; `abort` must follow then."""
        size = self._first_size
        try:
            stream = await open_attach(
                self._client, self._target, tty=self._tty, size=size, receiver=self._receiver, on_stdin_writable=self._owner.shell_writable
            )
        except KubeError as error:
            return failed_from_error(error)
        self._connect(stream)
        if not self._again:
            stream.send_stdin(b"%d %d\n" % (size or (0, 0)))
        try:
            async with asyncio.timeout(MARKER_SECONDS):
                await self._receiver.settled.wait()
        except TimeoutError:
            return Failed(FailureKind.SERVER, "the shell does not answer", "Try again, with another image.", retryable=True)
        return None if self._receiver.started else await self._failed_start()

    async def _failed_start(self) -> Failed:
        end = self._receiver.ended_with.result()
        if isinstance(end, Failed):
            return end
        code = await exit_code(self._client, self._target)
        said = self._receiver.before.decode("utf-8", "replace").strip()
        text = f"the container ended before its shell began{'' if code is None else f', with code {code}'}{': ' + said if said else ''}"
        return Failed(FailureKind.SHELL_MISSING if code in (126, 127) else FailureKind.SERVER, text, "Use an image with sh and sleep.")

    @property
    def ended(self) -> bool:
        """Whether the server has said that the process ended."""
        ended = self._receiver.ended_with
        return ended.done() and isinstance(ended.result(), Exited | Failed)

    async def wait(self) -> ExecEnd:
        """Wait for the end; the exit code is the container's, an attach knows none. Cancelling is safe."""
        end = await asyncio.shield(self._receiver.ended_with)
        if not isinstance(end, Exited):
            return end
        code = await exit_code(self._client, self._target)
        if code is None:
            return Lost(LostReason.NO_STATUS, "the stream ended, and the container does not say how its process did")
        return Exited(code)

    async def close(self) -> LifelineReport:
        """Ask it to end, as far as typing can; `ended` says whether it did. Cancelling drops the connection."""
        try:
            if self._stream is not None and not self._receiver.ended_with.done():
                self.set_paused(False)
                for key in _END_KEYS if self._tty else ():
                    if not self._receiver.ended_with.done():
                        self._stream.send_stdin(key)
                        await asyncio.wait({self._receiver.ended_with}, timeout=_END_KEY_SECONDS)
                self.end_input()
                await asyncio.wait({self._receiver.ended_with}, timeout=_END_SECONDS)
        finally:
            self.abort()
        return LifelineReport()


async def exit_code(client: Client, target: ExecTarget, *, seconds: float = CODE_SECONDS) -> int | None:
    """Wait until the container's process has ended and return its code; None: it runs on, or its pod is gone. Cancelling is safe."""
    try:
        async with asyncio.timeout(seconds):
            return await _watch_code(client, target)
    except (TimeoutError, NotFound):
        return None


async def _watch_code(client: Client, target: ExecTarget) -> int | None:
    while True:
        try:
            pod = await client.get(PODS.path(target.namespace, target.pod), Pod)
            if (code := _code_in(pod, target.container)) is not None:
                return code
            version = pod.metadata.resource_version
            params = {"watch": "true", "fieldSelector": f"metadata.name={target.pod}", "resourceVersion": version}
            async with client.open_stream(PODS.path(target.namespace), params) as content:
                async for line in read_lines(content, _SILENCE_SECONDS):
                    event = decode_answer(line, _EVENT)
                    if event.type not in ("ADDED", "MODIFIED", "DELETED"):
                        break
                    if (code := _code_in(decode_answer(event.object, _POD), target.container)) is not None or event.type == "DELETED":
                        return code
        except (Gone, Unreachable, WatchSilent):
            await asyncio.sleep(_AGAIN_SECONDS)  # the connection or the version is lost: look again
        except Forbidden as error:
            if error.verb != "watch":
                return None
            await asyncio.sleep(_LOOK_SECONDS)  # who may only read looks again and again


def _code_in(pod: Pod, container: str) -> int | None:
    status = pod.container_status(container)
    ended = status.state.terminated if status is not None else None
    return ended.exit_code if ended is not None else None


_EVENT = msgspec.json.Decoder(WatchEvent)
_POD = msgspec.json.Decoder(Pod)
