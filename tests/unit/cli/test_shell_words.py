"""Targets, images and help of `kubectl shell`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from podshell import __version__
from podshell.cli.durations import format_duration, parse_duration
from podshell.cli.failures import USAGE, CommandFailed
from podshell.cli.shell_command import EXAMPLES, shell_command, write_help
from podshell.cli.shell_image import choose_image
from podshell.cli.shell_options import OPTIONS
from podshell.cli.shell_targets import ShellTarget, TargetKind, parse_target
from podshell.cli.shell_values import Values, read_values

NODE, POD = TargetKind.NODE, TargetKind.POD

# Targets.


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("aks-nodepool1-15232018-vmss000001", ShellTarget(NODE, "aks-nodepool1-15232018-vmss000001")),
        ("node/n1.example.com", ShellTarget(NODE, "n1.example.com")),
        ("nodes/n1", ShellTarget(NODE, "n1")),
        ("no/n1", ShellTarget(NODE, "n1")),
        ("pods/coredns-d459997b4-7cpzx", ShellTarget(POD, "coredns-d459997b4-7cpzx")),
        ("pod/p", ShellTarget(POD, "p")),
        ("po/p", ShellTarget(POD, "p")),
        ("Pod/p", ShellTarget(POD, "p")),
        ("pods.v1/p", ShellTarget(POD, "p")),
    ],
)
def test_targets_are_named_as_kubectl_names_them(word: str, target: ShellTarget) -> None:
    assert parse_target((word,)) == target


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("deployment/web", "apps/v1/Deployment"),
        ("deploy/web", "apps/v1/Deployment"),
        ("deployments.apps/web", "apps/v1/Deployment"),
        ("svc/web", "v1/Service"),
        ("job/x", "batch/v1/Job"),
        ("widgets/x", "widgets"),
        ("pods.metrics.k8s.io/x", "pods.metrics.k8s.io"),
        ("nodes.metrics.k8s.io/x", "nodes.metrics.k8s.io"),
    ],
)
def test_other_kinds_are_refused_in_retinas_words(word: str, kind: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        parse_target((word,))
    assert failed.value.code == USAGE
    assert failed.value.lines[0] == f"unsupported resource {kind}: unsupported resource type"


@pytest.mark.parametrize("words", [(), ("a", "b"), ("pods", "web", "x")])
def test_there_is_exactly_one_target(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandFailed) as failed:
        parse_target(words)
    assert failed.value.code == USAGE
    assert failed.value.lines[0].startswith(f"accepts 1 arg(s), received {len(words)}")


@pytest.mark.parametrize("word", ["", "pods/", "node/Upper", "node/a_b", "pods/../secrets", "-x", "a/b/c", "node/é"])
def test_what_is_no_name_is_refused_before_it_is_in_any_path(word: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        parse_target((word,))
    assert failed.value.code == USAGE


# Images.


def values(environ: dict[str, str] | None = None, **flags: object) -> Values:
    return read_values(flags, {"XDG_CONFIG_HOME": "/nowhere", **(environ or {})})


def test_an_image_is_a_repository_and_a_version_which_is_ours_by_default() -> None:
    assert choose_image(values(image_repo="r.example/tools")) == f"r.example/tools:{__version__}"
    assert choose_image(values(image_repo="r.example:5000/tools", image_version="v1")) == "r.example:5000/tools:v1"


def test_an_image_may_be_complete_and_have_a_digest() -> None:
    image = f"r.example/tools@sha256:{'0a' * 32}"
    assert choose_image(values({"PODSHELL_IMAGE_REPO": "every.day/tools"}, image=image)) == image


def test_without_any_it_says_how_to_get_one() -> None:
    with pytest.raises(CommandFailed) as failed:
        choose_image(values())
    assert failed.value.code == USAGE
    assert failed.value.lines[0] == "missing required --image-repo"
    assert "images/tools" in failed.value.lines[1]


@pytest.mark.parametrize(
    "flags",
    [
        {"image": "x", "image_repo": "y"},
        {"image": "x", "image_version": "1"},
        {"image": "has space"},
        {"image_repo": f"r/t@sha256:{'0a' * 32}"},
        {"image_repo": "r/t", "image_version": "a/b"},
        {"image_repo": "-x"},
    ],
)
def test_what_is_no_image_or_two_is_refused(flags: dict[str, object]) -> None:
    with pytest.raises(CommandFailed) as failed:
        choose_image(values(**flags))
    assert failed.value.code == USAGE


# Durations.


@pytest.mark.parametrize("text", ["4h", "1h30m", "30s", "1m30s"])
def test_durations_are_written_as_they_are_read(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


# Help.


def help_text(name: str = "kubectl shell") -> str:
    formatter = click.HelpFormatter(width=120)
    write_help(name, formatter)
    return formatter.getvalue()


def test_help_names_every_option_and_says_once_that_it_is_experimental() -> None:
    text = help_text()
    for row in OPTIONS:
        assert row.refused or row.flag in text
    assert text.count("EXPERIMENTAL") == 1


def test_help_shows_retinas_recipes_as_examples_that_parse() -> None:
    text = help_text("podshell shell")
    for _, line in EXAMPLES:
        line = line.format(name="podshell shell")
        assert line in text
        words = line.split()[2:]
        with shell_command.make_context("shell", words) as context:
            parse_target(context.params["words"])


def test_help_needs_no_kubeconfig_and_no_client(tmp_path: Path) -> None:
    """D13; the second half keeps it fast: what is not imported costs nothing."""
    script = "import sys; from podshell.cli.plugin import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    env = {**os.environ, "KUBECONFIG": str(tmp_path / "none"), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script, "--help"], env=env, capture_output=True, text=True, check=True, timeout=60)
    assert "Usage:" in done.stdout
    heavy = {"aiohttp", "picows", "msgspec", "yaml", "asyncio", "podshell.kube.rest"}
    assert heavy.isdisjoint(done.stderr.split())
