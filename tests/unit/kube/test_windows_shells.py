"""Which shell a Windows container gets: chosen by trying, by what its runtime answers for a missing program (kubernetes.md 2.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from podshell.kube.classify import Failed, FailureKind, classify
from podshell.kube.errors import NotFound
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import ExecEnd, ExecReceiver, Exited
from podshell.kube.objects import Pod
from podshell.kube.shells import Shell, ShellPlan
from podshell.kube.windows_shells import CHOOSING_SECONDS, END_KEYS, says_windows, waiting_command

TARGET = ExecTarget("shop", "web-0", "app")
CONTAINERD = (
    "Internal error occurred: error executing command in container: failed to exec in container: failed to start exec"
    ' "5e": hcs::System::CreateProcess app: The system cannot find the file specified.: unknown'
)
STDOUT = b"The system cannot find the file specified.\r\n"
LINUX = (
    "Internal error occurred: error executing command in container: failed to exec in container: failed to start exec"
    ' "5e": OCI runtime exec failed: exec failed: unable to start container process: exec: "sh": executable file not found in $PATH:'
    " unknown"
)


class HandClock:
    """A clock whose timers a test runs by hand."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return 0.0

    def wall_ms(self) -> int:
        return 0

    def call_later(self, seconds: float, callback: Callable[[], None]) -> HandClock:
        self.timers.append((seconds, callback))
        return self

    def cancel(self) -> None:
        pass


