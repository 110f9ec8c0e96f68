"""A clock that is turned by hand and a cluster that speaks the exec protocol in memory, for the agent's unit tests."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from podshell.agent.facts import FactLedger
from podshell.agent.output_log import OutputBudget
from podshell.agent.sessions import Session
from podshell.agent.surroundings import SessionSurroundings
from podshell.agent.targets import TargetIdentity
from podshell.aio.backoff import Backoff
from podshell.kube.classify import Failed
from podshell.kube.errors import ExecRefused, NotFound
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import ExecEnd, ExecReceiver, Exited, Lost, LostReason
from podshell.kube.objects import Container, ContainerState, ContainerStatus, ObjectMeta, Pod, PodSpec, PodStatus, Running
from podshell.wire.calls import OpenSession
from podshell.wire.errors import Refusal
from podshell.wire.link import ByteSource, Chunk, Gap
from podshell.wire.messages import Attach, Attached, End, Notice, Position

EPOCH = "e1"
NONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class _Timer:
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock:
    """Time passes only by `advance`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._count = itertools.count()

    def time(self) -> float:
        return self.now

    def wall_ms(self) -> int:
        return int(self.now * 1000)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> _Timer:
        timer = _Timer(callback)
        heapq.heappush(self._timers, (self.now + seconds, next(self._count), timer))
        return timer

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.callback()
        self.now = end


@dataclass
class FakeExec:
    """One exec: what the agent did to it, and how a test lets it speak."""

    command: Sequence[str]
    tty: bool
    receiver: ExecReceiver
    on_writable: Callable[[], None] | None
    stdin: bytearray = field(default_factory=bytearray)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    redraws: int = 0
    paused: bool = False
    aborted: bool = False
    stdin_writable: bool = True
    can_close_stdin: bool = False
    on_stdin: Callable[[bytes], None] = lambda data: None
    done: bool = False

    def send_stdin(self, data: bytes) -> None:
        if not self.done:
            self.stdin += data
            self.on_stdin(data)

    def close_stdin(self) -> None:
        pass

    def resize(self, cols: int, rows: int) -> None:
        self.sizes.append((cols, rows))

    def redraw(self) -> None:
        self.redraws += 1

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def abort(self) -> None:
        self.aborted = True
        self.end(Lost(LostReason.CLOSED_HERE, "closed here"))

    def print(self, data: bytes) -> None:
        self.receiver.output(1, data)

    def end(self, end: ExecEnd) -> None:
        if not self.done:
            self.done = True
            self.receiver.ended(end)


class FakeCluster:
    """A cluster with one pod. `lifeline_refusal` and `shell_refusal` make execs fail; `silent` lifelines report nothing."""

    def __init__(self) -> None:
        self.shells: list[FakeExec] = []
        self.lifelines: list[FakeExec] = []
        self.pod: Pod | None = running_pod()
        self.shell_refusal: Failed | None = None
        self.shell_failure: Failed | None = None
        self.lifeline_refusal: Failed | None = None
        self.lifeline_report = b"d\n"
        self.sid = 40

    async def open_exec(
        self,
        target: ExecTarget,
        command: Sequence[str],
        *,
        tty: bool,
        size: tuple[int, int] | None,
        receiver: ExecReceiver,
        on_stdin_writable: Callable[[], None] | None = None,
    ) -> FakeExec:
        await asyncio.sleep(0)
        stream = FakeExec(list(command), tty, receiver, on_stdin_writable)
        if size is not None:
            stream.sizes.append(size)
        if "podshell-lifeline" in command:
            return self._open_lifeline(stream)
        if self.shell_refusal is not None:
            raise ExecRefused(self.shell_refusal)
        self.shells.append(stream)
        asyncio.get_running_loop().call_soon(self._start_shell, stream)
        return stream

    async def read_pod(self, namespace: str, name: str) -> Pod:
        if self.pod is None:
            raise NotFound(f'pods "{name}" not found', name=name)
        return self.pod

    def _start_shell(self, stream: FakeExec) -> None:
        stream.receiver.up()
        if self.shell_failure is not None:
            stream.end(self.shell_failure)
            return
        if (nonce := next((word for word in stream.command if NONCE.fullmatch(word)), None)) is not None:
            self.sid += 1
            stream.print(f"\x1epsh:{nonce}:{self.sid}:777\x1e".encode())
        stream.print(b"$ ")

    def _open_lifeline(self, stream: FakeExec) -> FakeExec:
        if self.lifeline_refusal is not None:
            raise ExecRefused(self.lifeline_refusal)
        self.lifelines.append(stream)

        def hear(data: bytes) -> None:
            if data.endswith(b"end\n"):
                asyncio.get_running_loop().call_soon(answer)

        def answer() -> None:
            for shell in self.shells:
                shell.end(Exited(129))
            stream.print(self.lifeline_report)
            stream.end(Exited(0))

        stream.on_stdin = hear
        asyncio.get_running_loop().call_soon(stream.print, b"r\n")
        return stream


