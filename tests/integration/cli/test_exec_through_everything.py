"""`podshell exec` through a real gateway and real agents to the sandbox's clusters, all started by `podshell up --sandbox`."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
from collections.abc import Iterator

import pytest
from cli_process import PODSHELL, CliTerminal, run
from test_exec_in_a_terminal import poll

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the full sandbox content wants isolated containers")
CART = ["--cluster", "demo-east", "-n", "shop", "pods/cart-0", "-c", "cart"]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """`podshell up --sandbox`, and the environment in which `podshell exec` finds it by itself."""
    home = tmp_path_factory.mktemp("home")
    names = ("PODSHELL_GATEWAY", "PODSHELL_TOKEN_FILE", "KUBECONFIG")
    env = {name: value for name, value in os.environ.items() if name not in names}
    env |= {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "TERM": "xterm-256color"}
    words = [str(PODSHELL), "up", "--sandbox", "--no-browser", "--port", "0"]
    with subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        said = b""
        try:
            while b"sign in" not in said:
                line = process.stdout.readline()  # pytest-timeout bounds it
                assert line, f"podshell up ended: {said!r}"
                said += line
            yield env
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


async def test_the_gateway_and_the_token_are_found_and_the_exit_code_is_passed_on(everything: dict[str, str]) -> None:
    assert await run([*CART, "--", "sh", "-c", "echo hello; exit 7"], everything) == (7, b"hello\n", "")


async def test_a_pipe_goes_through_and_ends(everything: dict[str, str]) -> None:
    data = random.Random(4).randbytes(2_000_000)
    code, output, errors = await run([*CART, "--", "sha256sum"], everything, stdin=data)
    assert (code, output.split()[0].decode(), errors) == (0, hashlib.sha256(data).hexdigest(), "")


async def test_bytes_come_back_as_they_went(everything: dict[str, str]) -> None:
    data = random.Random(5).randbytes(1_000_000)
    code, output, _ = await run([*CART, "--", "cat"], everything, stdin=data)
    assert (code, output == data) == (0, True)


async def test_output_that_begins_before_we_are_attached_is_not_lost(everything: dict[str, str]) -> None:
    code, output, errors = await run([*CART, "--", "head", "-c", "8000000", "/dev/zero"], everything)
    assert (code, len(output), errors) == (0, 8_000_000, "")


async def test_two_clusters_with_the_same_pod_must_be_told_apart(everything: dict[str, str]) -> None:
    code, _, errors = await run(["-n", "shop", "pods/cart-0", "-c", "cart", "--", "true"], everything)
    assert code == 2
    assert "demo-east, demo-west" in errors


async def test_several_containers_are_listed(everything: dict[str, str]) -> None:
    code, _, errors = await run(["--cluster", "demo-east", "-n", "shop", "cart-0", "--", "true"], everything)
    assert code == 2
    assert "-c: cart, exporter" in errors


async def test_a_shell_in_a_terminal_has_its_size_its_signals_and_its_exit_code(everything: dict[str, str]) -> None:
    async with CliTerminal(CART, everything, size=(90, 33)) as terminal:
        await poll(lambda: terminal.is_raw)
        terminal.type(b"stty size; echo re''ady\r")
        await terminal.expect(b"33 90")
        await terminal.expect(b"ready")
        terminal.set_size(70, 20)
        terminal.type(b"sleep 1; stty size\r")
        await terminal.expect(b"20 70")
        # said by a child, which has the terminal by then: between two commands of a list bash may keep an interrupt to itself
        terminal.type(b"""sh -c "echo slee''ping; exec sleep 1000"\r""")
        await terminal.expect(b"sleeping\r\n")
        terminal.type(b"\x03")  # not before: an interrupt throws away what was typed ahead
        await terminal.expect(b"^C\r\n")
        terminal.type(b"exit 9\r")
        assert await terminal.wait() == 9
        assert terminal.is_restored


async def test_a_session_that_was_left_is_there_when_one_comes_back(everything: dict[str, str]) -> None:
    async with CliTerminal(CART, everything) as terminal:
        await poll(lambda: terminal.is_raw)
        terminal.type(b"left=be''hind; echo o''k\r")
        await terminal.expect(b"ok\r\n")
        terminal.type(b"\x10\x11")
        assert await terminal.wait() == 0
        await terminal.expect(b"--session ")
        session = bytes(terminal.seen).rsplit(b"--session ", 1)[1].split()[0].decode()
    async with CliTerminal(["--session", session], everything) as terminal:
        await poll(lambda: terminal.is_raw)
        terminal.type(b"echo still $left; exit 4\r")
        await terminal.expect(b"still behind")
        assert await terminal.wait() == 4


async def test_a_missing_pod_a_distroless_container_and_a_missing_command_say_what_to_do(everything: dict[str, str]) -> None:
    code, _, errors = await run(["--cluster", "demo-east", "-n", "shop", "pods/nope"], everything)
    assert (code, "nope" in errors) == (125, True)
    code, _, errors = await run([*CART, "--", "no-such-program"], everything)
    assert code == 127
