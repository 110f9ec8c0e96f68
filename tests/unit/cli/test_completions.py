"""Completion of words that need no cluster, the protocol's lines, and the scripts."""

from __future__ import annotations

import subprocess

import click
import pytest

from podshell.cli.completion_command import SCRIPTS, completion_command
from podshell.cli.completions import DEFAULT, NO_FILES, NO_SPACE, Candidates, complete
from podshell.cli.program_completions import complete_program
from podshell.cli.shell_options import OPTIONS
from podshell.launch.main import podshell

NOWHERE = {"XDG_CONFIG_HOME": "/nowhere", "KUBECONFIG": "/nowhere/config", "HOME": "/nowhere"}


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere/config")
    monkeypatch.setenv("HOME", "/nowhere")


def words(*typed: str) -> list[str]:
    return complete(typed, NOWHERE).words


def test_kinds_and_sub_commands_are_offered_first() -> None:
    assert words("") == ["pods/", "node/", "doctor", "gc", "completion"]
    assert words("po") == ["pods/"]
    assert words("d") == ["doctor"]
    assert words("-m", "") == ["pods/", "node/"]


def test_there_is_one_target() -> None:
    assert words("node1", "") == []
    assert words("-n", "shop", "") == ["pods/", "node/"]


def test_every_flag_is_offered_with_its_help() -> None:
    found = complete(["--"], NOWHERE)
    assert found.words == [row.flag for row in OPTIONS if not row.refused]
    assert all(found.descriptions[flag] for flag in found.words)
    assert words("--cap") == ["--capabilities"]


@pytest.mark.parametrize("typed", [("--profile", "s"), ("--profile=s",), ("-m", "--profile", "s")])
def test_choices_are_offered(typed: tuple[str, ...]) -> None:
    assert [word.removeprefix("--profile=") for word in words(*typed)] == ["systemd"]


def test_capabilities_are_offered_one_after_the_other() -> None:
    found = complete(["-c", "NET_ADMIN,NET_"], NOWHERE)
    assert found.words == ["NET_ADMIN,NET_RAW"]
    assert found.directive == NO_FILES | NO_SPACE


@pytest.mark.parametrize("typed", [("--kubeconfig", ""), ("node1", "--", "")])
def test_files_are_the_shells_own_affair(typed: tuple[str, ...]) -> None:
    assert (complete(typed, NOWHERE).words, complete(typed, NOWHERE).directive) == ([], DEFAULT)


@pytest.mark.parametrize("typed", [("pods/",), ("node/",), ("-n", ""), ("--context", ""), ("--nonsense", ""), ("--timeout", "")])
def test_without_a_cluster_nothing_is_offered_and_nothing_breaks(typed: tuple[str, ...]) -> None:
    found = complete(typed, NOWHERE).words
    assert found == [] or found[0] == "pods/"


def test_the_answer_is_lines_as_cobra_has_them() -> None:
    assert Candidates(["a", "b"], NO_FILES, {"b": "what b is"}).lines() == ["a", "b\twhat b is", ":4"]


def test_the_whole_program_is_completed() -> None:
    assert complete_program(podshell, ["s"]).words == ["shell", "sandbox"]
    assert complete_program(podshell, ["exec", "--no"]).words == ["--no-stdin", "--no-tty"]
    assert complete_program(podshell, ["shell", "--cap"]).words == ["--capabilities"]
    assert complete_program(podshell, ["nonsense", ""]).directive == DEFAULT


def test_bash_reads_its_script() -> None:
    subprocess.run(["bash", "-n"], input=SCRIPTS["bash"].encode(), check=True, timeout=30)


@pytest.mark.parametrize("shell", SCRIPTS)
def test_each_script_calls_the_program(shell: str) -> None:
    assert "__complete" in SCRIPTS[shell]
    choice = completion_command.params[0].type
    assert isinstance(choice, click.Choice)
    assert shell in choice.choices


def test_bash_completes_with_it(tmp_path: object) -> None:
    """As a terminal would: with the words of the line, and what comes back in COMPREPLY."""
    script = (
        SCRIPTS["bash"]
        + '\ncompopt() { :; }\nkubectl-shell() { shift; printf "node1\\nnode2\\twith text\\n:4\\n"; }\n'
        + 'COMP_WORDS=(kubectl-shell -n "my ns" no); COMP_CWORD=3; _podshell_complete; printf "%s|" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "node1|node2|"