def running_pod(container_id: str = "containerd://1") -> Pod:
    status = ContainerStatus(name="app", ready=True, container_id=container_id, state=ContainerState(running=Running()))
    return Pod(
        metadata=ObjectMeta(name="web-0", namespace="shop", uid="u1"),
        spec=PodSpec(containers=(Container("app"),)),
        status=PodStatus(phase="Running", container_statuses=(status,)),
    )


class Screen:
    """A consumer's channel that reads as the link does: what there is credit for, when it is woken."""

    def __init__(self, *, window: int = 256 * 1024, acknowledges: bool = True) -> None:
        self.window = window
        self.acknowledges = acknowledges
        self.attached: Attached | None = None
        self.output = bytearray()
        self.offset = 0
        self.acked = 0
        self.gaps: list[tuple[int, int]] = []
        self.messages: list[Notice | End] = []
        self.windows: list[tuple[int, int]] = []
        self.refusal: Refusal | None = None
        self.reads = True
        self._source: ByteSource | None = None

    @property
    def kinds(self) -> list[str]:
        return [message.kind if isinstance(message, Notice) else "end" for message in self.messages]

    @property
    def end(self) -> End | None:
        return next((message for message in self.messages if isinstance(message, End)), None)

    def accept(self, attached: Attached, source: ByteSource, window_bytes: int) -> None:
        self.attached = attached
        self.offset = self.acked = attached.start
        self._source = source
        self.wake()

    def send(self, message: Notice | End) -> None:
        self.messages.append(message)

    def send_input_window(self, taken: int, limit: int) -> None:
        self.windows.append((taken, limit))

    def refuse(self, refusal: Refusal) -> None:
        self.refusal = refusal

    def wake(self) -> None:
        while self.reads and self._source is not None and (room := self.acked + self.window - self.offset) > 0:
            match self._source.read(self.offset, room):
                case Chunk(data=data):
                    self.output += data
                    self.offset += len(data)
                case Gap(end=end):
                    self.gaps.append((self.offset, end))
                    self.acked += end - self.offset  # a gap costs no credit
                    self.offset = end
                case None:
                    return
            if self.acknowledges:
                self.acked = self.offset


class Lab:
    """A session in a fake cluster, in virtual time."""

    def __init__(self, *, ring_bytes: int = 2 * 1024 * 1024, budget_bytes: int = 64 * 1024 * 1024, **opening: object) -> None:
        self.clock = VirtualClock()
        self.cluster = FakeCluster()
        self.facts = FactLedger()
        self.told: list[tuple[str, dict[str, object]]] = []
        self.budget = OutputBudget(budget_bytes)
        around = SessionSurroundings(self.cluster, self.clock, self.budget, self, EPOCH, ring_bytes, self._backoff)
        values = {"session": "s1", "kind": "exec", "namespace": "shop", "pod": "web-0", "user": "ada", "container": "app"}
        wanted = OpenSession(**{**values, **opening})  # type: ignore[arg-type]  # fields of OpenSession
        self.session = Session(wanted, TargetIdentity("shop", "web-0", "u1", "app", "containerd://1"), around)
        self.task: asyncio.Task[End] | None = None

    async def __aenter__(self) -> Lab:
        self.task = asyncio.create_task(self.session.run())
        await self.until(lambda: self.session.state != "opening")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])

    def tell(self, session: str, kind: str, time_ms: int, data: dict[str, object]) -> None:
        self.told.append((kind, data))

    @property
    def shell(self) -> FakeExec:
        return self.cluster.shells[-1]

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until `condition` holds; nothing here takes real time."""
        for _ in range(1000):
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError(f"it does not come: state {self.session.state}, told {self.told}")

    async def end(self) -> End:
        await self.until(lambda: self.task is not None and self.task.done())
        assert self.task is not None
        return self.task.result()

    def attach(
        self, screen: Screen, viewer: str = "v1", *, role: str = "owner", visible: bool = True, resume: Position | None = None
    ) -> Viewer:
        attach = Attach(session="s1", viewer=viewer, grant=b"", role=role, resume=resume, window=screen.window, visible=visible)
        return Viewer(self.session, screen, attach)

    @staticmethod
    def _backoff() -> Backoff:
        return Backoff(uniform=lambda low, high: 0.0)


class Viewer:
    """An attached screen and what it may do."""

    def __init__(self, session: Session, screen: Screen, attach: Attach) -> None:
        self.session = session
        self.screen = screen
        self.consumer = session.attach(attach, screen)
        assert screen.attached is not None
        self._typed = screen.attached.input_taken

    def type(self, data: bytes, *, auto: bool = False) -> None:
        self.session.receive_input(self.consumer, self._typed, data, auto=auto)
        self._typed += len(data)

    def acknowledge(self) -> None:
        self.screen.acked = self.screen.offset
        self.session.consumers.acknowledge(self.consumer, self.screen.offset)
        self.screen.wake()

    def vanish(self) -> None:
        self.session.consumers.lose(self.consumer)
