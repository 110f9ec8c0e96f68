"""docs/how-to/debug-and-node-shells.md: each of its commands is run, on nodes and pods of the sandbox (how_to_page.py says which where).

What is typed at the prompts of the page is run in tests/image, with the real tools.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import how_to_page
import pytest
from how_to_page import REASONS, Runner, lines_for, page_lines
from shell_process import BIN, kubectl, names_of_ours, nothing_is_left, run

isolated = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
REPOSITORY = Path(__file__).resolve().parents[3]
# The page's node and pod are somebody else's; the sandbox has its own.
_PLACES = ((re.compile(r"aks-nodepool1-\S+|node001"), "worker-1"), (re.compile(r"-n kube-system pods/coredns-\S+"), "-n shop pods/cart-0"))


def on_the_sandbox(line: str) -> str:
    for pattern, ours in _PLACES:
        line = pattern.sub(ours, line)
    return line


async def bash(script: str, env: Mapping[str, str]) -> tuple[int, str, str]:
    """Run a script as a user's shell does; returns exit code, standard output and standard error."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("bash", "-c", script, env=env, cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        output, errors = await process.communicate(b"")
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


def test_every_line_of_the_page_is_run_somewhere() -> None:
    counted = Counter(line.runner for line in page_lines())
    assert set(counted) == set(Runner)
    assert counted[Runner.SHELL] >= 17
    assert {line.text for line in page_lines() if line.runner is Runner.ELSEWHERE} == set(REASONS)