class Stream:
    """One exec of the fake runtime."""

    stdin_writable = True
    can_close_stdin = False

    def __init__(self, receiver: ExecReceiver) -> None:
        self.receiver = receiver
        self.typed = b""

    def send_stdin(self, data: bytes) -> None:
        self.typed += data

    def close_stdin(self) -> None: ...

    def resize(self, cols: int, rows: int) -> None: ...

    def redraw(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


class Runtime:
    """A container with these programs; `answer` says how it tells of a missing one. A shell that is there prints its prompt."""

    def __init__(self, programs: set[str], answer: str, *, prompt: bytes = b"C:\\>") -> None:
        self.programs = programs
        self.answer = answer
        self.prompt = prompt
        self.tried: list[str] = []
        self.last: Stream | None = None

    async def open_exec(
        self,
        target: ExecTarget,
        command: Sequence[str],
        *,
        tty: bool,
        size: tuple[int, int] | None,
        receiver: ExecReceiver,
        on_stdin_writable: Callable[[], None] | None = None,
    ) -> Stream:
        if tty:
            self.tried.append(command[0])
            self.last = Stream(receiver)
        asyncio.get_running_loop().call_soon(self._run, command[0], receiver)
        return self.last if tty and self.last is not None else Stream(receiver)

    def _run(self, program: str, receiver: ExecReceiver) -> None:
        receiver.up()  # v5 says so before anything is started
        if program in self.programs:
            if self.prompt:
                receiver.output(1, self.prompt)
        elif self.answer == "stdout":
            receiver.output(1, STDOUT)
            asyncio.get_running_loop().call_soon(receiver.ended, Exited(1))
        else:
            asyncio.get_running_loop().call_soon(receiver.ended, classify(self.answer))

    async def read_pod(self, namespace: str, name: str) -> Pod:
        raise NotFound(name, name=name)


class Owner:
    def __init__(self) -> None:
        self.shown = b""

    def shell_output(self, data: bytes | memoryview) -> None:
        self.shown += bytes(data)

    def shell_errors(self, data: bytes | memoryview) -> None:
        self.shell_output(data)

    def shell_writable(self) -> None: ...


def shell_in(runtime: Runtime, owner: Owner, *command: str, tools: bool = False, clock: HandClock | None = None) -> Shell:
    return Shell(runtime, ShellPlan(TARGET, command, tty=True, tools=tools), owner, clock or HandClock(), size=(80, 24))


@pytest.mark.parametrize("answer", [CONTAINERD, "stdout"], ids=["containerd", "stdout"])
@pytest.mark.parametrize("tools", [False, True], ids=["exec", "node"])
@pytest.mark.parametrize(
    ("programs", "tried"),
    [
        ({"pwsh.exe", "powershell.exe", "cmd.exe"}, ["sh", "pwsh.exe"]),
        ({"powershell.exe", "cmd.exe"}, ["sh", "pwsh.exe", "powershell.exe"]),
        ({"cmd.exe"}, ["sh", "pwsh.exe", "powershell.exe", "cmd.exe"]),
    ],
)
async def test_the_first_shell_that_is_there_is_used(programs: set[str], tried: list[str], answer: str, tools: bool) -> None:
    runtime, owner = Runtime(programs, answer), Owner()
    shell = shell_in(runtime, owner, tools=tools)
    assert await shell.open() is None
    assert runtime.tried == tried
    assert owner.shown == b"C:\\>"  # and nothing of those that were not there
    assert (shell.windows, shell.managed, shell.may_remain) == (True, False, False)


async def test_where_it_is_known_that_it_is_windows_no_sh_is_asked_for() -> None:
    runtime, owner = Runtime({"sh", "cmd.exe"}, LINUX), Owner()
    shell = Shell(runtime, ShellPlan(TARGET, (), tty=True, tools=True, windows=True), owner, HandClock(), size=(80, 24))
    assert await shell.open() is None
    assert runtime.tried == ["pwsh.exe", "powershell.exe", "cmd.exe"]


async def test_where_there_is_none_the_last_answer_is_told() -> None:
    runtime, owner = Runtime(set(), CONTAINERD), Owner()
    failed = await shell_in(runtime, owner).open()
    assert failed is not None
    assert (failed.kind, failed.message) == (FailureKind.SHELL_MISSING, CONTAINERD)
    assert owner.shown == b""


async def test_a_command_is_run_as_it_is() -> None:
    runtime, owner = Runtime({"ipconfig"}, CONTAINERD), Owner()
    assert await shell_in(runtime, owner, "ipconfig", "/all").open() is None
    assert runtime.tried == ["sh", "ipconfig"]


async def test_an_image_of_linux_without_a_shell_is_not_asked_for_those_of_windows() -> None:
    runtime, owner = Runtime(set(), LINUX), Owner()
    failed = await shell_in(runtime, owner).open()
    assert failed is not None
    assert failed.kind is FailureKind.SHELL_MISSING
    assert not [program for program in runtime.tried if program.endswith(".exe")]


async def test_a_shell_that_says_nothing_is_there_after_a_while() -> None:
    runtime, owner, clock = Runtime({"pwsh.exe"}, CONTAINERD, prompt=b""), Owner(), HandClock()
    opening = asyncio.ensure_future(shell_in(runtime, owner, clock=clock).open())
    while runtime.tried != ["sh", "pwsh.exe"]:
        await asyncio.sleep(0)
    seconds, settle = clock.timers[-1]
    assert seconds == CHOOSING_SECONDS
    assert not opening.done()
    settle()
    assert await opening is None


async def test_it_is_asked_to_end_in_words_of_its_own() -> None:
    runtime = Runtime({"cmd.exe"}, CONTAINERD)
    shell = shell_in(runtime, Owner())
    await shell.open()
    assert runtime.last is not None
    closing = asyncio.ensure_future(shell.close())
    while not runtime.last.typed:
        await asyncio.sleep(0)
    assert runtime.last.typed == END_KEYS
    end: ExecEnd = Exited(0)
    runtime.last.receiver.ended(end)
    await closing


@pytest.mark.parametrize(("text", "windows"), [(CONTAINERD, True), (STDOUT.decode(), True), (LINUX, False)])
def test_whose_words_they_are(text: str, windows: bool) -> None:
    assert says_windows(classify(text)) is windows


def test_other_failures_say_nothing_of_the_system() -> None:
    assert not says_windows(Failed(FailureKind.SERVER, "hcs::System::CreateProcess app: access denied", ""))


def test_what_waits_in_a_node_pod_needs_no_sh_and_knows_its_time() -> None:
    first, *_, script = waiting_command(600)
    assert first == "powershell.exe"
    assert "-lt 600)" in script
    assert script.count("{") == script.count("}")
