"""The runtime by itself: what containers are, how commands end in them, and that nothing outlives the sandbox."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from podshell.sandbox.runtime import Container, ContainerSpec, ExecFailed, ImageMissing, Runtime, StartFailed, can_isolate

MODES = [
    pytest.param(True, id="isolated", marks=pytest.mark.skipif(not can_isolate(), reason="needs namespaces")),
    pytest.param(False, id="plain"),
]
isolated_only = pytest.mark.skipif(not can_isolate(), reason="needs namespaces")


@pytest.fixture(params=MODES)
async def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runtime]:
    runtime = Runtime(tmp_path / "node", isolated=request.param)
    await runtime.start()
    yield runtime
    await runtime.stop()


def spec(**how: object) -> ContainerSpec:
    how = {"image": "busybox", "command": ("sleep", "infinity"), **how}
    return ContainerSpec(secrets.token_hex(32), "uid", "default", "demo", "main", **how)  # type: ignore[arg-type]


async def run(
    runtime: Runtime, container: Container, *command: str, tty: bool = False, stdin: bytes | None = None
) -> tuple[int, bytes, bytes]:
    output = {"stdout": b"", "stderr": b""}

    async def take(name: str, data: bytes) -> None:
        output[name] += data

    process = await runtime.exec(container, list(command), tty=tty, stdin=stdin is not None, consumer=take)
    if process.stdin is not None and stdin is not None:
        process.stdin.write(stdin)
        process.stdin.end()
    async with asyncio.timeout(30):
        return await process.done, output["stdout"], output["stderr"]


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that only /proc tells."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_output_and_exit_code_of_a_command(runtime: Runtime) -> None:
    container = await runtime.start_container(spec())
    assert await run(runtime, container, "sh", "-c", "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")
    assert await run(runtime, container, "cat", stdin=b"hello") == (0, b"hello", b"")


@pytest.mark.parametrize(("name", "code"), [("KILL", 137), ("TERM", 143), ("HUP", 129)])
async def test_signals_count_as_128_and_more(runtime: Runtime, name: str, code: int) -> None:
    container = await runtime.start_container(spec())
    assert (await run(runtime, container, "sh", "-c", f"kill -{name} $$"))[0] == code


async def test_signals_that_the_sandboxs_starter_ignores_are_not_ignored_inside(tmp_path: Path) -> None:
    """As under nohup, or in the background of a shell."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        runtime = Runtime(tmp_path / "nohup")
        await runtime.start()
        try:
            container = await runtime.start_container(spec())
            assert (await run(runtime, container, "sh", "-c", "kill -HUP $$"))[0] == 129
        finally:
            await runtime.stop()
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_tty_is_one_and_leads_its_session(runtime: Runtime) -> None:
    container = await runtime.start_container(spec())
    script = 'tty; read -r stat < /proc/self/stat; set -- $stat; echo "$1 $5 $6"; echo $TERM'
    code, output, _ = await run(runtime, container, "sh", "-c", script, tty=True)
    terminal, ids, term = output.decode().split("\r\n")[:3]
    assert code == 0
    assert terminal.startswith("/dev/pts/")
    assert len(set(ids.split())) == 1
    assert term == "xterm"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
async def test_what_is_typed_in_utf8_is_shown_as_typed(runtime: Runtime, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"this machine has no {shell}")
    container = await runtime.start_container(spec(image=shell))
    shown, seen = bytearray(), asyncio.Event()

    async def take(_: str, data: bytes) -> None:
        shown.extend(data)
        if b"\n[shown]" in shown:
            seen.set()

    command = ["sh", "-c", f"LANG=C.UTF-8 TERM=xterm exec {shell}"]
    process = await runtime.exec(container, command, tty=True, stdin=True, consumer=take)
    assert process.stdin is not None
    process.stdin.write("echo ●é日; printf '\\n[shown]'\n".encode())
    async with asyncio.timeout(30):
        await seen.wait()
    process.kill()
    assert shown.count("●é日".encode()) >= 2, "once as it is typed, once as it is said"
    assert rb"\342" not in shown


async def test_a_distroless_container_has_no_shell(runtime: Runtime) -> None:
    container = await runtime.start_container(spec(image="distroless", command=None))
    with pytest.raises(ExecFailed, match=r'exec: "sh": executable file not found in \$PATH$'):
        await runtime.exec(container, ["sh"], tty=False, stdin=False)
    assert container.running


async def test_a_container_that_cannot_start_says_why(runtime: Runtime) -> None:
    with pytest.raises(StartFailed) as failed:
        await runtime.start_container(spec(command=("/no/such",)))
    assert failed.value.message == (  # transcripts/ephemeral/bad-command
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        'unable to start container process: exec: "/no/such": stat /no/such: no such file or directory'
    )
    with pytest.raises(ImageMissing):
        await runtime.start_container(spec(image="localhost/nope:1"))