@pytest.mark.parametrize("added", ["```bash\nkubectl sh node001\n```\n", "```text\nnobody types this\n```\n", "```python\npass\n```\n"])
def test_a_line_that_nobody_runs_is_found(added: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longer = tmp_path / "page.md"
    longer.write_text(f"{how_to_page.PAGE.read_text()}\n{added}")
    monkeypatch.setattr(how_to_page, "PAGE", longer)
    with pytest.raises(AssertionError, match=r"nobody tests|nothing is typed|no test runs"):
        list(page_lines())


# A writable mount wants a root that is mounted shared, which the sandbox's nodes take from this machine.
_DRY = {"-w"}


@isolated
@pytest.mark.parametrize("line", lines_for(Runner.SHELL))
async def test_a_shell_of_the_page_opens(cluster_env: dict[str, str], line: str) -> None:
    piped = re.match(r"echo ([^|]+) \| ", line)
    words = shlex.split(on_the_sandbox(line[piped.end() :] if piped else line).removeprefix("kubectl shell "), comments=True)
    # its programs are the tools image's, which tests/image runs; here the flags count, and what goes through
    own = words[: words.index("--")] if "--" in words else words
    command = ["cat"] if piped else ["echo", "opened"]
    if "--dry-run" in own or _DRY & set(own):
        dry = [] if "--dry-run" in own else ["--dry-run", "-o", "yaml"]
        code, output, errors = await run([*own, *dry, "--", *command], cluster_env)
        assert code == 0, errors
        assert f"image: {own[own.index('--image') + 1] if '--image' in own else 'tools:1'}".encode() in output
        return
    code, output, errors = await run([*own, "--", *command], cluster_env, stdin=f"{piped[1]}\n".encode() if piped else b"")
    assert (code, output) == (0, f"{piped[1]}\n".encode() if piped else b"opened\n"), errors
    await nothing_is_left(cluster_env)


async def test_the_image_is_the_one_that_the_page_exports(cluster_env: dict[str, str]) -> None:
    *exports, opens = lines_for(Runner.IMAGE)
    command, _, runs = opens.partition(" # runs ")
    env = {name: value for name, value in cluster_env.items() if not name.startswith("PODSHELL_IMAGE")}
    code, output, errors = await bash("\n".join([*exports, f"{command} --dry-run -o yaml"]), env)
    assert code == 0, errors
    assert re.findall(r"^ *image: (\S+)$", output, re.MULTILINE) == [runs]


@isolated
async def test_the_namespace_that_the_page_makes_takes_node_pods(cluster_env: dict[str, str]) -> None:
    *making, opens = [on_the_sandbox(re.sub(r"\bpodshell\b(?![/.])", "how-to-page", line)) for line in lines_for(Runner.NAMESPACE)]
    try:
        for line in making:
            code, _, errors = await bash(line, cluster_env)
            assert code == 0, errors
        code, output, errors = await run([*shlex.split(opens)[2:], "--", "echo", "opened"], cluster_env)
        assert (code, output) == (0, b"opened\n"), errors
        assert "pod how-to-page/podshell-worker-1-" in errors
        await nothing_is_left(cluster_env)
    finally:
        await kubectl(cluster_env, "delete", "namespace", "how-to-page", "--wait=false")


LABELS = "app.kubernetes.io/managed-by=podshell,podshell.dev/kind=node"
# A pod of somebody else's whose time is over: what a deadline that nobody kept leaves.
LEFT = ["run", "left", "--image=localhost/busybox:1.38", f"--labels={LABELS}", "--annotations=podshell.dev/expires=2020-01-01T00:00:00Z"]


@isolated
async def test_what_was_left_is_listed_and_deleted(cluster_env: dict[str, str]) -> None:
    lists, deletes = [shlex.split(line, comments=True)[2:] for line in lines_for(Runner.GC)]
    await kubectl(cluster_env, *LEFT)
    code, output, errors = await run(lists, cluster_env)
    assert (code, re.findall(r"^Pod +default +(\S+)", output.decode(), re.MULTILINE)) == (0, ["left"]), errors
    assert await names_of_ours(cluster_env) == ["left"]
    code, output, errors = await run(deletes, cluster_env)
    assert code == 0, errors
    await nothing_is_left(cluster_env)


@pytest.mark.parametrize("line", lines_for(Runner.DOCTOR))
async def test_a_doctor_of_the_page_finds_nothing_wrong(cluster_env: dict[str, str], line: str) -> None:
    words = shlex.split(line)[1:]
    code, output, errors = await run(words, cluster_env, program=BIN / "podshell")
    assert (code, errors) == (0, "")
    if "json" in words:
        assert all(found["fix"] for found in json.loads(output) if found["verdict"] != "ok")
    else:
        checks = set(re.findall(r"^(?:ok|\?) +(\S+(?: \S+)?)  ", output.decode(), re.MULTILINE))
        assert checks >= {"server", "version", "clock", "rights", "way", "pod security", "image", "node", "system", "runtime"}


async def test_the_plugin_is_found_and_completed_as_the_page_sets_it_up(cluster_env: dict[str, str]) -> None:
    path, shows_help, *completion = lines_for(Runner.SET_UP)
    assert path == 'export PATH="$PWD/.venv/bin:$PATH"'
    env = {**cluster_env, "PATH": os.environ["PATH"]}
    here = f'export PATH="{BIN}:$PATH"'  # where this interpreter is, which need not be the checkout's
    code, output, errors = await bash(f"{here}\n{shows_help}", env)
    assert (code, "EXPERIMENTAL" in output) == (0, True), errors
    code, output, errors = await bash("\n".join([here, *completion, "complete -p kubectl podshell"]), env)
    assert code == 0, errors
    assert re.findall(r" (\S+)$", output, re.MULTILINE) == ["kubectl", "podshell"]


def test_every_program_at_a_prompt_of_the_page_is_run_with_the_real_image() -> None:
    typed = lines_for(Runner.AT_PROMPT)
    assert len(typed) >= 13
    run_there = "\n".join(path.read_text() for path in (REPOSITORY / "tests" / "image").glob("test_*.py"))
    programs = {word for line in typed for word in re.findall(r"^(?:chroot /host )?([\w.]+)", line)}
    assert {one for one in programs if not re.search(rf"\b{one}\b", run_there)} == set()
