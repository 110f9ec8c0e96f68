"""`kubectl shell` for whoever may attach and not exec: the shell is the container's own process, on nodes and in pods of the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess

import pytest
from cli_process import CliTerminal
from shell_process import SHELL, kubectl, names_of_ours, nothing_is_left, run
from test_exec_in_a_terminal import poll
from test_retina_defects import api_port

from faults import cutting_proxy
from podshell.sandbox.users import ATTACHER

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (str(SHELL),)
AS = ["--as", ATTACHER]
NODE = [*AS, "worker-1"]
POD = [*AS, "-n", "shop", "pods/cart-0"]
KUBECTLS_WARNING = "will be recorded in container logs, including credentials"


async def debug_states(env: dict[str, str]) -> list[str]:
    """How each debug container of the pod stands that is attached to: "running" or "terminated"; others may wait for a minute."""
    pod = json.loads(await kubectl(env, "-n", "shop", "get", "pod", "cart-0", "-o", "json"))
    attached = {one["name"] for one in pod["spec"].get("ephemeralContainers", []) if one.get("stdin")}
    return [next(iter(one["state"])) for one in pod["status"].get("ephemeralContainerStatuses", []) if one["name"] in attached]


async def debug_containers_end(env: dict[str, str]) -> None:
    """Wait until none of the pod's debug containers runs."""
    for _ in range(50):
        if "running" not in (states := await debug_states(env)):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(states)


async def test_exec_is_refused_to_this_user_so_the_tests_below_prove_something(cluster_env: dict[str, str]) -> None:
    code, _, errors = await run(["exec", *AS, "-n", "shop", "cart-0", "--", "true"], cluster_env, program=SHELL.with_name("kubectl"))
    assert code == 1
    assert "pods/exec" in errors or "forbidden" in errors


@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
async def test_a_command_has_all_its_output_and_the_containers_exit_code(cluster_env: dict[str, str], target: list[str]) -> None:
    code, output, errors = await run([*target, "--", "sh", "-c", "echo hello; exit 7"], cluster_env)
    assert (code, output) == (7, b"hello\n"), errors
    assert KUBECTLS_WARNING in errors
    assert "exec is not allowed" in errors
    await nothing_is_left(cluster_env)
    await debug_containers_end(cluster_env)


async def test_piped_input_reaches_the_command_and_ends_it(cluster_env: dict[str, str]) -> None:
    data = os.urandom(200_000)
    code, output, errors = await run([*POD, "--", "cat"], cluster_env, stdin=data)
    assert (code, output == data) == (0, True), errors
    await debug_containers_end(cluster_env)


