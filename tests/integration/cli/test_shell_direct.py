"""`kubectl shell` without a gateway on the sandbox: shells on nodes and in pods, in pipes and in a terminal, and nothing left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from cli_process import CliTerminal
from shell_process import SHELL, kubectl, names_of_ours, nothing_is_left, run
from test_exec_in_a_terminal import poll, state_of

from podshell.sandbox import users
from sandbox_fixtures import MakeSandboxCluster, end_unnoticed

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (str(SHELL),)
NODE = ["worker-1"]
POD = ["-n", "shop", "pods/cart-0"]


# One command.


@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
async def test_a_command_has_its_output_and_its_exit_code(cluster_env: dict[str, str], target: list[str]) -> None:
    code, output, errors = await run([*target, "--", "sh", "-c", "echo hello; exit 7"], cluster_env)
    assert (code, output) == (7, b"hello\n"), errors
    await nothing_is_left(cluster_env)


async def test_piped_input_reaches_the_command_and_ends(cluster_env: dict[str, str]) -> None:
    data = os.urandom(300_000)
    code, output, _ = await run([*POD, "--", "cat"], cluster_env, stdin=data)
    assert (code, output == data) == (0, True)


async def test_what_it_is_doing_is_on_standard_error_only(cluster_env: dict[str, str]) -> None:
    _, output, errors = await run([*NODE, "--", "true"], cluster_env)
    assert output == b""
    first = errors.splitlines()[0]
    assert first.startswith("podshell: Starting host networking pod default/podshell-worker-1-")
    assert first.endswith(" on node worker-1")


async def test_a_missing_program_is_127(cluster_env: dict[str, str]) -> None:
    code, output, errors = await run([*POD, "--", "no-such-program"], cluster_env)
    assert (code, output) == (127, b"")
    assert "no-such-program" in errors  # the shell's own words


@pytest.mark.parametrize("way", [[], ["--attach"]], ids=["exec", "attach"])
async def test_both_streams_of_a_command_are_ones_own(cluster_env: dict[str, str], way: list[str]) -> None:
    """As with `kubectl exec`: what a pipe gets is what the command wrote to its standard output, every byte of both."""
    script = "head -c 300000 /dev/zero; { echo before; head -c 300000 /dev/zero | tr '\\0' e; echo after; } >&2"
    code, output, errors = await run([*POD, *way, "--", "sh", "-c", script], cluster_env)
    assert (code, output) == (0, bytes(300_000)), errors[-500:]
    assert f"before\n{'e' * 300_000}after\n" in errors


async def test_the_debug_container_of_the_same_user_is_used_again(cluster_env: dict[str, str]) -> None:
    await run([*POD, "--", "true"], cluster_env)
    before = await kubectl(cluster_env, "-n", "shop", "get", "pod", "cart-0", "-o", "jsonpath={.spec.ephemeralContainers[*].name}")
    _, _, errors = await run([*POD, "--", "true"], cluster_env)
    after = await kubectl(cluster_env, "-n", "shop", "get", "pod", "cart-0", "-o", "jsonpath={.spec.ephemeralContainers[*].name}")
    assert before == after
    assert "again" in errors


async def test_a_debug_container_that_ends_before_the_shell_begins_is_followed_by_another(
    make_sandbox_cluster: MakeSandboxCluster, cluster_env: dict[str, str], tmp_path: Path
) -> None:
    """Its last user's waiter may end it between the look at the pod and the exec."""
    cluster = await make_sandbox_cluster("ending")
    cluster.write_kubeconfig(tmp_path / "config", users.ADMIN)
    env = {**cluster_env, "KUBECONFIG": str(tmp_path / "config")}
    list_names = ["-n", "shop", "get", "pod", "cart-0", "-o", "jsonpath={.spec.ephemeralContainers[*].name}"]
    await run([*POD, "--", "true"], env)
    first = await kubectl(env, *list_names)
    await end_unnoticed(cluster, "shop", "cart-0", first)
    code, output, errors = await run([*POD, "--", "echo", "here"], env)
    assert (code, output) == (0, b"here\n"), errors
    assert f"Using the debug container {first} of pod shop/cart-0 again" in errors
    names = (await kubectl(env, *list_names)).split()
    assert (len(names), first in names) == (2, True)


# A terminal.


