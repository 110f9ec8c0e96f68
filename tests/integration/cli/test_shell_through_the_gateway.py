"""`podshell shell --gateway`: debug and node sessions through a real gateway and agent, and what they are refused before they are made."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from cli_process import PODSHELL, CliTerminal
from how_to_page import Runner, lines_for
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


async def doctor(stack: Stack, env: dict[str, str], *more: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """Run `podshell doctor` through the gateway; returns the exit code and the lines by what they check."""
    code, output, errors = await run(["doctor", "--gateway", stack.url, "-o", "json", *more], env, program=PODSHELL)
    assert errors == ""
    lines: dict[str, list[dict[str, str]]] = {}
    for line in json.loads(output):
        lines.setdefault(line["check"], []).append(line)
    return code, lines


@pytest.mark.parametrize("target", [[*NODE, "--profile", "net"], POD_WORDS], ids=["node", "debug"])
async def test_the_doctor_finds_a_session_that_would_be_opened_and_makes_nothing(
    stack: Stack, env: dict[str, str], target: list[str]
) -> None:
    before = made(stack)
    code, lines = await doctor(stack, env, *target)
    assert code == 0, [line for found in lines.values() for line in found if line["verdict"] == "failed"]
    assert list(lines) == ["gateway", "clock", "cluster", "agent", "version", "ceiling", "image", "pod security", "target"]
    assert {line["verdict"] for name in ("gateway", "clock", "cluster", "agent", "version", "ceiling") for line in lines[name]} == {"ok"}
    assert lines["image"][0]["text"] == "shells run tools:1"
    assert "would be opened" in lines["target"][0]["text"]
    assert made(stack) == before


@pytest.mark.parametrize(
    ("typed", "check", "said"),
    [
        ([*NODE, "-m"], "ceiling", "does not allow hostMount"),
        ([*NODE, "--image", "evil:1"], "image", "does not allow the image evil:1"),
        (["worker-9"], "plan", "worker-9"),
        ([*POD_WORDS, "--cluster", "nowhere"], "cluster", "knows no cluster nowhere"),
    ],
    ids=["ceiling", "image", "no node", "no cluster"],
)
async def test_the_doctor_says_what_would_refuse_a_session(
    stack: Stack, env: dict[str, str], typed: list[str], check: str, said: str
) -> None:
    code, lines = await doctor(stack, env, *typed)
    assert code == 1
    failed = [line for line in lines[check] if line["verdict"] == "failed"]
    assert said in failed[0]["text"]
    assert failed[0]["fix"]


async def test_the_doctor_shows_the_ceiling_where_no_target_is_named(stack: Stack, env: dict[str, str]) -> None:
    code, lines = await doctor(stack, env)
    assert code == 0
    said = {line["text"].split(" (")[0]: line["verdict"] for line in lines["ceiling"]}
    assert said["allows podDebug"] == said["allows nodeShell"] == "ok"
    assert said["does not allow hostMount"] == said["does not allow nodePrivileged"] == "warning"


async def test_the_doctor_says_that_it_is_not_signed_in(stack: Stack, env: dict[str, str], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("wrong")
    code, lines = await doctor(stack, {**env, "PODSHELL_TOKEN_FILE": str(token)})
    assert (code, list(lines)) == (1, ["gateway"])
    assert lines["gateway"][0]["fix"]


@pytest.mark.parametrize("line", lines_for(Runner.GATEWAY))
async def test_a_line_of_the_how_to_page_works_through_the_gateway(stack: Stack, env: dict[str, str], line: str) -> None:
    known = {**env, "PODSHELL_GATEWAY": stack.url}  # as `podshell up` makes it known: --gateway has no address on the page
    typed = shlex.split(line)[1:]
    command = [] if typed[0] == "doctor" else ["--", "echo", "opened"]
    code, output, errors = await run([*typed, *command], known, program=PODSHELL)
    assert code == 0, errors
    assert b"would be opened" in output if typed[0] == "doctor" else output == b"opened\n"