@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
async def test_a_shell_has_its_prompt_its_size_and_its_exit_code(cluster_env: dict[str, str], target: list[str]) -> None:
    async with CliTerminal(target, cluster_env, size=(101, 31), program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        await terminal.expect(b"# ")
        terminal.type(b"stty size; echo $TERM $((40 + 2))\r")
        await terminal.expect(b"31 101\r\n")
        await terminal.expect(b"xterm-256color 42\r\n")
        terminal.set_size(132, 50)
        terminal.type(b"sleep 0.5; stty size\r")
        await terminal.expect(b"50 132\r\n")
        terminal.type(b"exit 3\r")
        assert await terminal.wait() == 3
        assert terminal.is_restored
    await nothing_is_left(cluster_env)
    await debug_containers_end(cluster_env)


async def test_an_interrupt_ends_the_command_and_not_the_shell(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(POD, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        await terminal.expect(b"# ")
        # of one process: an interrupt between two commands of a list may reach neither
        terminal.type(b"sh -c 'echo be\"\"gun; exec sleep 1000'\r")
        await terminal.expect(b"begun\r\n")
        terminal.type(b"\x03")
        terminal.type(b"echo st''ill\r")
        await terminal.expect(b"still\r\n")
        terminal.type(b"exit\r")
        await terminal.wait()
    await debug_containers_end(cluster_env)


async def test_each_shell_has_a_container_of_its_own(cluster_env: dict[str, str]) -> None:
    before = len(await debug_states(cluster_env))
    for _ in range(2):
        code, _, errors = await run([*POD, "--", "true"], cluster_env)
        assert code == 0, errors
        assert "again" not in errors
    assert len(await debug_states(cluster_env)) == before + 2


@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
async def test_a_signal_restores_the_terminal_and_leaves_nothing(cluster_env: dict[str, str], target: list[str]) -> None:
    async with CliTerminal(target, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        await terminal.expect(b"# ")
        terminal.process.send_signal(signal.SIGTERM)
        assert await terminal.wait() == 128 + signal.SIGTERM
        assert terminal.is_restored
    await nothing_is_left(cluster_env)
    await debug_containers_end(cluster_env)


@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
async def test_a_lost_connection_is_not_the_end_of_a_shell_in_a_terminal(cluster_env: dict[str, str], target: list[str]) -> None:
    async with cutting_proxy(api_port(cluster_env)) as proxy:
        words = [*target, "--server", f"https://127.0.0.1:{proxy.port}"]
        async with CliTerminal(words, cluster_env, program=PROGRAM) as terminal:
            await poll(lambda: terminal.is_raw)
            await terminal.expect(b"# ")
            terminal.type(b"X=kept; echo re''ady\r")
            await terminal.expect(b"ready\r\n")
            assert proxy.cut() > 0
            await terminal.expect(b"attached again")
            terminal.type(b"echo $X-again\r")
            await terminal.expect(b"kept-again")
            terminal.type(b"exit 4\r")
            assert await terminal.wait() == 4
    await nothing_is_left(cluster_env)
    await debug_containers_end(cluster_env)


async def test_a_program_that_is_killed_takes_a_command_along_that_reads_its_input(cluster_env: dict[str, str]) -> None:
    words = [*POD, "--", "sh", "-c", "echo begun; cat"]
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, *words, env=cluster_env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    assert "running" in await debug_states(cluster_env)
    process.kill()
    await process.wait()
    await debug_containers_end(cluster_env)


async def test_the_detach_keys_leave_it_running_and_say_how_to_get_back(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(NODE, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        await terminal.expect(b"# ")
        (name,) = await names_of_ours(cluster_env)
        terminal.type(b"\x10\x11")
        await terminal.expect(f"kubectl attach -it -n default {name} -c shell".encode())
        assert await terminal.wait() == 0
    state = await kubectl(cluster_env, "get", "pod", name, "-o", "jsonpath={.status.containerStatuses[0].state}")
    assert "running" in state
    await kubectl(cluster_env, "delete", "pod", name, "--wait=false")
    await nothing_is_left(cluster_env)


async def test_who_may_exec_can_ask_for_it_and_see_it_beforehand(cluster_env: dict[str, str]) -> None:
    code, output, errors = await run(["--attach", "worker-1", "--", "echo", "mine"], cluster_env)
    assert (code, output) == (0, b"mine\n"), errors
    assert KUBECTLS_WARNING in errors
    assert "exec is not allowed" not in errors
    code, output, _ = await run(["--attach", "worker-1", "--dry-run", "-o", "json"], cluster_env)
    container = json.loads(output)["spec"]["containers"][0]
    assert (code, container["stdin"], container["stdinOnce"], container["tty"]) == (0, True, True, True)


async def test_a_pod_for_windows_waits_for_the_end_of_its_input_without_sh(cluster_env: dict[str, str]) -> None:
    code, output, errors = await run(["--os", "windows", "win-1", "--dry-run", "-o", "json"], cluster_env)
    spec = json.loads(output)["spec"]
    container = spec["containers"][0]
    assert (code, spec["os"], errors) == (0, {"name": "windows"}, "")
    assert container["command"][0] == "powershell.exe"
    assert (container["stdin"], container["stdinOnce"], "tty" in container) == (True, True, False)
    assert container["securityContext"]["windowsOptions"]["hostProcess"] is True


async def test_a_program_that_is_missing_is_127(cluster_env: dict[str, str]) -> None:
    code, output, errors = await run([*NODE, "--", "no-such-program"], cluster_env)
    assert (code, output) == (127, b"")
    assert "no-such-program" in errors


async def test_the_doctor_says_that_shells_are_attached_to(cluster_env: dict[str, str]) -> None:
    code, output, _ = await run(["doctor", "-o", "json", *POD, "--image", "tools:1"], cluster_env)
    lines = {line["check"]: line for line in json.loads(output)}
    assert code == 0
    assert lines["way"]["verdict"] == "warning"
    assert "shells in shop are attached to" in lines["way"]["text"]