@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
async def test_a_shell_has_its_prompt_its_size_and_its_exit_code(cluster_env: dict[str, str], target: list[str]) -> None:
    async with CliTerminal(target, cluster_env, size=(101, 31), program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        await terminal.expect(b"# ")  # without a key: the first prompt is not lost
        terminal.type(b"stty size; echo $TERM\r")
        await terminal.expect(b"31 101\r\n")
        await terminal.expect(b"xterm-256color\r\n")
        terminal.set_size(132, 50)
        terminal.type(b"sleep 0.5; stty size\r")
        await terminal.expect(b"50 132\r\n")
        terminal.type(b"exit 3\r")
        assert await terminal.wait() == 3
        assert terminal.is_restored
    await nothing_is_left(cluster_env)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
async def test_a_signal_in_the_shell_restores_the_terminal_and_leaves_nothing(cluster_env: dict[str, str], number: signal.Signals) -> None:
    async with CliTerminal(NODE, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        assert await names_of_ours(cluster_env) != []
        terminal.process.send_signal(number)
        assert await terminal.wait() == 128 + number
        assert terminal.is_restored
    await nothing_is_left(cluster_env)


async def test_a_closed_terminal_leaves_nothing(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(NODE, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        terminal.hang_up()
        assert await terminal.wait() == 128 + signal.SIGHUP
    await nothing_is_left(cluster_env)


async def test_a_stopped_process_gives_the_terminal_back_and_takes_it_again(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(POD, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        pid = terminal.process.pid
        os.kill(pid, signal.SIGTSTP)
        await poll(lambda: state_of(pid) == "T")
        assert terminal.is_restored
        os.kill(pid, signal.SIGCONT)
        await poll(lambda: terminal.is_raw)
        terminal.type(b"echo st''ill\r")
        await terminal.expect(b"still\r\n")


async def test_a_hint_is_a_line_of_its_own_and_can_be_turned_off(cluster_env: dict[str, str]) -> None:
    script = "echo 'iptables: Operation not permitted (you must be root)'; echo next"
    code, output, errors = await run([*POD, "--", "sh", "-c", script], cluster_env)
    assert (code, output) == (0, b"iptables: Operation not permitted (you must be root)\nnext\n")
    assert "--capabilities NET_RAW,NET_ADMIN" in errors
    _, _, errors = await run(["--no-hints", *POD, "--", "sh", "-c", script], cluster_env)
    assert "--capabilities" not in errors


# What may be asked for.


async def test_the_manifest_that_is_made_is_the_one_that_dry_run_shows(cluster_env: dict[str, str]) -> None:
    code, output, errors = await run([*NODE, "--profile", "host", "--dry-run", "-o", "yaml"], {**cluster_env, "KUBECONFIG": "/nowhere"})
    assert (code, errors) == (0, "")
    assert b"hostNetwork: true" in output
    assert b"SYS_CHROOT" in output


async def test_a_host_mount_says_what_it_is_and_shows_the_node(cluster_env: dict[str, str]) -> None:
    code, output, errors = await run([*NODE, "-m", "--", "cat", "/host/etc/os-release"], cluster_env)
    assert code == 0
    assert b"NAME=" in output
    assert "equal to root on this node" in errors
    code, _, errors = await run([*NODE, "-m", "--", "sh", "-c", "echo x >/host/etc/mine"], cluster_env)
    assert code != 0


async def test_without_the_right_it_says_which_one_is_missing(cluster_env: dict[str, str]) -> None:
    code, _, errors = await run([*NODE, "--as", "nobody", "--", "true"], cluster_env)
    assert code == 126
    assert 'the verb "create" on pods' in errors


async def test_the_session_is_in_the_user_agent(cluster_env: dict[str, str]) -> None:
    """The API server's audit is the only record of a direct session: what it sees must lead back to the pod's label."""
    import asyncio

    asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    code, _, _ = await run(["--server", f"http://127.0.0.1:{port}", *NODE], cluster_env)
    server.close()
    assert code == 125
    assert b" session/" in asked.result()


async def test_an_old_cluster_is_said_to_mount_read_only_at_the_top_only(
    make_sandbox_cluster: MakeSandboxCluster, cluster_env: dict[str, str], tmp_path: Path
) -> None:
    """It drops `recursiveReadOnly` (before 1.30); a newer one is not said to."""
    old = await make_sandbox_cluster("old", server_version=(1, 29))
    old.write_kubeconfig(tmp_path / "config", users.ADMIN)
    words = [*NODE, "-m", "--", "true"]
    code, _, errors = await run(words, {**cluster_env, "KUBECONFIG": str(tmp_path / "config")})
    assert (code, "/host: read-only at the top only" in errors) == (0, True), errors
    code, _, errors = await run(words, cluster_env)
    assert (code, "at the top only" in errors) == (0, False), errors
