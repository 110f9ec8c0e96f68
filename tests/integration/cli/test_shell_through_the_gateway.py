"""`podshell shell --gateway`: debug and node sessions through a real gateway and agent, and what they are refused before they are made."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from cli_process import PODSHELL, CliTerminal
from shell_process import run
from test_exec_in_a_terminal import poll

from podshell.agent.ceiling import ceiling_of
from podshell.sandbox.resources import JOB, POD
from stack import Stack, settled

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers"),
]
NODE = ["worker-1"]
POD_WORDS = ["-n", "shop", "pods/cart-0"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A cluster whose ceiling allows tools containers, and no path of a node."""
    async with Stack(tmp_path_factory.mktemp("stack"), ceiling=ceiling_of(["podExec", "podDebug", "nodeShell"])) as stack:
        yield stack


@pytest.fixture
def env(stack: Stack) -> dict[str, str]:
    """An environment in which the gateway is found by name and token, and no cluster is."""
    token = stack.folder / "token"
    token.touch(0o600)
    token.write_text(stack.token)
    names = ("PODSHELL_", "RETINA_", "KUBECONFIG")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return {
        **clean,
        "HOME": str(stack.folder),
        "XDG_CONFIG_HOME": str(stack.folder),
        "KUBECONFIG": "/nowhere",
        "PODSHELL_TOKEN_FILE": str(token),
        "TERM": "xterm-256color",
    }


def words(stack: Stack, *more: str) -> list[str]:
    return ["shell", "--gateway", stack.url, *more]


def made(stack: Stack) -> list[str]:
    """The Jobs and node pods of ours, and the debug containers of cart-0, that the cluster has ever been asked for and still knows."""
    objects = [*stack.cluster.sandbox.store.list(JOB), *stack.cluster.sandbox.store.list(POD)]
    ours = [one["metadata"] for one in objects if one["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "podshell"]
    pod = stack.cluster.sandbox.store.get(POD, "shop", "cart-0")
    assert pod is not None
    return [*(one["name"] for one in ours), *(one["name"] for one in pod["spec"].get("ephemeralContainers", []))]


@pytest.mark.parametrize(
    ("target", "option", "missing"),
    [(NODE, "-m", "hostMount"), (NODE, "--host-pid", "nodePrivileged"), (POD_WORDS, "--capabilities=SYS_PTRACE", "nodePrivileged")],
    ids=["mount", "host-pid", "capability"],
)
async def test_what_the_ceiling_forbids_is_refused_before_anything_is_made(
    stack: Stack, env: dict[str, str], target: list[str], option: str, missing: str
) -> None:
    before = made(stack)
    code, output, errors = await run(words(stack, *target, option), env, program=PODSHELL)
    assert (code, output) == (126, b""), errors
    assert missing in errors
    assert made(stack) == before


@pytest.mark.parametrize("target", [NODE, POD_WORDS], ids=["node", "debug"])
async def test_a_shell_has_its_prompt_its_size_and_its_exit_code(stack: Stack, env: dict[str, str], target: list[str]) -> None:
    async with CliTerminal(words(stack, *target), env, size=(101, 31), program=(str(PODSHELL),)) as terminal:
        await poll(lambda: terminal.is_raw)
        await terminal.expect(b"# ")
        terminal.type(b"stty size; echo in:$((6*7)):\r")
        await terminal.expect(b"31 101\r\n")
        await terminal.expect(b"in:42:")
        terminal.type(b"exit 3\r")
        assert await terminal.wait() == 3
        assert terminal.is_restored
    await settled(lambda: not [name for name in made(stack) if "worker" in name], lambda: made(stack))


@pytest.mark.parametrize("target", [NODE, POD_WORDS], ids=["node", "debug"])
async def test_a_command_has_its_output_and_its_exit_code(stack: Stack, env: dict[str, str], target: list[str]) -> None:
    code, output, errors = await run(words(stack, *target, "--", "sh", "-c", "echo hello; exit 7"), env, program=PODSHELL)
    assert (code, output) == (7, b"hello\n"), errors


async def test_a_pod_that_is_not_there_says_so(stack: Stack, env: dict[str, str]) -> None:
    code, _, errors = await run(words(stack, "-n", "shop", "pods/nope"), env, program=PODSHELL)
    assert (code, "nope" in errors) == (125, True), errors


@pytest.mark.parametrize(("form", "begins"), [("yaml", "apiVersion: batch/v1\n"), ("json", "{\n")])
async def test_a_dry_run_shows_what_the_agent_would_make_and_makes_nothing(
    stack: Stack, env: dict[str, str], form: str, begins: str
) -> None:
    before = made(stack)
    code, output, errors = await run(words(stack, *NODE, "--dry-run", "-o", form), env, program=PODSHELL)
    assert (code, output.decode().startswith(begins)) == (0, True), errors
    code, output, errors = await run(words(stack, *NODE, "-m", "--dry-run", "-o", form), env, program=PODSHELL)
    assert (code, output.decode().startswith(begins), "hostMount" in errors) == (126, True, True), errors
    assert "a host mount is equal to root on this node" in errors
    assert made(stack) == before


async def test_the_image_of_ones_own_environment_is_not_asked_of_the_clusters_agent(stack: Stack, env: dict[str, str]) -> None:
    named = {**env, "PODSHELL_IMAGE_REPO": "registry.example.com/mine", "PODSHELL_IMAGE_VERSION": "v9"}
    code, output, errors = await run(words(stack, *NODE, "--dry-run"), named, program=PODSHELL)
    assert (code, b"registry.example.com" in output) == (0, False), errors
    code, output, errors = await run(words(stack, *NODE, "--dry-run", "--image-repo", "registry.example.com/mine"), named, program=PODSHELL)
    assert b"registry.example.com/mine:v9" in output
    assert (code, "image" in errors) == (126, True), errors