async def test_the_log_of_an_ended_container_is_complete(runtime: Runtime) -> None:
    container = await runtime.start_container(spec(command=("sh", "-c", "echo a; echo b >&2; printf c; exit 3")))
    async with asyncio.timeout(30):
        assert await container.exited == 3
    assert sorted((line.stream, line.text) for line in container.log.select()) == [
        ("stderr", b"b\n"),
        ("stdout", b"a\n"),
        ("stdout", b"c"),
    ]


async def test_stop_kills_what_ignores_term(runtime: Runtime) -> None:
    ready = asyncio.Event()
    container = await runtime.start_container(spec(command=("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")))

    async def look(_: str, data: bytes) -> None:
        ready.set()

    container.process.add_consumer(look)
    async with asyncio.timeout(30):
        await ready.wait()
        assert await container.stop(0.2) == 137
    await until(lambda: not container.processes())


async def test_output_without_a_taker_stops_the_process(runtime: Runtime) -> None:
    container = await runtime.start_container(spec())
    taken, never = asyncio.Event(), asyncio.Event()

    async def stall(_: str, data: bytes) -> None:
        taken.set()
        await never.wait()

    process = await runtime.exec(container, ["dd", "if=/dev/zero", "bs=64k"], tty=False, stdin=False, consumer=stall)
    async with asyncio.timeout(30):
        await taken.wait()
    await until(lambda: Path(f"/proc/{process.pid}/wchan").read_text() == "anon_pipe_write" or _state(process.pid) == "S")
    written = int(Path(f"/proc/{process.pid}/io").read_text().split("wchar: ")[1].split()[0])
    assert written < 1024 * 1024
    never.set()
    process.kill()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_processes_that_flood_leave_room_for_others(runtime: Runtime) -> None:
    flooding = await runtime.start_container(spec(command=("yes",)))
    await runtime.exec(flooding, ["dd", "if=/dev/zero", "bs=64k"], tty=False, stdin=False)
    turns = 0
    async with asyncio.timeout(30):
        for _ in range(20):
            await asyncio.sleep(0)
            turns += 1
        assert await run(runtime, flooding, "echo", "here") == (0, b"here\n", b"")
    assert turns == 20


async def test_stop_leaves_no_process(runtime: Runtime) -> None:
    container = await runtime.start_container(spec())
    await runtime.exec(container, ["sh", "-c", "setsid sleep 4321 & sleep 4322 & wait"], tty=True, stdin=True)
    await until(lambda: len(container.processes()) >= 4)
    pids = container.processes()
    await runtime.stop()
    await until(lambda: not any(alive(pid) for pid in pids))


@isolated_only
async def test_a_container_sees_only_itself(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    await runtime.start()
    try:
        container = await runtime.start_container(spec(hostname="demo-0"))
        _, output, _ = await run(runtime, container, "sh", "-c", "hostname; echo /proc/[0-9]*; ls /; id -u")
        hostname, processes, *root, user = output.decode().split("\n")[:-1]
        assert hostname == "demo-0"
        assert len(processes.split()) == 2  # PID 1 and the shell itself
        assert not {"work", "usr/local", "boot"} & set(root)
        assert user == "0"
        assert (await run(runtime, container, "sh", "-c", "echo b > /proc/sysrq-trigger; mount -t tmpfs x /tmp"))[0] != 0
    finally:
        await runtime.stop()


@isolated_only
async def test_an_ephemeral_container_shares_the_processes_of_its_target(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    await runtime.start()
    try:
        target = await runtime.start_container(spec(command=("sleep", "4321")))
        debugger = await runtime.start_container(spec(share_pid_with=target.spec.id))
        assert b"sleep 4321" in (await run(runtime, debugger, "ps"))[1]
        assert await debugger.stop(0) == 137
        assert target.running
    finally:
        await runtime.stop()


_SANDBOX = """
import asyncio, secrets, sys
from pathlib import Path
from podshell.sandbox.runtime import ContainerSpec, Runtime
async def main():
    runtime = Runtime(Path(sys.argv[1]), isolated=sys.argv[2] == "True")
    await runtime.start()
    one = ContainerSpec(secrets.token_hex(32), "u", "d", "p", "m", "busybox", ("sleep", "infinity"))
    container = await runtime.start_container(one)
    await runtime.exec(container, ["sh", "-c", "setsid sleep 4321 & sleep 4322 & wait"], tty=True, stdin=True)
    while len(container.processes()) < 4:
        await asyncio.sleep(0.02)
    print(*container.processes(), flush=True)
    print(container.image.folder, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.parametrize("isolated", MODES)
def test_nothing_outlives_a_sandbox_that_is_killed(isolated: bool, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", _SANDBOX, str(tmp_path), str(isolated)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        pids = [int(word) for word in sandbox.stdout.readline().split()]
        image = Path(sandbox.stdout.readline().strip())
        assert len(pids) >= 4
        os.kill(sandbox.pid, signal.SIGKILL)
    outside = not image.is_relative_to(tmp_path)  # plain processes of root need a folder of their own
    deadline = time.monotonic() + 20
    while (any(alive(pid) for pid in pids) or (outside and image.exists())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in pids if alive(pid)] == []
    assert not (outside and image.exists())
